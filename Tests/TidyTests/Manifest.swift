/// Package.swift, read as text: its targets and the arrows between them.
struct Manifest {
  /// A target with what it depends on: names of targets, or of products of packages.
  struct Entry: Hashable {
    let name: String
    let dependencies: [String]
    let line: Int
  }

  let entries: [Entry]

  init(_ text: String) {
    let text = SwiftText(text).uncommented
    let products = Self.products(in: text)
    var found: [Entry] = []
    var rest = text[...]
    while let opening = Self.firstOpening(in: rest) {
      let body = Self.balanced(text[opening...])
      rest = text[opening...].dropFirst()
      guard let entry = Self.entry(body, products: products, in: text) else { continue }
      found.append(entry)
    }
    entries = found
  }

  private static let makers = ["module(", "tests(", "arget(", "Library("]

  /// The parenthesis that begins the next target.
  private static func firstOpening(in text: Substring) -> String.Index? {
    let starts = makers.compactMap { text.firstRange(of: $0)?.upperBound }
    return starts.min().map { text.index(before: $0) }
  }

  /// From an opening bracket to the one that closes it.
  private static func balanced(_ text: Substring) -> Substring {
    var depth = 0
    for index in text.indices {
      if "([".contains(text[index]) { depth += 1 }
      if ")]".contains(text[index]) { depth -= 1 }
      if depth == 0 { return text[...index] }
    }
    return text
  }

  private static func entry(_ body: Substring, products: [String: String], in text: String)
    -> Entry?
  {
    let inside = body.dropFirst().drop(while: \.isWhitespace)
    guard inside.hasPrefix("\"") || inside.hasPrefix("name: \""),
      let name = literals(in: inside).first
    else { return nil }
    let label = inside.firstRange(of: "dependencies:")
    // `module(name, [...])` has its list bare; what has neither depends on nothing of ours.
    let isBare = inside.hasPrefix("\"")
    let list =
      label.map { inside[$0.upperBound...] } ?? (isBare ? inside : inside[..<inside.startIndex])
    guard let bracket = list.firstIndex(of: "[") else { return entry(name, [], body, text) }
    let elements = balanced(list[bracket...])
    var dependencies = literals(in: elements)
    let bare = elements.split { !($0.isLetter || $0.isNumber || $0 == "\"" || $0 == "-") }
    dependencies += bare.compactMap { products[String($0)] }
    return entry(name, dependencies, body, text)
  }

  private static func entry(
    _ name: String, _ dependencies: [String], _ body: Substring, _ text: String
  ) -> Entry {
    let line = text[..<body.startIndex].count { $0 == "\n" } + 1
    return Entry(name: name, dependencies: dependencies, line: line)
  }

  /// `let grdb: Target.Dependency = .product(name: "GRDB", …)`: variable → product.
  private static func products(in text: String) -> [String: String] {
    var found: [String: String] = [:]
    for part in text.split(separator: "let ", omittingEmptySubsequences: false).dropFirst() {
      guard part.contains(": Target.Dependency"), let product = part.firstRange(of: ".product("),
        let name = part.firstIndex(where: { $0 == ":" || $0 == " " })
      else { continue }
      found[String(part[..<name])] = literals(in: part[product.upperBound...]).first
    }
    return found
  }

  /// The plain string literals of a text, in order.
  private static func literals(in text: Substring) -> [String] {
    let parts = text.split(separator: "\"", omittingEmptySubsequences: false)
    return parts.indices.filter { $0 % 2 == 1 }.map { String(parts[$0]) }
  }
}

/// The arrows of the manifest, held against the table and against the imports.
enum ManifestRules {
  private static let path = "Package.swift"

  static func findings(_ manifest: Manifest) -> [Finding] {
    manifest.entries.flatMap { entry in
      entry.dependencies.compactMap { dependency in
        Architecture.objection(to: dependency, in: entry.name).map {
          Finding(path, line: entry.line, $0)
        }
      }
    }
  }

  /// Imports of a target that its entry does not declare. Tests may also use what their targets
  /// bring along.
  static func undeclared(_ manifest: Manifest, files: [SourceFile]) -> [Finding] {
    let known = Set(manifest.entries.map(\.name)).union(
      manifest.entries.flatMap(\.dependencies))
    var found: [Finding] = []
    for file in files {
      guard let entry = manifest.entries.first(where: { $0.name == file.module }) else { continue }
      for one in Import.all(in: file)
      where known.contains(one.module) && !entry.dependencies.contains(one.module)
        && !(entry.name.hasSuffix("Tests") && one.module == "EdgeTestSupport")
      {
        found.append(
          Finding(file.path, line: one.line, "Package.swift has no arrow to \(one.module)"))
      }
    }
    return found
  }

  /// Arrows that no import uses any more.
  static func unused(_ manifest: Manifest, files: [SourceFile]) -> [Finding] {
    manifest.entries.filter { $0.name.hasPrefix("Edge") && !$0.name.hasSuffix("Tests") }
      .flatMap { entry in
        let imports = Set(
          files.filter { $0.module == entry.name }.flatMap { Import.all(in: $0) }
            .map(\.module))
        return entry.dependencies.filter { !imports.contains($0) }.map {
          Finding(path, line: entry.line, "\(entry.name) declares \($0) and never imports it")
        }
      }
  }
}
