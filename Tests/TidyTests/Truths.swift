/// What documents say about the code, held against the code.
enum Truths {
  /// Texts that a source declares and a document must name, in backticks or as a cell of a table.
  static func missing(_ names: [String], in document: SourceFile, because: String) -> [Finding] {
    names.filter { name in
      !["`\(name)`", "| \(name) |", "| \(name),", ", \(name) |"].contains {
        document.text.contains($0)
      }
    }.map { Finding(document.path, "does not name \($0), \(because)") }
  }

  /// The numbers behind `case NAME = NUMBER`.
  static func rawNumbers(_ file: SourceFile) -> [String] {
    file.swift.codeLines.compactMap { line in
      let words = line.split(separator: " ")
      guard words.first == "case", let equals = words.firstIndex(of: "="),
        let number = words.dropFirst(equals + 1).first, Int(number) != nil
      else { return nil }
      return String(number)
    }
  }

  /// The words that `init(json:)` knows: `case "NAME": self = …`.
  static func spellings(_ file: SourceFile, of type: String) -> [String] {
    var found: [String] = []
    var isInside = false
    for line in file.swift.uncommented.split(separator: "\n") {
      if line.hasPrefix("package enum ") { isInside = line.hasPrefix("package enum \(type):") }
      guard isInside, let start = line.firstRange(of: "case \"") else { continue }
      let rest = line[start.upperBound...]
      if let end = rest.firstRange(of: "\":") {
        found.append(String(rest[..<end.lowerBound]))
      }
    }
    return found
  }

  /// The subcommands that a root command lists as `NAME.self`.
  static func commands(_ file: SourceFile) -> [String] {
    file.swift.code.split { !$0.isWordPart && $0 != "." }.filter { $0.hasSuffix(".self") }.map {
      let type = $0.dropLast(5)
      return (type.hasSuffix("Command") ? type.dropLast(7) : type).lowercased()
    }
  }

  /// Names of schemas in string literals: `edgecoder.NAME/N`.
  static func schemas(_ file: SourceFile) -> [String] {
    file.swift.uncommented.split(separator: "\"").filter { literal in
      let parts = literal.split(separator: "/")
      return literal.hasPrefix("edgecoder.") && parts.count == 2 && Int(parts[1]) != nil
        && parts[0].allSatisfy { $0.isLowercase || $0 == "." || $0 == "-" }
    }.map(String.init)
  }
}
