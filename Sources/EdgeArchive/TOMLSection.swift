/// One table of a document, whose keys are taken out one by one; what nobody asked for is an error.
struct TOMLSection {
  let path: [String]
  private let document: TOMLDocument
  private var nodes: [String: TOMLNode] = [:]

  init(_ document: TOMLDocument, _ path: [String], _ node: TOMLNode) throws(ManifestError) {
    self.path = path
    self.document = document
    guard case .table(let pairs) = node else {
      throw ManifestError(
        file: document.file, line: document.line(path),
        problem: "\(TOMLSection.name(path)) is \(node.word), not a table")
    }
    for pair in pairs { nodes[pair.key] = pair.value }
  }

  static func name(_ path: [String]) -> String { MemberName.shown(path.joined(separator: ".")) }

  /// An error about one key of this table.
  func error(_ key: String, _ problem: String, hint: String = "") -> ManifestError {
    ManifestError(
      file: document.file, line: document.line(path + [key]),
      problem: "\(TOMLSection.name(path + [key])) \(problem)", hint: hint)
  }

  /// An error about this table as a whole.
  func error(_ problem: String, hint: String = "") -> ManifestError {
    ManifestError(
      file: document.file, line: document.line(path), problem: problem, hint: hint)
  }

  private func wrong(_ key: String, _ node: TOMLNode, _ expected: String) -> ManifestError {
    error(key, "is \(node.word), not \(expected)")
  }

  var keys: [String] { nodes.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) } }

  mutating func take(_ key: String) -> TOMLNode? { nodes.removeValue(forKey: key) }

  mutating func text(_ key: String) throws(ManifestError) -> String? {
    guard let node = take(key) else { return nil }
    guard case .text(let text) = node else { throw wrong(key, node, "a text") }
    return text
  }

  mutating func flag(_ key: String) throws(ManifestError) -> Bool? {
    guard let node = take(key) else { return nil }
    guard case .flag(let flag) = node else { throw wrong(key, node, "true or false") }
    return flag
  }

  mutating func integer(_ key: String, in range: ClosedRange<Int64>) throws(ManifestError)
    -> Int64?
  {
    guard let node = take(key) else { return nil }
    let value: Int64? =
      switch node {
      case .integer(let integer): integer
      // Other formats write counts as 1.0.
      case .decimal(let raw, _): DecimalText.whole(raw)
      default: nil
      }
    guard let value else { throw wrong(key, node, "an integer") }
    guard range.contains(value) else {
      throw error(key, "is not \(range.lowerBound) … \(range.upperBound)")
    }
    return value
  }

  mutating func texts(_ key: String) throws(ManifestError) -> [String]? {
    guard let node = take(key) else { return nil }
    guard case .list(let nodes) = node else { throw wrong(key, node, "a list of texts") }
    var texts: [String] = []
    for node in nodes {
      guard case .text(let text) = node else {
        throw error(key, "holds \(node.word), not only texts")
      }
      texts.append(text)
    }
    return texts
  }

  /// A table whose values are all texts.
  mutating func table(_ key: String) throws(ManifestError) -> [String: String]? {
    guard let node = take(key) else { return nil }
    var section = try TOMLSection(document, path + [key], node)
    var table: [String: String] = [:]
    for name in section.keys { table[name] = try section.text(name) }
    return table
  }

  /// A time in seconds, as decimal text or as a number, in milliseconds; parts of one are rounded
  /// up.
  mutating func seconds(_ key: String) throws(ManifestError) -> Int64? {
    guard let node = take(key) else { return nil }
    let milliseconds: Int64? =
      switch node {
      case .text(let text): DecimalText.milliseconds(text)
      case .integer(let seconds): DecimalText.milliseconds(String(seconds))
      case .decimal(let raw, _): DecimalText.milliseconds(raw)
      default: nil
      }
    guard let milliseconds, milliseconds > 0 else {
      throw error(
        key, "is no time in seconds above 0 and up to 10000000", hint: "write \(key) = \"2.5\"")
    }
    return milliseconds
  }

  mutating func section(_ key: String) throws(ManifestError) -> TOMLSection? {
    guard let node = take(key) else { return nil }
    return try TOMLSection(document, path + [key], node)
  }

  /// An array of tables.
  mutating func sections(_ key: String) throws(ManifestError) -> [TOMLSection] {
    guard let node = take(key) else { return [] }
    guard case .list(let nodes) = node else { throw wrong(key, node, "an array of tables") }
    var sections: [TOMLSection] = []
    for (index, node) in nodes.enumerated() {
      sections.append(try TOMLSection(document, path + ["\(key)[\(index)]"], node))
    }
    return sections
  }

  /// Refuses what was not taken.
  func end() throws(ManifestError) {
    guard let key = keys.first else { return }
    throw error(key, "is unknown", hint: "keys of your own start with x_ or stand in [metadata]")
  }
}

/// Decimal text of seconds and counts, without floating point.
enum DecimalText {
  /// The milliseconds of a number of seconds such as `2`, `900.0` or `1_000.5`, rounded up; nil
  /// where it is none or above 10 000 000 s.
  static func milliseconds(_ text: String) -> Int64? {
    guard let (whole, fraction) = parts(text) else { return nil }
    guard let seconds = Int64(whole), seconds <= 10_000_000 else { return nil }
    let digits = Array((fraction + "000").utf8)
    let thousandths = digits[..<3].reduce(Int64(0)) { $0 * 10 + Int64($1 - 0x30) }
    let rest = digits[3...].contains { $0 != 0x30 } ? Int64(1) : 0
    return seconds * 1000 + thousandths + rest
  }

  /// The integer that a number with an empty fraction such as `2.0` is.
  static func whole(_ text: String) -> Int64? {
    guard let (whole, fraction) = parts(text), fraction.utf8.allSatisfy({ $0 == 0x30 }) else {
      return nil
    }
    return Int64(whole)
  }

  private static func parts(_ text: String) -> (whole: String, fraction: String)? {
    var text = text[...]
    if text.first == "+" { text = text.dropFirst() }
    let halves = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
      .map { half in String(half.filter { $0 != "_" }) }
    let isDigits = { (half: String) in
      !half.isEmpty && half.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }
    guard halves.allSatisfy(isDigits), let whole = halves.first else { return nil }
    return (whole, halves.count == 2 ? halves[1] : "")
  }

  /// Seconds as text, without trailing zeros: `2.5`.
  static func seconds(milliseconds: Int64) -> String {
    precondition(milliseconds >= 0, "times are not negative")
    var fraction = String(milliseconds % 1000)
    fraction = String(repeating: "0", count: 3 - fraction.count) + fraction
    while fraction.last == "0" { fraction.removeLast() }
    return "\(milliseconds / 1000)" + (fraction.isEmpty ? "" : "." + fraction)
  }
}
