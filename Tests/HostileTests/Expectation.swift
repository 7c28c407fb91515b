import EdgeJob
import EdgeSandbox
import EdgeSystem

/// What one attack led to.
struct Observation: Sendable {
  var report: RunReport?
  /// Where nothing was run, or we lost control.
  var failure: LaunchFailure?
  /// Standard output of a program that ran outside.
  var outside: String?
  /// False where a process outside, which was to be signalled, is dead.
  var victimIsAlive: Bool?
  /// Connections that came to the machine's listener.
  var callers = 0
  /// Bytes by which a file grew after the run had ended.
  var growth = 0
  /// Processes that went on after the program's end.
  var survivors = 0

  var text: String {
    let text = outside ?? report.map { String(decoding: $0.stdout, as: UTF8.self) } ?? ""
    return text.hasSuffix("\n") ? String(text.dropLast()) : text
  }

  /// The text without what it says of the bounding set, where that is empty or the program has no
  /// user of its own and no namespace, in which case nobody could empty it.
  var textWithoutBoundingSet: String {
    let parts = text.split(separator: " ").map(String.init)
    guard let place = parts.firstIndex(of: "CapBnd"), place + 1 < parts.count,
      parts[place + 1] == "0" || (Level.here[0].isBare && Level.here[0].sharesUser)
    else { return text }
    return (parts[..<place] + parts[(place + 2)...]).joined(separator: " ")
  }

  /// The last line of output.
  var word: String { text.split(separator: "\n").last.map(String.init) ?? "" }

  var summary: String {
    if let failure { return "not run: \(failure.stage), errno \(failure.errno)" }
    guard let report else { return "outside, printed \(text.debugDescription)" }
    let complaint = String(decoding: report.stderr.suffix(200), as: UTF8.self)
    return """
      \(report.verdict()), \(report.termination), printed \(text.suffix(200).debugDescription), \
      \(complaint.debugDescription), \(report.limitsHit)
      """
  }
}

/// What an attack must lead to; may differ by level.
struct Expectation: Sendable {
  /// nil where the observation is as expected, else what is wrong with it.
  private var objection: @Sendable (Observation) -> String?
  private var exceptions: [(Level, Expectation)] = []
  private var absent: Set<Level> = []

  init(_ objection: @escaping @Sendable (Observation) -> String?) { self.objection = objection }

  func objection(to seen: Observation, on level: Level) -> String? {
    for level in level.andLike {
      if let rule = exceptions.first(where: { $0.0 == level }) { return rule.1.objection(seen) }
    }
    return objection(seen)
  }

  /// True where nothing is expected on a level.
  func isAbsent(on level: Level) -> Bool {
    for level in level.andLike {
      if absent.contains(level) { return true }
      if exceptions.contains(where: { $0.0 == level }) { return false }
    }
    return false
  }

  /// Another expectation on one level.
  func but(on level: Level, _ other: Expectation) -> Expectation {
    var copy = self
    copy.exceptions.append((level, other))
    return copy
  }

  /// Another one on both levels that count no tree.
  func butWithoutGroups(_ other: Expectation) -> Expectation {
    but(on: .withoutGroups, other).but(on: .userNamespace, other)
  }

  /// Nothing is expected on these levels, and nothing is tried.
  func not(on levels: Level...) -> Expectation {
    var copy = self
    copy.absent.formUnion(levels)
    return copy
  }

  /// In addition, something about the observation.
  func and(_ what: String, _ isTrue: @escaping @Sendable (Observation) -> Bool) -> Expectation {
    let first = objection
    var copy = self
    copy.objection = { seen in first(seen) ?? (isTrue(seen) ? nil : what) }
    return copy
  }
}

extension Expectation {
  /// A call that ends the whole run, and is named.
  static func killed(_ call: String) -> Expectation {
    Expectation { seen in
      let isKilled =
        seen.report?.verdict() == .violation(syscall: call)
        && seen.report?.termination == .signalled(9) && seen.text.isEmpty
      return isKilled ? nil : "not ended for \(call)"
    }.but(on: .container, killedOrRefused(call))
  }

  /// Where the container's own filter refuses a call, ours is not asked, and the program goes on.
  private static func killedOrRefused(_ call: String) -> Expectation {
    Expectation { seen in
      if seen.report?.verdict() == .violation(syscall: call) { return nil }
      let isRefused = seen.report?.verdict() == .failed(exit: 1) && !allowedByDocker.contains(call)
      return isRefused && ["EPERM", "ENOSYS"].contains(seen.word) ? nil : "not ended for \(call)"
    }
  }

  /// Of the calls that end a run, those that Docker's filter lets through.
  private static let allowedByDocker: Set<String> = [
    "ptrace", "process_vm_readv", "process_vm_writev",
  ]

  /// The attack failed with one of these errors, and the program went on.
  static func denied(_ errors: String...) -> Expectation {
    Expectation { seen in
      guard seen.outside != nil || seen.report?.verdict() == .failed(exit: 1) else {
        return "did not just fail"
      }
      return errors.contains(seen.word) ? nil : "not \(errors.joined(separator: " or "))"
    }
  }

  /// The attack worked.
  static let works = prints("OK", .passed)

  /// Nothing of ours stands in the way: the kernel itself answers, with whatever it is.
  static let reachesTheKernel = Expectation { seen in
    switch seen.report?.verdict() {
    case .passed, .failed(exit: 1): seen.word.isEmpty ? "printed nothing" : nil
    default: "did not come back from the kernel"
    }
  }

  /// The program ended so, whatever it printed.
  static func ends(_ verdicts: Verdict...) -> Expectation {
    Expectation { seen in
      guard let verdict = seen.report?.verdict() else { return "was not run" }
      return verdicts.contains(verdict) ? nil : "did not end so: \(verdicts)"
    }
  }

  /// The last line of output, and how it ended.
  static func prints(_ word: String, _ verdict: Verdict) -> Expectation {
    Expectation { seen in
      guard seen.word == word else { return "did not print \(word)" }
      return seen.outside != nil || seen.report?.verdict() == verdict ? nil : "not \(verdict)"
    }
  }

  /// One of these lines, and then a failure or none.
  static func prints(oneOf words: String...) -> Expectation {
    Expectation { words.contains($0.word) ? nil : "printed none of \(words)" }
  }

  /// Nothing was run, or what ran was ended because we lost control.
  static func fails(_ stage: String) -> Expectation {
    Expectation { $0.failure?.stage == stage ? nil : "no failure at \(stage)" }
  }
}
