internal import EdgeJob

/// The system calls of a profile, in the form of the OCI runtime specification (`linux.seccomp`),
/// with a reason for each group.
struct SyscallPolicy: Hashable, Sendable {
  private(set) var rules: [Rule] = []
  /// Calls that end the whole run, and are named in the verdict.
  var kill: [String]

  struct Rule: Hashable, Sendable {
    var names: [String]
    var action: Action
    var arguments: [Argument]
  }

  enum Action: Hashable, Sendable {
    case allow
    case error(UInt16)
  }

  /// The calls that some rule allows.
  let allowed: Set<String>

  /// The calls that are allowed whatever their arguments are.
  let always: Set<String>

  /// True where a program can make objects of System V or message queues, which outlive it.
  var leavesObjects: Bool {
    ["shmget", "semget", "msgget", "mq_open", "ipc"].contains { allowed.contains($0) }
  }

  /// What the launcher itself still has to do behind the filter; nil where all of it is allowed.
  var missingForLaunch: String? {
    StageFilters.last.sorted().first { !always.contains($0) }
  }

  /// One comparison; a call has to satisfy all those of its rule.
  struct Argument: Hashable, Sendable {
    var index: UInt32
    var value: UInt64
    /// The masked value, for `SCMP_CMP_MASKED_EQ`.
    var second: UInt64
    var comparison: String
  }

  init(seccomp: JSON, kill: [String]) throws(JSONError) {
    self.kill = kill
    var fields = try Fields(seccomp, of: "seccomp")
    guard try fields.text("defaultAction") == "SCMP_ACT_ERRNO",
      try fields.integer("defaultErrnoRet") == 1
    else { throw JSONError("the default of seccomp is not SCMP_ACT_ERRNO with EPERM (1)") }
    for json in try fields.elements("syscalls") { rules.append(try Rule(json: json)) }
    try fields.end()
    let allowing = rules.filter { $0.action == .allow }
    allowed = Set(allowing.flatMap(\.names))
    always = Set(allowing.filter(\.arguments.isEmpty).flatMap(\.names))
    for name in kill where allowed.contains(name) {
      throw JSONError("\(name) is allowed and killed at once")
    }
  }
}

extension SyscallPolicy.Rule {
  init(json: JSON) throws(JSONError) {
    var fields = try Fields(json, of: "syscalls")
    names = try fields.texts("names")
    let number = try fields.optionalInteger("errnoRet")
    switch try fields.text("action") {
    case "SCMP_ACT_ALLOW": action = .allow
    case "SCMP_ACT_ERRNO": action = .error(UInt16(clamping: number ?? 1))
    default: throw JSONError("an action of syscalls is neither SCMP_ACT_ALLOW nor _ERRNO")
    }
    arguments = []
    for json in fields.take("args")?.elements ?? [] {
      var parts = try Fields(json, of: "args")
      let index = try parts.integer("index")
      let comparison = try parts.text("op")
      guard (0..<6).contains(index), SeccompFilter.comparisons[comparison] != nil else {
        throw JSONError("\"args\" has an unknown index or op")
      }
      arguments.append(
        SyscallPolicy.Argument(
          index: UInt32(index), value: UInt64(bitPattern: try parts.integer("value")),
          second: UInt64(bitPattern: try parts.optionalInteger("valueTwo") ?? 0),
          comparison: comparison))
      try parts.end()
    }
    if try fields.text("why").isEmpty { throw JSONError("a group of syscalls has no reason") }
    try fields.end()
  }
}
