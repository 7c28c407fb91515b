/// The system calls of a profile, or of a document in the form of the OCI runtime specification
/// (`linux.seccomp`), as they count on this machine.
struct SyscallPolicy: Hashable, Sendable {
  /// The groups that apply here, in their order.
  let rules: [Rule]
  /// Calls that end the whole run, and are named in the verdict.
  let kill: [String]
  /// What happens to a call that nothing else is said of.
  let defaultAction: Action
  /// What was read and has no effect, for people.
  let notices: [String]
  /// Calls about which groups of a document say different things, and what was made of it.
  let contradictions: [String]

  /// One group: all its calls get the action where all comparisons hold.
  struct Rule: Hashable, Sendable {
    var names: [String]
    var action: Action
    var arguments: [Argument]
    /// Why it is there; nil in documents of others that do not say it.
    var why: String?
  }

  enum Action: Hashable, Sendable {
    case allow
    case error(UInt16)
    /// Ends the process; what a whole call is killed for stands in `kill`.
    case kill
  }

  /// The calls that some rule allows.
  let allowed: Set<String>

  /// The calls that are allowed whatever their arguments are, and nowhere forbidden.
  let always: Set<String>

  /// True where a program can make objects of System V or message queues, which outlive it.
  var leavesObjects: Bool {
    ["shmget", "semget", "msgget", "mq_open", "ipc"].contains { allowed.contains($0) }
  }

  init(
    rules: [Rule], kill: [String], defaultAction: Action, notices: [String] = [],
    contradictions: [String] = []
  ) {
    self.rules = rules
    self.kill = kill
    self.defaultAction = defaultAction
    self.notices = notices
    self.contradictions = contradictions
    allowed = Set(rules.filter { $0.action == .allow }.flatMap(\.names))
    let others = Set(rules.filter { $0.action != .allow }.flatMap(\.names)).union(kill)
    always = Set(rules.filter { $0.action == .allow && $0.arguments.isEmpty }.flatMap(\.names))
      .subtracting(others)
  }

  /// What the launcher itself still has to do behind the filter; nil where all of it is allowed.
  var missingForLaunch: String? {
    SyscallPolicy.neededForLaunch.first { !always.contains($0) }
  }

  /// Calls that lie between the filter and the first instruction of the program.
  static let neededForLaunch = ["read", "write", "execve", "exit_group"]

  /// The error number of the default; nil where the default is no error.
  var defaultErrno: UInt16? {
    if case .error(let number) = defaultAction { number } else { nil }
  }

  /// The groups without what they say of these calls.
  func without(_ calls: Set<String>) -> [Rule] {
    rules.compactMap { rule in
      var rule = rule
      rule.names.removeAll { calls.contains($0) }
      return rule.names.isEmpty ? nil : rule
    }
  }
}
