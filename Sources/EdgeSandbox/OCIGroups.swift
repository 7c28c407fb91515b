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
    for number in policy.entries.keys.sorted() {
      for content in try contents(policy, number) {
        // Other readers refuse a rule that says what the default says.
        if content.action == policy.policy.defaultAction { continue }
        if names[content] == nil { order.append(content) }
        names[content, default: []].append(SyscallTable.name(of: number))
      }
    }
    var groups = order.map { group(names[$0] ?? [], $0) }
    if !policy.kills.isEmpty {
      groups.append([
        "names": .texts(policy.kills.map(SyscallTable.name)), "action": "SCMP_ACT_KILL_PROCESS",
      ])
    }
    return groups
  }

  /// What is said of one call: as it is written, but for arguments of 32 bit, which others compare
  /// with all 64.
  private static func contents(_ policy: ResolvedPolicy, _ number: Int32)
    throws(CompileRules.Problem) -> [Content]
  {
    // Contradictions are refused here as well.
    if let rule = try CompileRules.of(policy, number).first(where: { $0.arguments.isEmpty }) {
      return [Content(action: rule.action, arguments: [])]
    }
    var found: [Content] = []
    for entry in policy.entries[number] ?? [] {
      var lists: [[SyscallPolicy.Argument]] = [[]]
      for argument in entry.arguments {
        let isWord = ArgumentWidths.isWord(entry.name, argument.index)
        let choices = isWord ? argument.alternatives(isWord: true) : [argument]
        guard let choices else { continue }
        lists = lists.flatMap { list in choices.map { list + [$0] } }
      }
      for list in lists {
        for argument in list where max(argument.value, argument.second) >= 1 << 53 {
          throw CompileRules.Problem(
            name: entry.name, problem: "\(argument.text) cannot be written exactly in JSON")
        }
        let content = Content(action: entry.action, arguments: list)
        if !found.contains(content) { found.append(content) }
      }
    }
    return found
  }

  private static func group(_ names: [String], _ content: Content) -> JSON {
    let (action, number) = action(content.action)
    let arguments = content.arguments.map { argument in
      JSON.members([
        ("index", .int(Int64(argument.index))),
        ("value", .int(Int64(argument.value))),
        (
          "valueTwo",
          argument.comparison == .masked ? .int(Int64(argument.second)) : nil
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
