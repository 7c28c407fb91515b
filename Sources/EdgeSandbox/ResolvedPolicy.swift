internal import CSeccomp

/// A policy with its names turned into numbers, and what its rules mean without any program.
struct ResolvedPolicy {
  let policy: SyscallPolicy
  /// Numbers of the calls that end the run.
  let kills: [Int32]
  /// For each number the groups that speak of it, in their order.
  let entries: [Int32: [Entry]]

  /// One group's word on one call.
  struct Entry {
    /// The index of the group.
    let group: Int
    /// The call as the group names it.
    let name: String
    let action: SyscallPolicy.Action
    let arguments: [SyscallPolicy.Argument]

    func holds(_ call: SeccompCall) -> Bool {
      arguments.allSatisfy {
        $0.holds(
          call.arguments[Int($0.index)], isWord: ArgumentWidths.isWord(name, $0.index))
      }
    }
  }

  /// What decides about a call.
  enum Decision: Hashable {
    /// It is made in the convention of another architecture.
    case architecture
    /// It is newer than our table.
    case newer
    /// It ends the run.
    case kill
    /// The first group that holds.
    case group(Int)
    /// Groups with different actions hold.
    case conflict([Int])
    /// Nothing is said of it.
    case standard
  }

  init(_ policy: SyscallPolicy) {
    self.policy = policy
    var kills: [Int32] = []
    for name in policy.kill {
      if let number = SyscallTable.number(of: name), !kills.contains(number) {
        kills.append(number)
      }
    }
    var entries: [Int32: [Entry]] = [:]
    for (index, rule) in policy.rules.enumerated() {
      for name in rule.names {
        guard let number = SyscallTable.number(of: name), !kills.contains(number) else { continue }
        entries[number, default: []].append(
          Entry(group: index, name: name, action: rule.action, arguments: rule.arguments))
      }
    }
    self.kills = kills
    self.entries = entries
  }

  /// AUDIT_ARCH_* of this machine.
  static var architecture: UInt32 { seccomp_arch_native() }

  /// The numbers of the x32 convention, which shares the architecture of x86_64; with them come
  /// all above, except -1, which is how a tracer cancels a call.
  private static func isForeign(_ number: UInt32) -> Bool {
    #if arch(x86_64)
      number >= 0x4000_0000 && number != .max
    #else
      false
    #endif
  }

  /// What the rules say of a call.
  func decision(_ call: SeccompCall) -> Decision {
    if call.architecture != ResolvedPolicy.architecture || ResolvedPolicy.isForeign(call.number) {
      return .architecture
    }
    #if arch(x86_64)
      if call.number == .max { return .standard }
    #endif
    if call.number > UInt32(SyscallTable.newest) { return .newer }
    let number = Int32(call.number)
    if kills.contains(number) { return .kill }
    let holding = (entries[number] ?? []).filter { $0.holds(call) }
    guard let first = holding.first else { return .standard }
    return Set(holding.map(\.action)).count == 1
      ? .group(first.group) : .conflict(holding.map(\.group))
  }

  /// The action of a program that keeps to a decision; nil for a conflict.
  /// - Parameter reporting: whether what falls to the default is told to the listener.
  func action(_ decision: Decision, reporting: Bool) -> SeccompAction? {
    switch decision {
    case .architecture: reporting ? .notify : .killProcess
    case .newer: .error(38)
    case .kill: .notify
    case .group(let index): ResolvedPolicy.action(policy.rules[index].action)
    case .conflict: nil
    case .standard: reporting ? .notify : ResolvedPolicy.action(policy.defaultAction)
    }
  }

  private static func action(_ action: SyscallPolicy.Action) -> SeccompAction {
    switch action {
    case .allow: .allow
    case .error(let number): .error(number)
    case .kill: .killProcess
    }
  }
}
