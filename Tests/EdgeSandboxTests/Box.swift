import EdgeJob
import EdgeSandbox
import EdgeSystem
import EdgeTestSupport
import Glibc
import Synchronization
import Testing

/// Runs programs in sandboxes of this machine, each in a slot of its own.
struct Box {
  let sandbox: Sandbox
  var limits: Limits?
  var without: Set<Layer> = []

  private static let slots = Atomic<Int>(100)
  private static let host = Result { try SandboxHost.probe() }

  static let profiles = RepositoryRoot.path + "/sandbox-profiles"

  init(host: SandboxHost? = nil, limits: Limits? = nil, without: Set<Layer> = []) throws {
    let slot = Box.slots.add(1, ordering: .relaxed).newValue
    sandbox = Sandbox(
      host: try host ?? Box.host.get(), jail: binary("edgecoder-jail"), slot: slot)
    self.limits = limits
    self.without = without
  }

  /// The user of the slot's programs.
  var user: UInt32 { sandbox.host.hasSlotUsers ? 60000 + UInt32(sandbox.slot) : getuid() }

  /// A launch with this box's limits.
  func launch(_ arguments: [String], profile: String = "shell") throws -> Launch {
    let profile = try SandboxProfile.load(profile, directory: Box.profiles)
    var launch = Launch(profile: profile, limits: limits, arguments: arguments)
    launch.without = without
    // A place that exists on every machine, since it is not made in the machine's own tree.
    if without.contains(.root) { launch.mountPoint = "/mnt" }
    return launch
  }

  /// Runs in a new workspace that holds the probe.
  func run(_ launch: Launch) throws -> RunReport {
    let workspace = try sandbox.makeWorkspace(
      limits: launch.limits, profile: launch.profile, without: without)
    if let probe = Probe.bytes {
      let file = try workspace.directory.open("probe", O_WRONLY | O_CREAT, mode: 0o755)
      try file.write(probe)
    }
    return try sandbox.run(launch, in: workspace)
  }

  func run(_ arguments: [String], profile: String = "shell") throws -> RunReport {
    try run(try launch(arguments, profile: profile))
  }

  func sh(_ script: String) throws -> RunReport { try run(["sh", "-c", script]) }

  /// What the probe prints: `OK` or the name of an error.
  func probe(_ what: String, _ more: String...) throws -> String {
    try run(["./probe", what] + more).out
  }
}

extension RunReport {
  /// Standard output without the last line's end.
  var out: String {
    let text = String(decoding: stdout, as: UTF8.self)
    return text.hasSuffix("\n") ? String(text.dropLast()) : text
  }

  var err: String { String(decoding: stderr, as: UTF8.self) }
}

/// Small limits, so that hostile programs stay small where a protection fails.
let smallLimits = Limits(
  cpuMilliseconds: 5_000, wallMilliseconds: 20_000, memoryBytes: 96 << 20, processes: 32,
  openFiles: 64, outputBytes: 64 << 10, diskBytes: 4 << 20, files: 200)

/// Processes of this machine as /proc shows them.
struct Processes {
  struct Entry {
    let process: Int32
    let parent: Int32
    let user: UInt32
    let name: String
    let isZombie: Bool
  }

  /// All that are alive and belong to a user.
  static func of(_ user: UInt32) -> [Entry] { all().filter { $0.user == user && !$0.isZombie } }

  static func all() -> [Entry] {
    guard let proc = try? Directory(path: "/proc"), let names = try? proc.entries() else {
      return []
    }
    return names.compactMap { name in
      guard let process = Int32(name), let folder = try? proc.directory(name),
        let file = try? folder.open("status", O_RDONLY), let bytes = try? file.read(atMost: 1 << 16)
      else { return nil }
      var fields: [Substring: Substring] = [:]
      for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
        let parts = line.split(maxSplits: 1, whereSeparator: { $0 == "\t" })
        if parts.count == 2 { fields[parts[0]] = parts[1] }
      }
      guard let parent = fields["PPid:"].flatMap({ Int32($0) }),
        let user = fields["Uid:"]?.split(separator: "\t").first.flatMap({ UInt32($0) })
      else { return nil }
      return Entry(
        process: process, parent: parent, user: user, name: String(fields["Name:"] ?? ""),
        isZombie: fields["State:"]?.hasPrefix("Z") ?? false)
    }
  }
}

/// True on the machine's superuser, whom most of these tests need for the slot's users.
let isRoot = getuid() == 0

/// Waits until something is true, at most ten seconds.
func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
  for _ in 0..<1000 {
    if try condition() { return true }
    usleep(10_000)
  }
  return false
}
