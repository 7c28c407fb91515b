/// A word of JavaScript text, as far as finding test titles needs it.
enum JavaScriptToken: Hashable {
  case name(String)
  /// A string or a template without substitutions, decoded.
  case text(String)
  /// One byte of punctuation.
  case mark(UInt8)
  /// A number, a regular expression, or a template with substitutions.
  case other
}

/// Splits JavaScript text into words (ECMA-262 §12), without comments.
struct JavaScriptTokens {
  private let bytes: [UInt8]
  private var position = 0
  private(set) var tokens: [JavaScriptToken] = []

  static func tokens(of source: String) -> [JavaScriptToken] {
    var scanner = JavaScriptTokens(bytes: Array(source.utf8))
    scanner.run()
    return scanner.tokens
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private func starts(_ text: StaticString) -> Bool {
    bytes[position...].prefix(text.utf8CodeUnitCount)
      .elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  private mutating func run() {
    while position < bytes.count {
      let byte = bytes[position]
      switch byte {
      case 0x20, 0x09, 0x0A, 0x0D: position += 1
      case UInt8(ascii: "/") where starts("//"): skip { $0 == 0x0A }
      case UInt8(ascii: "/") where starts("/*"): skipBlockComment()
      case UInt8(ascii: "/") where mayStartExpression: takeExpression()
      case UInt8(ascii: "'"), UInt8(ascii: "\""): takeString(byte)
      case UInt8(ascii: "`"): takeTemplate()
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        skip { !TaskName.isIdentifierByte($0) && $0 != UInt8(ascii: ".") }
        tokens.append(.other)
      case _ where isNameByte(byte): takeName()
      default:
        tokens.append(.mark(byte))
        position += 1
      }
    }
  }

  private func isNameByte(_ byte: UInt8) -> Bool {
    TaskName.isIdentifierByte(byte) || byte == UInt8(ascii: "$") || byte >= 0x80
  }

  private mutating func skip(until isEnd: (UInt8) -> Bool) {
    while position < bytes.count, !isEnd(bytes[position]) { position += 1 }
  }

  private mutating func skipBlockComment() {
    position += 2
    while position < bytes.count, !starts("*/") { position += 1 }
    position = min(position + 2, bytes.count)
  }

  private mutating func takeName() {
    let start = position
    while position < bytes.count, isNameByte(bytes[position]) { position += 1 }
    tokens.append(.name(String(decoding: bytes[start..<position], as: UTF8.self)))
  }

  /// True where a slash begins a regular expression: not after a value.
  private var mayStartExpression: Bool {
    switch tokens.last {
    case nil: true
    case .mark(let byte): !")]}".utf8.contains(byte)
    case .name(let name):
      ["return", "typeof", "case", "in", "of", "delete", "void", "throw", "await"].contains(name)
    case .text, .other: false
    }
  }

  private mutating func takeExpression() {
    position += 1
    var isClass = false
    while position < bytes.count, bytes[position] != 0x0A {
      let byte = bytes[position]
      position += 1
      if byte == UInt8(ascii: "\\") { position += 1 }
      if byte == UInt8(ascii: "[") { isClass = true }
      if byte == UInt8(ascii: "]") { isClass = false }
      if byte == UInt8(ascii: "/"), !isClass { break }
    }
    position = min(position, bytes.count)
    skip { !TaskName.isIdentifierByte($0) }
    tokens.append(.other)
  }

  private mutating func takeString(_ quote: UInt8) {
    position += 1
    var text: [UInt8] = []
    while position < bytes.count, bytes[position] != quote, bytes[position] != 0x0A {
      takeCharacter(into: &text)
    }
    position = min(position + 1, bytes.count)
    tokens.append(.text(String(decoding: text, as: UTF8.self)))
  }

  private mutating func takeTemplate() {
    position += 1
    var text: [UInt8] = []
    var isConstant = true
    while position < bytes.count, bytes[position] != UInt8(ascii: "`") {
      if starts("${") {
        isConstant = false
        skipSubstitution()
      } else {
        takeCharacter(into: &text)
      }
    }
    position = min(position + 1, bytes.count)
    tokens.append(isConstant ? .text(String(decoding: text, as: UTF8.self)) : .other)
  }

  /// Skips `${…}` with the strings, templates and braces in it.
  private mutating func skipSubstitution() {
    var inner = JavaScriptTokens(bytes: bytes)
    inner.position = position + 2
    var depth = 1
    while inner.position < bytes.count {
      let byte = bytes[inner.position]
      if byte == UInt8(ascii: "{") { depth += 1 }
      if byte == UInt8(ascii: "}") { depth -= 1 }
      if depth == 0 { break }
      switch byte {
      case UInt8(ascii: "'"), UInt8(ascii: "\""): inner.takeString(byte)
      case UInt8(ascii: "`"): inner.takeTemplate()
      default: inner.position += 1
      }
    }
    position = min(inner.position + 1, bytes.count)
  }
}

extension JavaScriptTokens {
  /// One character of a string, with its escape resolved (ECMA-262 §12.9.4).
  private mutating func takeCharacter(into text: inout [UInt8]) {
    let byte = bytes[position]
    position += 1
    guard byte == UInt8(ascii: "\\"), position < bytes.count else {
      text.append(byte)
      return
    }
    let escape = bytes[position]
    position += 1
    switch escape {
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "v"): text.append(0x0B)
    case UInt8(ascii: "0"): text.append(0x00)
    case 0x0A: break
    case UInt8(ascii: "x"): appendScalar(hexDigits(2), to: &text)
    case UInt8(ascii: "u"): appendScalar(takeUnicodeEscape(), to: &text)
    default: text.append(escape)
    }
  }

  private func appendScalar(_ code: UInt32?, to text: inout [UInt8]) {
    let scalar = code.flatMap(Unicode.Scalar.init) ?? "\u{FFFD}"
    text += String(Character(scalar)).utf8
  }

  /// The code point of `\u` and four digits, of a pair of those, or of `\u{…}`.
  private mutating func takeUnicodeEscape() -> UInt32? {
    if position < bytes.count, bytes[position] == UInt8(ascii: "{") {
      let start = position + 1
      skip { $0 == UInt8(ascii: "}") }
      defer { position = min(position + 1, bytes.count) }
      return UInt32(String(decoding: bytes[start..<position], as: UTF8.self), radix: 16)
    }
    guard let high = hexDigits(4) else { return nil }
    guard (0xD800..<0xDC00).contains(high), starts("\\u") else { return high }
    position += 2
    guard let low = hexDigits(4), (0xDC00..<0xE000).contains(low) else { return nil }
    return 0x10000 + (high - 0xD800) << 10 + (low - 0xDC00)
  }

  private mutating func hexDigits(_ count: Int) -> UInt32? {
    let end = min(position + count, bytes.count)
    defer { position = end }
    return UInt32(String(decoding: bytes[position..<end], as: UTF8.self), radix: 16)
  }
}
