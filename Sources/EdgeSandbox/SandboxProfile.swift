package import EdgeJob
internal import EdgeSystem

/// A sandbox policy by name: what must hold, what is visible, and which system calls there are.
package struct SandboxProfile: Sendable {
  package let name: String
  /// Raised with every change of the file.
  package let version: Int64
  /// What it is for, one line.
  package let summary: String
  /// SHA-256 of the canonical JSON after `extends` has been resolved.
  package let digest: Digest
  /// What a task gets that asks for nothing.
  package let limits: Limits
  /// What the machine must offer.
  package let floor: Floor
  let view: View
  let environment: EnvironmentRules
  /// Where programs are looked up.
  package let path: [String]
  /// False where one process may reserve as much address space as it likes (V8, the JVM).
  let addressSpaceIsLimited: Bool
  /// What a program may have of the network; the rules for it are part of the policy.
  package let network: NetworkGrant
  let policy: SyscallPolicy
  /// Interpreters that are kept warm, and copied for their programs.
  let warm: Set<WarmInterpreter>
  /// The document it was read from, with everything inherited.
  let document: JSON

  /// The weakest mechanism that is accepted for each property.
  package struct Floor: Hashable, Sendable {
    /// True where the memory of the whole tree must be counted; otherwise a limit for each
    /// process is enough.
    package var memoryTree: Bool
    package var processesTree: Bool
    package var cpuTree: Bool
    /// The lowest Landlock ABI; 0 where Landlock is only used if it is there.
    package var landlock: Int64
    /// True where the disk limit has to be a quota; otherwise it may be watched.
    package var diskQuota = true
    /// True where the program has to have a root of its own; otherwise a view of Landlock is
    /// enough.
    package var fileSystemPrivate = true
    /// True where a process namespace has to end the run.
    package var killNamespace = true
    /// True where a network namespace has to be there; otherwise the filter is enough.
    package var networkNamespace = true
    /// The same for objects of System V and message queues.
    package var ipcNamespace = true
  }

  /// What is visible of the machine, always read-only.
  struct View: Hashable, Sendable {
    /// Paths that must exist.
    var required: [String]
    /// Paths that are shown where they exist.
    var optional: [String]
    /// True where /proc shows the machine's totals as well, and not only processes.
    var wholeProc: Bool
  }

  /// Which variables the program has.
  struct EnvironmentRules: Hashable, Sendable {
    /// Always set.
    var fixed: [String: String]
    /// Names that a launch may set; a trailing `*` stands for any rest.
    var allowed: [String]

    func allows(_ name: String) -> Bool {
      allowed.contains { pattern in
        pattern.hasSuffix("*") ? name.hasPrefix(pattern.dropLast()) : name == pattern
      }
    }
  }

  package static let schema = "edgecoder.profile/1"

  /// Reads `NAME.json` and the profiles that it extends.
  /// - Parameter directory: where profiles lie; nil = the program's own.
  /// - Throws: stage `profile`.
  package static func load(_ name: String, directory: String? = nil) throws(LaunchFailure)
    -> SandboxProfile
  {
    try SandboxProfile(resolved: try ProfileFile.resolve(name, directory: directory), name)
  }

  /// From everything that was inherited already.
  init(resolved json: JSON, _ name: String) throws(LaunchFailure) {
    do { try self.init(json: json) } catch {
      throw LaunchFailure(
        stage: "profile", errno: 0, subject: "\(name): \(error.problem)",
        hint: "Correct the profile; its shape is described in sandbox-profiles/schema.json.")
    }
  }

  init(json: JSON) throws(JSONError) {
    var fields = try Fields(json, of: "profile")
    try fields.schema(SandboxProfile.schema)
    name = try fields.text("name")
    version = try fields.integer("version")
    summary = try fields.text("summary")
    limits = try Limits(json: try fields.value("limits"))
    floor = try Floor(json: try fields.value("require"))
    view = try View(json: try fields.value("fileSystem"))
    environment = try EnvironmentRules(json: try fields.value("environment"))
    path = try fields.texts("path")
    addressSpaceIsLimited = try fields.flag("limitAddressSpace")
    let grant = try fields.text("network")
    guard let network = NetworkGrant(rawValue: grant) else {
      throw JSONError("network is \"\(grant)\", not none, unix or loopback")
    }
    self.network = network
    policy = try ProfileSeccomp.policy(
      try fields.value("seccomp"), kill: try fields.texts("kill"))
    warm = try SandboxProfile.warm(fields.take("warm"))
    try fields.end()
    digest = Digest(bytes: Hash.sha256(json.canonical))
    document = json
  }
}

extension SandboxProfile {
  fileprivate static func warm(_ json: JSON?) throws(JSONError) -> Set<WarmInterpreter> {
    var known: Set<WarmInterpreter> = []
    for name in json?.elements ?? [] {
      guard let one = name.text.flatMap(WarmInterpreter.init) else {
        throw JSONError("\"warm\" lists something else than python")
      }
      known.insert(one)
    }
    if let json, json.elements == nil { throw JSONError("\"warm\" is no list") }
    return known
  }
}

extension SandboxProfile.Floor {
  init(json: JSON) throws(JSONError) {
    var fields = try Fields(json, of: "require")
    memoryTree = try fields.isTree("memory")
    processesTree = try fields.isTree("processes")
    cpuTree = try fields.isTree("cpu")
    landlock = try fields.integer("landlock")
    diskQuota = try fields.isStrong("disk", "quota", or: "watched")
    fileSystemPrivate = try fields.isStrong("fileSystem", "private", or: "landlock")
    killNamespace = try fields.isStrong("kill", "namespace", or: "subreaper")
    networkNamespace = try fields.isStrong("network", "namespace", or: "filter")
    ipcNamespace = try fields.isStrong("ipc", "namespace", or: "filter")
    try fields.end()
  }
}

extension Fields {
  /// One of two rungs of the ladder; what is not named has to be the stronger one.
  fileprivate mutating func isStrong(_ name: String, _ strong: String, or weak: String)
    throws(JSONError) -> Bool
  {
    guard let text = try optionalText(name) else { return true }
    if text != strong, text != weak {
      throw JSONError("\"\(name)\" of require is neither \(strong) nor \(weak)")
    }
    return text == strong
  }

  /// One of the two rungs of the ladder.
  fileprivate mutating func isTree(_ name: String) throws(JSONError) -> Bool {
    switch try text(name) {
    case "tree": return true
    case "rlimit": return false
    default: throw JSONError("\"\(name)\" of require is neither tree nor rlimit")
    }
  }
}

extension SandboxProfile.View {
  init(json: JSON) throws(JSONError) {
    var fields = try Fields(json, of: "fileSystem")
    required = try fields.texts("required")
    optional = try fields.texts("optional")
    switch try fields.text("proc") {
    case "processes": wholeProc = false
    case "whole": wholeProc = true
    default: throw JSONError("\"proc\" of fileSystem is neither processes nor whole")
    }
    try fields.end()
    for path in required + optional where !InsidePath.isPlain(path) {
      throw JSONError("\"\(path)\" is no plain absolute path")
    }
  }
}

extension SandboxProfile.EnvironmentRules {
  init(json: JSON) throws(JSONError) {
    var fields = try Fields(json, of: "environment")
    fixed = try fields.table("set")
    allowed = try fields.texts("allow")
    try fields.end()
  }
}
