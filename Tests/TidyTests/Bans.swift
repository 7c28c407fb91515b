import Glibc

/// A text that does not stand in our code, with the reason and what to write instead.
struct Ban: Sendable {
  let text: String
  let reason: String
  /// Where the ban holds.
  let applies: @Sendable (SourceFile) -> Bool

  init(
    _ text: String, _ reason: String,
    where applies: @escaping @Sendable (SourceFile) -> Bool = { _ in true }
  ) {
    self.text = text
    self.reason = reason
    self.applies = applies
  }

  @Sendable private static func inSources(_ file: SourceFile) -> Bool { file.isIn("Sources") }

  private static func inModules(_ names: Set<String>) -> @Sendable (SourceFile) -> Bool {
    { names.contains($0.module ?? "") }
  }

  private static func outside(_ names: Set<String>) -> @Sendable (SourceFile) -> Bool {
    { inSources($0) && !names.contains($0.module ?? "") }
  }

  /// Files that hold money or evidence: integers only.
  @Sendable private static func holdsAmounts(_ file: SourceFile) -> Bool {
    if file.module == "EdgeLedger" || file.module == "EdgeCoordinator" { return true }
    let evidence = ["Manifest", "Credits", "Receipt", "Request", "Ticket", "Usage", "Limits"]
    return file.module == "EdgeJob" && evidence.contains { file.name.contains($0) }
  }

  @Sendable private static func readsClocks(_ file: SourceFile) -> Bool {
    inSources(file) && file.path != "Sources/EdgeSystem/Clocks.swift"
  }

  private static let clock = "time is read in EdgeSystem/Clocks.swift only"
  private static let copyingFork =
    "fork copies page tables and threads' locks; use EdgeSystem.Spawn"

  /// Held against code only: comments and string literals are blanked first.
  static let all: [Ban] = [
    Ban("try!", "an error crashes without a word; throw it on, or catch it"),
    Ban("as!", "a wrong type crashes without a word; use as? and say what was expected"),
    Ban("fatalError(", "use preconditionFailure with the invariant that broke"),
    Ban("FileManager", "use EdgeSystem.Directory: relative to a descriptor, no links followed"),
    Ban("DispatchQueue", "everything is synchronous; callers bring their own threads"),
    Ban(
      "print(", "only EdgeReport and EdgeCommands speak",
      where: outside(["EdgeReport", "EdgeCommands"])),
    Ban("debugPrint(", "only EdgeReport and EdgeCommands speak", where: inSources),
    Ban("dump(", "only EdgeReport and EdgeCommands speak", where: inSources),
    Ban("Double", "amounts and evidence are integers", where: holdsAmounts),
    Ban("Float", "amounts and evidence are integers", where: holdsAmounts),
    Ban("clock_gettime(", clock, where: readsClocks),
    Ban("gettimeofday(", clock, where: readsClocks),
    Ban("ContinuousClock", clock, where: readsClocks),
    Ban("SuspendingClock", clock, where: readsClocks),
    Ban("Date(", clock, where: readsClocks),
    Ban("time(nil", clock, where: readsClocks),
    Ban("fork(", copyingFork, where: inSources),
    Ban("vfork(", copyingFork, where: inSources),
    Ban("popen(", "no shell between us and a program; use EdgeSystem.Spawn", where: inSources),
    Ban(
      "chdir(", "the working directory belongs to all threads; use a Directory", where: inSources),
    Ban("public", "nothing is public; modules share by package"),
    Ban("open class", "nothing is public; modules share by package"),
  ]

  /// Words of unfinished work; held against the whole text, comments included.
  static let marks = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]

  static func findings(in file: SourceFile) -> [Finding] {
    var found: [Finding] = []
    let code = file.swift.codeLines
    for ban in all where ban.applies(file) && strstr(file.swift.code, ban.text) != nil {
      for (index, line) in code.enumerated() where line.containsWord(ban.text) {
        found.append(Finding(file.path, line: index + 1, "`\(ban.text)`: \(ban.reason)"))
      }
    }
    let marks = marks.filter { strstr(file.text, $0) != nil }
    for (index, line) in file.lines.enumerated() where !marks.isEmpty {
      for mark in marks where line.containsWord(mark) {
        found.append(
          Finding(file.path, line: index + 1, "\(mark): finish it, or say it in an issue"))
      }
    }
    return found
  }
}

extension Substring {
  /// True where `word` stands with no letter, digit or underscore on the side where it has one
  /// itself; a member such as `.public` counts, `sprint(` does not.
  func containsWord(_ word: String) -> Bool {
    var rest = self
    while let range = rest.firstRange(of: word) {
      let before = range.lowerBound > startIndex ? self[index(before: range.lowerBound)] : " "
      let after = range.upperBound < endIndex ? self[range.upperBound] : " "
      let isBegun = word.first?.isWordPart == true && before.isWordPart
      let isContinued = word.last?.isWordPart == true && after.isWordPart
      if !isBegun && !isContinued { return true }
      rest = self[range.upperBound...]
    }
    return false
  }
}

extension Character {
  var isWordPart: Bool { isLetter || isNumber || self == "_" }
}
