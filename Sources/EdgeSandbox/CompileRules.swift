/// Turns the groups of a policy into rules of which no two speak differently of the same call, and
/// that compare 32 bits where the kernel does.
struct CompileRules {
  /// One rule as the library takes it: all comparisons have to hold.
  struct Rule: Hashable {
    var number: Int32
    var action: SyscallPolicy.Action
    var arguments: [SyscallPolicy.Argument]
  }

  /// A call about which groups disagree, or a rule that no filter can hold.
  struct Problem: Error, Hashable {
    let name: String
    let problem: String
  }

  /// More comparisons for one call would keep the library busy for minutes.
  private static let comparisonsMax = 256

  /// In the order of the numbers, so that equal policies give equal programs.
  static func of(_ policy: ResolvedPolicy) throws(Problem) -> [Rule] {
    var all: [Rule] = []
    for number in policy.entries.keys.sorted() { all += try of(policy, number) }
    return all
  }

  /// The rules of one call.
  static func of(_ policy: ResolvedPolicy, _ number: Int32) throws(Problem) -> [Rule] {
    var rules: [Rule] = []
    var seen: Set<Rule> = []
    for entry in policy.entries[number] ?? [] {
      for arguments in try alternatives(entry) {
        let rule = Rule(number: number, action: entry.action, arguments: arguments)
        if seen.insert(rule).inserted { rules.append(rule) }
      }
      if rules.reduce(0, { $0 + $1.arguments.count }) > comparisonsMax {
        throw tooMany(entry.name)
      }
    }
    // What is said of all calls makes the narrower rules of the same action needless.
    if let whole = rules.first(where: { $0.arguments.isEmpty }) {
      rules.removeAll { $0.action == whole.action && !$0.arguments.isEmpty }
    }
    if let other = conflict(rules) {
      throw Problem(
        name: SyscallTable.name(of: number),
        problem: "two groups decide differently about it (\(other))")
    }
    return rules
  }

  /// The comparisons of an entry as lists of which one has to hold.
  private static func alternatives(_ entry: ResolvedPolicy.Entry) throws(Problem)
    -> [[SyscallPolicy.Argument]]
  {
    if Set(entry.arguments.map(\.index)).count < entry.arguments.count {
      throw Problem(name: entry.name, problem: "one rule compares one argument twice")
    }
    var lists: [[SyscallPolicy.Argument]] = [[]]
    for argument in entry.arguments {
      let isWord = ArgumentWidths.isWord(entry.name, argument.index)
      guard let choices = argument.alternatives(isWord: isWord) else { continue }
      lists = lists.flatMap { list in choices.map { list + [$0] } }
      if lists.count > comparisonsMax { throw tooMany(entry.name) }
    }
    return lists
  }

  private static func tooMany(_ name: String) -> Problem {
    Problem(name: name, problem: "its comparisons need more than \(comparisonsMax) rules")
  }

  /// Two rules of different action that the same call can satisfy, for people.
  private static func conflict(_ rules: [Rule]) -> String? {
    for (index, rule) in rules.enumerated() {
      for other in rules[(index + 1)...] where other.action != rule.action {
        let isDisjoint = rule.arguments.contains { mine in
          other.arguments.contains { mine.excludes($0) }
        }
        if !isDisjoint { return "\(text(rule)) and \(text(other))" }
      }
    }
    return nil
  }

  private static func text(_ rule: Rule) -> String {
    rule.arguments.isEmpty ? "always" : rule.arguments.map(\.text).joined(separator: ", ")
  }
}
