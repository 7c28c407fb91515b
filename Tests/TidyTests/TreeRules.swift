import Glibc

/// Rules on the tree as a whole: names, leftovers, and what is tracked.
enum TreeRules {
  /// Words that say nothing about what a file does.
  static let drawers = ["Util", "Common", "Manager", "Helper", "Extras", "Misc", "Shared"]

  /// Other words for things that have a name in the glossary.
  static let synonyms: [(word: String, instead: String)] = [
    ("Payload", "Request, Ticket or Receipt"),
    ("Wallet", "Account"),
    ("Payment", "Transfer"), ("Escrow", "Reservation"), ("Node", "Worker"),
    ("Master", "Coordinator"),
    ("Token", "Fence"), ("Park", "Hold"), ("Refund", "Void"),
  ]

  static func names(_ file: SourceFile) -> [Finding] {
    guard file.isIn("Sources") || file.isIn("Tests"), !file.path.contains(".docc/") else {
      return []
    }
    var found: [Finding] = []
    for drawer in drawers where file.stem.contains(drawer) {
      found.append(Finding(file.path, "\"\(drawer)\" is a drawer; name what is inside"))
    }
    for (word, instead) in synonyms where file.isIn("Sources") {
      if file.stem.containsCapitalised(word) {
        found.append(Finding(file.path, "\"\(word)\" is not in the glossary; say \(instead)"))
      }
    }
    return found
  }

  /// Files that hold nothing: the first file of a module that was never replaced.
  static func placeholders(_ file: SourceFile) -> [Finding] {
    guard file.isIn("Sources") || file.isIn("Tests") else { return [] }
    if file.stem == "Placeholder" { return [Finding(file.path, "a placeholder; remove it")] }
    guard file.path.hasSuffix(".swift") else { return [] }
    let hasCode = file.swift.codeLines.contains { line in
      let words = line.split(separator: " ")
      return !words.isEmpty && !words.contains("import")
    }
    return hasCode ? [] : [Finding(file.path, "no code in it; remove it")]
  }

  /// Build output among tracked paths.
  static func buildOutput(_ tracked: [Substring]) -> [Finding] {
    let endings = [
      ".o", ".swiftmodule", ".pyc", ".profdata", ".sqlite", ".db", "~", ".orig", ".log",
    ]
    return tracked.filter { path in
      let parts = path.split(separator: "/")
      return parts.contains { $0.hasPrefix(".build") || $0 == "__pycache__" }
        || parts.last == "Package.resolved" || endings.contains { path.hasSuffix($0) }
    }.map { Finding(String($0), "build output is tracked") }
  }

  /// Paths of one machine and hosts of registries, in pieces so that this file is not one of them.
  static let machineTexts = [
    "/wo" + "rk/", "/far" + "m/", "/tmp/cla" + "ude", "regis" + "try.", "pypi" + ".org",
    "deb.debian" + ".org", "snapshot.debian" + ".org", "npm" + "js.",
  ]

  static func machine(_ file: SourceFile) -> [Finding] {
    var found: [Finding] = []
    let texts = machineTexts.filter { strstr(file.text, $0) != nil }
    for (index, line) in file.lines.enumerated() where !texts.isEmpty {
      for text in texts where line.contains(text) {
        found.append(
          Finding(file.path, line: index + 1, "\"\(text)\" belongs to one machine or registry"))
      }
    }
    return found
  }
}

extension String {
  /// True where `word` is a whole part of a name in camel case.
  fileprivate func containsCapitalised(_ word: String) -> Bool {
    var rest = self[...]
    while let range = rest.firstRange(of: word) {
      if range.upperBound == endIndex || !self[range.upperBound].isLowercase { return true }
      rest = self[range.upperBound...]
    }
    return false
  }
}
