/// What a Swift text declares, found by its words; enough for rules on length and comments.
struct Declarations {
  let path: String
  private let code: [UInt8]
  private let lines: [Substring]
  private let rawLines: [Substring]

  init(_ file: SourceFile) {
    path = file.path
    code = Array(file.swift.code.utf8)
    lines = file.swift.codeLines
    rawLines = file.lines
  }

  /// A body in braces that belongs to a function, an initialiser, a subscript or a property.
  struct Body: Hashable {
    let name: String
    /// First line of the declaration, and line of the closing brace; both count.
    let first: Int
    let last: Int

    var length: Int { last - first + 1 }
  }

  private static let starters: Set<Substring> = ["func", "init", "deinit", "subscript", "var"]

  /// Words that begin the next declaration: what came before had no body.
  private static let enders: Set<Substring> = [
    "func", "init", "deinit", "subscript", "var", "let", "case", "package", "private", "internal",
    "fileprivate", "static", "mutating", "consuming", "borrowing", "nonisolated", "associatedtype",
    "typealias", "struct", "enum", "class", "actor", "extension", "protocol", "override", "import",
    "lazy", "weak", "unowned", "indirect", "if", "for", "while", "guard", "return", "switch", "do",
    "try", "defer",
  ]

  /// Words that may stand before `package`.
  private static let modifiers: Set<Substring> = [
    "static", "final", "mutating", "consuming", "borrowing", "nonisolated", "indirect", "lazy",
    "override",
  ]

  /// All bodies, outer ones before inner ones.
  var bodies: [Body] {
    var found: [Body] = []
    for (number, line) in lines.enumerated() {
      let words = line.split { !($0.isLetter || $0.isNumber || $0 == "_") }
      guard let start = words.firstIndex(where: { Self.starters.contains($0) }) else { continue }
      guard words[..<start].allSatisfy(Self.mayPrecede), !line.hasPrefix(".") else { continue }
      guard !isCall(words[start], in: line) else { continue }
      let name = words.dropFirst(start + 1).first.map(String.init) ?? String(words[start])
      guard let offset = offset(of: words[start]), let last = lastLine(from: offset) else {
        continue
      }
      found.append(Body(name: name, first: number + 1, last: last))
    }
    return found
  }

  /// Modifiers and words of attributes; a `var` behind anything else is a pattern in an expression.
  private static func mayPrecede(_ word: Substring) -> Bool {
    ["if", "guard", "while", "for", "case", "in", "let", "return", "self", "super", "await"]
      .contains(word) == false
  }

  /// `self.init(…)`, `super.init(…)` and `.init(…)` are no declarations.
  private func isCall(_ word: Substring, in line: Substring) -> Bool {
    word.startIndex > line.startIndex && line[line.index(before: word.startIndex)] == "."
  }

  /// The position of a word of `lines` in the bytes of the code.
  private func offset(of word: Substring) -> Int? {
    let whole = word.base
    return whole.utf8.distance(from: whole.startIndex, to: word.startIndex)
  }

  /// The line of the brace that closes the body which begins after `start`, or nil without body.
  private func lastLine(from start: Int) -> Int? {
    guard let opening = openingBrace(from: start) else { return nil }
    var depth = 0
    for index in opening..<code.count {
      if code[index] == UInt8(ascii: "{") { depth += 1 }
      if code[index] == UInt8(ascii: "}") {
        depth -= 1
        if depth == 0 { return SwiftText.line(of: index, in: code) }
      }
    }
    return nil
  }

  private func openingBrace(from start: Int) -> Int? {
    var index = start
    var nesting = 0
    while index < code.count {
      switch code[index] {
      case UInt8(ascii: "("), UInt8(ascii: "["): nesting += 1
      case UInt8(ascii: ")"), UInt8(ascii: "]"): nesting -= 1
      case UInt8(ascii: "{") where nesting == 0: return index
      case UInt8(ascii: "}") where nesting == 0: return nil
      case UInt8(ascii: "\n") where nesting == 0:
        let word = nextWord(after: index)
        if word.isEmpty || Self.enders.contains(word) || word.hasPrefix("@") { return nil }
      default: break
      }
      index += 1
    }
    return nil
  }

  /// The first word of what follows, `@` included; empty where the next line is empty.
  private func nextWord(after newline: Int) -> Substring {
    let rest = code[(newline + 1)...].drop { $0 == 0x20 }
    let word = rest.prefix { byte in
      byte == UInt8(ascii: "@") || byte == UInt8(ascii: "_") || (0x30...0x39).contains(byte)
        || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
    if rest.first == 0x0A || rest.first == nil { return "" }
    return word.isEmpty ? "-" : Substring(decoding: word, as: UTF8.self)
  }

  /// Lines that declare something for other modules without a `///` comment above.
  var withoutDocumentation: [Finding] {
    var found: [Finding] = []
    for (number, line) in lines.enumerated() {
      let words = line.split(separator: " ")
      guard let modifier = words.firstIndex(of: "package"), !words.contains("import"),
        words[..<modifier].allSatisfy({ $0.hasPrefix("@") || Self.modifiers.contains($0) })
      else { continue }
      if Self.isSelfExplaining(words[(modifier + 1)...]) { continue }
      var above = number - 1
      while above >= 0, isAttribute(lines[above]), !isComment(above) { above -= 1 }
      if above < 0 || !isComment(above) {
        let declaration = line.drop { $0 == " " }.prefix(60)
        found.append(Finding(path, line: number + 1, "no /// above: \(declaration)"))
      }
    }
    return found
  }

  private func isComment(_ index: Int) -> Bool {
    rawLines[index].drop { $0 == " " }.hasPrefix("///")
  }

  private func isAttribute(_ line: Substring) -> Bool {
    line.drop { $0 == " " }.hasPrefix("@")
  }

  /// Members whose meaning is fixed by a protocol or by one convention of the house: the form of a
  /// value in JSON and the name of its schema, the initialiser that takes every property, and what
  /// the standard library asks for. So is a stored property, where name and type say all; a number
  /// never does, since it has a unit or a range.
  private static func isSelfExplaining(_ words: ArraySlice<Substring>) -> Bool {
    let text = words.joined(separator: " ")
    let conventions = [
      "var json: JSON", "init(json: JSON", "static let schema", "static func <", "static func ==",
      "var description: String", "func hash(into", "typealias Element", "func next()", "init(",
      "mutating func next()",
    ]
    if conventions.contains(where: { text.hasPrefix($0) }) { return true }
    guard let kind = words.first, kind == "let" || kind == "var", !text.contains("{"),
      !text.contains("="), let type = words.dropFirst(2).first
    else { return false }
    return words.dropFirst().first?.hasSuffix(":") == true && !numbers.contains(type)
  }

  private static let numbers: Set<Substring> = [
    "Int", "Int8", "Int16", "Int32", "Int64", "UInt", "UInt8", "UInt16", "UInt32", "UInt64",
    "Double", "Float", "Int?", "Int32?", "Int64?", "UInt32?", "UInt64?", "Double?",
  ]
}

/// Functions of a C file that is laid out as the house does: the closing brace in the first column.
enum CFunctions {
  static func bodies(of file: SourceFile) -> [Declarations.Body] {
    var found: [Declarations.Body] = []
    var start: (name: String, line: Int)?
    for (number, line) in file.lines.enumerated() {
      if line.hasPrefix("}"), let opened = start {
        found.append(.init(name: opened.name, first: opened.line, last: number + 1))
        start = nil
      } else if start == nil, let first = line.first, first.isLetter || first == "_" {
        let isHeader = line.contains("(") && !line.contains(";") && !line.contains("=")
        if isHeader {
          let name = line[..<(line.firstIndex(of: "(") ?? line.endIndex)].split(separator: " ").last
          start = (String(name ?? line), number + 1)
        }
      }
    }
    return found
  }
}
