/// Walks over a TOML document without reading its values: finds the line of every key, and refuses
/// what the parser behind it does not survive or would cut short, which is nesting without end
/// and zero bytes.
///
/// Whether the document is right in every other way is the parser's to say.
struct TOMLScan {
  struct Failure: Error {
    let line: Int
    let problem: String
  }

  /// A key's place: where it stands, and the text of a value that is no text, list or table.
  struct Place {
    let line: Int
    var raw: String
  }

  /// By the path of keys; the n-th table of an array of tables is `name[n]`.
  private(set) var places: [[String]: Place] = [:]

  private let bytes: [UInt8]
  private var index = 0
  private var line = 1
  private var table: [String] = []
  private var counts: [[String]: Int] = [:]

  private static let depthMax = 16

  init(_ bytes: [UInt8]) throws(Failure) {
    self.bytes = bytes
    if let zero = bytes.firstIndex(of: 0) {
      throw Failure(line: 1 + bytes[..<zero].count { $0 == 0x0A }, problem: "a zero byte")
    }
    try document()
  }

  private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

  private func failure(_ problem: String) -> Failure { Failure(line: line, problem: problem) }

  private func starts(_ text: StaticString) -> Bool {
    let length = text.utf8CodeUnitCount
    guard index + length <= bytes.count else { return false }
    return (0..<length).allSatisfy { bytes[index + $0] == text.utf8Start[$0] }
  }

  private mutating func advance(_ count: Int = 1) {
    for _ in 0..<count {
      if next == 0x0A { line += 1 }
      index += 1
    }
  }

  private mutating func skipBlanks() {
    while next == 0x20 || next == 0x09 { index += 1 }
  }

  /// Over blanks, ends of lines and comments.
  private mutating func skipSpace() {
    while let byte = next {
      switch byte {
      case 0x20, 0x09, 0x0D, 0x0A: advance()
      case UInt8(ascii: "#"): while let byte = next, byte != 0x0A { advance() }
      default: return
      }
    }
  }

  private mutating func document() throws(Failure) {
    while true {
      skipSpace()
      guard let byte = next else { return }
      if byte == UInt8(ascii: "[") { try header() } else { try pair(in: table, depth: 0) }
    }
  }

  private mutating func header() throws(Failure) {
    let isArray = starts("[[")
    let line = line
    advance(isArray ? 2 : 1)
    let keys = try key()
    guard isArray ? starts("]]") : starts("]") else { throw failure("expected \"]\"") }
    advance(isArray ? 2 : 1)
    // A name that is an array of tables means its latest one.
    var path: [String] = []
    for key in keys.dropLast() { path = latest(path + [key]) }
    let own = path + [keys.last ?? ""]
    if isArray {
      counts[own, default: 0] += 1
      table = latest(own)
      places[own] = places[own] ?? Place(line: line, raw: "")
    } else {
      table = own
    }
    places[table] = Place(line: line, raw: "")
  }

  private func latest(_ path: [String]) -> [String] {
    guard let count = counts[path], let last = path.last else { return path }
    return path.dropLast() + ["\(last)[\(count - 1)]"]
  }

  /// `key = value`.
  private mutating func pair(in table: [String], depth: Int) throws(Failure) {
    let line = line
    let path = table + (try key())
    guard next == UInt8(ascii: "=") else { throw failure("expected \"=\"") }
    advance()
    skipBlanks()
    if places[path] == nil { places[path] = Place(line: line, raw: "") }
    let raw = try value(at: path, depth: depth)
    places[path]?.raw = raw
  }

  /// A dotted key, and the blanks around it.
  private mutating func key() throws(Failure) -> [String] {
    var keys: [String] = []
    while true {
      skipBlanks()
      keys.append(try simpleKey())
      if keys.count > TOMLScan.depthMax { throw failure("a key with too many parts") }
      skipBlanks()
      guard next == UInt8(ascii: ".") else { return keys }
      advance()
    }
  }

  private mutating func simpleKey() throws(Failure) -> String {
    if next == UInt8(ascii: "\"") || next == UInt8(ascii: "'") {
      if starts("\"\"\"") || starts("'''") { throw failure("a key of several lines") }
      return try string()
    }
    let start = index
    while let byte = next, TOMLScan.isBare(byte) { index += 1 }
    if index == start { throw failure("expected a key") }
    return String(decoding: bytes[start..<index], as: UTF8.self)
  }

  private static func isBare(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"): true
    default: false
    }
  }

  /// Any value.
  /// - Returns: its text where it is a number, a truth value or a time.
  private mutating func value(at path: [String], depth: Int) throws(Failure) -> String {
    if depth > TOMLScan.depthMax { throw failure("values nested too deeply") }
    switch next {
    case UInt8(ascii: "\""), UInt8(ascii: "'"): _ = try string()
    case UInt8(ascii: "["): try list(at: path, depth: depth)
    case UInt8(ascii: "{"): try inlineTable(at: path, depth: depth)
    default: return try scalar()
    }
    return ""
  }

  private mutating func list(at path: [String], depth: Int) throws(Failure) {
    advance()
    var count = 0
    while true {
      skipSpace()
      if next == UInt8(ascii: "]") { return advance() }
      _ = try value(at: path.dropLast() + ["\(path.last ?? "")[\(count)]"], depth: depth + 1)
      count += 1
      skipSpace()
      if next == UInt8(ascii: ",") {
        advance()
      } else if next != UInt8(ascii: "]") {
        throw failure("expected \",\" or \"]\"")
      }
    }
  }

  private mutating func inlineTable(at path: [String], depth: Int) throws(Failure) {
    advance()
    places[path] = places[path] ?? Place(line: line, raw: "")
    while true {
      skipSpace()
      if next == UInt8(ascii: "}") { return advance() }
      try pair(in: path, depth: depth + 1)
      skipSpace()
      if next == UInt8(ascii: ",") {
        advance()
      } else if next != UInt8(ascii: "}") {
        throw failure("expected \",\" or \"}\"")
      }
    }
  }

  private mutating func scalar() throws(Failure) -> String {
    let start = index
    while let byte = next, !",]}#".utf8.contains(byte), byte != 0x0A, byte != 0x0D { index += 1 }
    var text = bytes[start..<index]
    while text.last == 0x20 || text.last == 0x09 { text.removeLast() }
    if text.isEmpty { throw failure("expected a value") }
    return String(decoding: text, as: UTF8.self)
  }

  /// Any of the four kinds of text; escapes are understood as far as keys need them.
  private mutating func string() throws(Failure) -> String {
    let quote = bytes[index]
    let isLiteral = quote == UInt8(ascii: "'")
    let isLong = starts("\"\"\"") || starts("'''")
    advance(isLong ? 3 : 1)
    var text: [UInt8] = []
    while let byte = next {
      if byte == quote, !isLong {
        advance()
        return String(decoding: text, as: UTF8.self)
      }
      if isLong, isLiteral ? starts("'''") : starts("\"\"\"") {
        advance(3)
        // Up to two quotes may stand right before the three that end it.
        while next == quote { advance() }
        return String(decoding: text, as: UTF8.self)
      }
      if byte == 0x0A, !isLong { break }
      if byte == UInt8(ascii: "\\"), !isLiteral {
        text += try escape()
      } else {
        text.append(byte)
        advance()
      }
    }
    throw failure("text without an end")
  }

  private mutating func escape() throws(Failure) -> [UInt8] {
    advance()
    guard let byte = next else { throw failure("text without an end") }
    advance()
    switch byte {
    case UInt8(ascii: "n"): return [0x0A]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "r"): return [0x0D]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0C]
    case UInt8(ascii: "u"), UInt8(ascii: "U"):
      let count = byte == UInt8(ascii: "u") ? 4 : 8
      let digits = bytes[index...].prefix(count)
      guard digits.count == count,
        let code = UInt32(String(decoding: digits, as: UTF8.self), radix: 16),
        let scalar = Unicode.Scalar(code)
      else { throw failure("an escape that names no character") }
      if code == 0 { throw failure("a zero byte in a text") }
      advance(count)
      return Array(String(Character(scalar)).utf8)
    default: return [byte]
    }
  }
}
