internal import EdgeJob

/// The rules of a policy as groups of a plain OCI document.
enum OCIGroups {
  private struct Content: Hashable {
    let action: SyscallPolicy.Action
    let arguments: [SyscallPolicy.Argument]
  }

  /// Calls with the same action and comparisons share a group.
  static func of(_ policy: ResolvedPolicy) throws(CompileRules.Problem) -> [JSON] {
    var names: [Content: [String]] = [:]
    var order: [Content] = []
    for rule in try CompileRules.of(policy) {
      let content = Content(action: rule.action, arguments: rule.arguments)
      // Other readers refuse a rule that says what the default says.
      if content.action == policy.policy.defaultAction { continue }
      if names[content] == nil { order.append(content) }
      names[content, default: []].append(SyscallTable.name(of: rule.number))
    }
    var groups = order.map { group(names[$0] ?? [], $0) }
    if !policy.kills.isEmpty {
      groups.append([
        "names": .texts(policy.kills.map(SyscallTable.name)), "action": "SCMP_ACT_KILL_PROCESS",
      ])
    }
    return groups
  }

  private static func group(_ names: [String], _ content: Content) -> JSON {
    let (action, number) = action(content.action)
    let arguments = content.arguments.map { argument in
      JSON.members([
        ("index", .int(Int64(argument.index))),
        ("value", .int(Int64(bitPattern: argument.value))),
        (
          "valueTwo",
          argument.comparison == .masked ? .int(Int64(bitPattern: argument.second)) : nil
        ),
        ("op", .string(argument.comparison.rawValue)),
      ])
    }
    return .members([
      ("names", .texts(names)), ("action", .string(action)),
      ("errnoRet", number.map { .int($0) }),
      ("args", arguments.isEmpty ? nil : .array(arguments)),
    ])
  }

  /// The name of an action, and its error number.
  static func action(_ action: SyscallPolicy.Action) -> (String, Int64?) {
    switch action {
    case .allow: ("SCMP_ACT_ALLOW", nil)
    case .error(let number): ("SCMP_ACT_ERRNO", Int64(number))
    case .kill: ("SCMP_ACT_KILL_PROCESS", nil)
    }
  }
}
