/// How a launch is learned from: what its program calls is noted and let through, but for what the
/// base profile ends a run for and what no profile should open. All other layers stay as they are.
package struct Learning: Hashable, Sendable {
  /// The name of the base.
  package let base: String
  /// What the filter itself decides; it tells the jail of everything else.
  let policy: SyscallPolicy
  /// What the jail says of calls that it is told of; the first that holds counts.
  let watches: [CallWatch]

  /// Calls that end a run of the base.
  let killed: Set<String>

  /// How many entries refuse something.
  var refusals: Int { watches.count { !$0.isGranted } }

  /// - Throws: stage `learn`, where the base answers some arguments of a call with an error: what
  ///   is learned could not keep to that.
  package init(base profile: SandboxProfile) throws(LaunchFailure) {
    let policy = profile.policy
    let errors = policy.rules.filter { $0.action != .allow && $0.names != ["clone3"] }
    if let rule = errors.first(where: { !$0.arguments.isEmpty }) {
      throw LaunchFailure(
        stage: "learn", errno: 0,
        subject: "\(profile.name) forbids \(rule.names.joined(separator: " ")) for some arguments",
        hint: "Learn with a base that forbids whole calls, such as base.")
    }
    let missing = Self.missing(policy)
    let taken = Set(errors.flatMap(\.names)).union(policy.kill).union(missing.names)
    let always = SyscallPolicy.Rule(
      names: WatchTable.always.subtracting(taken).sorted(), action: .allow, arguments: [],
      why: "Needed by every program, or on paths that a few runs do not meet: ends, signals, calls"
        + " that are started again, locks, memory.")
    base = profile.name
    killed = Set(policy.kill)
    self.policy = SyscallPolicy(
      rules: [always, missing] + errors, kill: [], defaultAction: .error(1))
    let narrow = WatchTable.all.filter { watch in
      SyscallTable.number(of: watch.name) != nil && !taken.contains(watch.name)
    }
    watches = Self.refusals(policy) + Self.sockets(profile.network) + narrow
  }

  /// clone3 with the reason of the base; where that has none, it is missing all the same.
  private static func missing(_ policy: SyscallPolicy) -> SyscallPolicy.Rule {
    let known = policy.rules.first { $0.names == ["clone3"] && $0.action == .error(38) }
    return SyscallPolicy.Rule(
      names: ["clone3"], action: .error(38), arguments: [],
      why: known?.why
        ?? "A filter cannot see its flags in memory; told that it is missing, the C library falls"
        + " back to clone.")
  }

  /// Whole calls: those that end a run of the base, and those that are dangerous.
  private static func refusals(_ policy: SyscallPolicy) -> [CallWatch] {
    var reasons: [String: String] = [:]
    for name in policy.kill { reasons[name] = "no honest program makes it" }
    for (names, why) in PolicyLint.dangerous {
      for name in names.split(separator: " ").map(String.init) { reasons[name] = why }
    }
    return reasons.sorted { $0.key < $1.key }.compactMap { name, why in
      SyscallTable.number(of: name) == nil ? nil : .refuse(name, why: why)
    }
  }

  /// Sockets as the grant of the base has them, and no others.
  private static func sockets(_ grant: NetworkGrant) -> [CallWatch] {
    let bits: [UInt32: UInt64] = [0: ArgumentWidths.word, 1: 15, 2: ArgumentWidths.word]
    let why = "the network grant of the base does not have it"
    let names = NetworkGrant.calls.filter { SyscallTable.number(of: $0) != nil }
    return names.sorted().flatMap { name in
      grant.rules(name).map { CallWatch.grant(name, $0, keeping: bits) }
        + [.refuse(name, keeping: bits, why: why)]
    }
  }
}
