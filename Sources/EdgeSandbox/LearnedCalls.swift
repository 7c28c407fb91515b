package import EdgeSystem

/// What the runs of one command called, and what they wanted and did not get.
package struct LearnedCalls: Sendable {
  /// How many runs there were.
  package private(set) var runs = 0
  /// Calls for which the jail had no place; where there are any, no profile can be made.
  package private(set) var lost: Int64 = 0
  /// How the runs ended.
  package private(set) var endings: Set<Termination> = []
  private let learning: Learning
  private var seen: [Key: Tally] = [:]
  private var refused: [Key: Tally] = [:]

  private struct Key: Hashable {
    let name: String
    /// From 1; 0 = none.
    let watch: Int
    let arguments: [UInt64]
  }

  private struct Tally {
    var runs = 0
    var count: Int64 = 0
  }

  /// One call, or one kind of it where its arguments matter.
  package struct Entry: Hashable, Sendable {
    package let name: String
    /// The comparisons that stand for its arguments, for people; empty where they do not matter.
    package let condition: String
    /// In how many of the runs.
    package let runs: Int
    /// How often in all of them.
    package let count: Int64
    /// Why it was refused; nil where it was let through.
    package let why: String?
    let arguments: [SyscallPolicy.Argument]
  }

  package init(_ learning: Learning) { self.learning = learning }

  /// Takes what one run called.
  package mutating func add(_ report: RunReport) {
    runs += 1
    lost += report.lostCalls
    endings.insert(report.termination)
    for call in report.seen {
      let key = Key(name: call.name, watch: call.watch, arguments: call.arguments)
      LearnedCalls.add(call.count, to: &seen[key, default: Tally()])
    }
    for call in report.denied {
      let key = Key(name: call.name, watch: call.watch, arguments: call.arguments)
      LearnedCalls.add(call.count, to: &refused[key, default: Tally()])
    }
  }

  private static func add(_ count: Int64, to tally: inout Tally) {
    tally.runs += 1
    tally.count += count
  }

  /// What was let through, by name and then by arguments. The calls that every program needs are
  /// not among them: nobody looks at those.
  package var granted: [Entry] { entries(seen) }

  /// What was wanted and not granted.
  package var notGranted: [Entry] { entries(refused) }

  /// Calls that were wanted and that end a run of the base, and so of every profile that is learned
  /// with it.
  package var killed: [String] {
    Set(refused.keys.map(\.name)).intersection(learning.killed).sorted()
  }

  private func entries(_ table: [Key: Tally]) -> [Entry] {
    // A number between the known ones has no name that a rule could have; the kernel has no such
    // call either.
    let known = table.filter { SyscallTable.number(of: $0.key.name) != nil }
    let all = known.map { key, tally in
      let watch = key.watch > 0 ? learning.watches[key.watch - 1] : nil
      let arguments = watch?.rule(key.arguments) ?? []
      return Entry(
        name: key.name, condition: WatchTable.text(key.name, arguments), runs: tally.runs,
        count: tally.count, why: watch.flatMap { $0.isGranted ? nil : $0.why },
        arguments: arguments)
    }
    return all.sorted { left, right in
      if left.name != right.name { return left.name < right.name }
      return left.arguments.map(\.second).lexicographicallyPrecedes(right.arguments.map(\.second))
    }
  }
}

extension WatchTable {
  /// Comparisons for people, with the constants' names.
  static func text(_ name: String, _ arguments: [SyscallPolicy.Argument]) -> String {
    arguments.map { argument in
      let isWhole = argument.value == ArgumentWidths.word
      let text = isWhole ? "a\(argument.index) == \(SyscallPolicy.number(argument.second))" : nil
      guard argument.index == place(name), isWhole,
        let constant = CallArgument.name(of: argument.second, in: families[name] ?? [])
      else { return text ?? argument.text }
      return constant
    }.joined(separator: ", ")
  }

  /// The argument that a call's constants are about.
  private static func place(_ name: String) -> UInt32 {
    ["ioctl", "fcntl", "prlimit64"].contains(name) ? 1 : 0
  }

  /// How the names of a call's constants begin.
  private static let families: [String: [String]] = [
    "ioctl": ["TC", "TIOC", "FIO"], "prctl": ["PR_"], "fcntl": ["F_"], "socket": ["AF_"],
    "socketpair": ["AF_"], "prlimit64": ["RLIMIT_"], "setrlimit": ["RLIMIT_"],
    "arch_prctl": ["ARCH_"],
  ]
}

extension LearnedCalls {
  /// Why a run under the learned profile is not as the runs that it was learned from: calls that
  /// were denied, or another ending. Empty where it is.
  package func problems(of replay: RunReport) -> [String] {
    var problems: [String] = []
    if let call = replay.limitsHit.violation { problems.append("\(call) ended the run") }
    problems += replay.denied.map { call in
      let arguments = call.arguments.map { "0x" + String($0, radix: 16) }
      return "denied \(call.name)(\(arguments.joined(separator: ", ")))"
    }
    if !endings.contains(replay.termination) {
      let learned = endings.map { "\($0)" }.sorted().joined(separator: " or ")
      problems.append("it ended with \(replay.termination) instead of \(learned)")
    }
    return problems
  }
}
