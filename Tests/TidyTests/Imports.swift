/// One import of a Swift file, in whatever form it is written.
struct Import: Hashable {
  /// The module: `GRDB` also for `import struct GRDB.Row`.
  let module: String
  let attributes: [String]
  /// `public`, `package`, `internal`, `fileprivate`, `private`, or nothing.
  let access: String?
  let line: Int

  private static let accesses: Set<Substring> = [
    "public", "package", "internal", "fileprivate", "private",
  ]
  private static let kinds: Set<Substring> = [
    "struct", "class", "enum", "protocol", "typealias", "func", "var", "let", "actor", "macro",
  ]

  /// All imports of a text, those behind `#if` and several on one line included.
  static func all(in file: SourceFile) -> [Import] {
    var found: [Import] = []
    for (number, line) in file.swift.codeLines.enumerated()
    where line.contains("import") {
      for statement in line.split(separator: ";") {
        if let one = Import(statement, line: number + 1) { found.append(one) }
      }
    }
    return found
  }

  private init?(_ statement: Substring, line: Int) {
    var words = statement.split(whereSeparator: \.isWhitespace)[...]
    var attributes: [String] = []
    while let word = words.first, word.hasPrefix("@") {
      attributes.append(String(words.removeFirst()))
    }
    var access: String?
    if let word = words.first, Self.accesses.contains(word) {
      access = String(words.removeFirst())
    }
    while let word = words.first, word.hasPrefix("@") {
      attributes.append(String(words.removeFirst()))
    }
    guard words.popFirst() == "import" else { return nil }
    if words.count > 1, let word = words.first, Self.kinds.contains(word) { words.removeFirst() }
    guard let name = words.first?.split(separator: ".").first else { return nil }
    self.module = name.filter { $0 != "`" }
    self.attributes = attributes
    self.access = access
    self.line = line
  }
}

/// The import table, held against one file.
enum ImportRules {
  static func findings(in file: SourceFile) -> [Finding] {
    guard let module = file.module else { return [] }
    var found: [Finding] = []
    for one in Import.all(in: file) {
      if let objection = Architecture.objection(to: one.module, in: module) {
        found.append(Finding(file.path, line: one.line, objection))
      }
      if one.access == "public" || one.attributes.contains("@_exported") {
        found.append(Finding(file.path, line: one.line, "nothing of ours is public"))
      }
      if one.attributes.contains("@testable"), file.isIn("Sources") {
        found.append(Finding(file.path, line: one.line, "only tests look inside a module"))
      }
      if one.attributes.contains("@preconcurrency") || one.attributes.contains("@_spi") {
        found.append(Finding(file.path, line: one.line, "\(one.attributes) hides what is checked"))
      }
    }
    return found
  }

  /// Headers that a C target may include from another target.
  static func findings(inC file: SourceFile) -> [Finding] {
    guard let module = file.module else { return [] }
    var found: [Finding] = []
    for (number, line) in file.lines.enumerated() where line.hasPrefix("#include") {
      let name = line.split { "<\"> ".contains($0) }.dropFirst().first ?? ""
      let target = String(name.split(separator: "/").last?.split(separator: ".").first ?? "")
      guard Architecture.layers[target] != nil, target != module else { continue }
      if let owner = Architecture.owners[target], !owner.users.contains(module) {
        found.append(Finding(file.path, line: number + 1, "\(target): \(owner.reason)"))
      }
    }
    return found
  }
}
