/// One statement of a Python program, joined over brackets and backslashes, without comments.
struct PythonStatement: Hashable {
  /// Columns before the first word; a tab goes to the next multiple of eight.
  let indent: Int
  /// From the first word on; strings are kept as they are.
  let text: String
}

/// The lines of a text, without their line feeds.
func lines(of text: String) -> [Substring] {
  // By bytes: for Swift's characters a carriage return and a line feed are one.
  text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).map { Substring($0) }
}

/// Splits Python text into statements, well enough to find definitions: it knows strings, comments,
/// brackets and continued lines, and nothing of the grammar (Python reference, chapter 2).
struct PythonText {
  private let bytes: [UInt8]
  private var position = 0
  private var depth = 0
  private var indent = 0
  private var current: [UInt8] = []
  private var statements: [PythonStatement] = []

  static func statements(of source: String) -> [PythonStatement] {
    var text = PythonText(bytes: Array(source.utf8))
    text.run()
    return text.statements
  }

  /// All words of a text, strings and comments included.
  static func identifiers(_ text: String) -> [String] {
    text.utf8.split { !TaskName.isIdentifierByte($0) }.map { String(Substring($0)) }
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private mutating func run() {
    beginLine()
    while position < bytes.count {
      let byte = bytes[position]
      switch byte {
      case UInt8(ascii: "#"): skipComment()
      case UInt8(ascii: "\""), UInt8(ascii: "'"): takeString(byte)
      case UInt8(ascii: "\\") where position + 1 < bytes.count:
        current += [0x20]
        position += 2
      case 0x0A, 0x0D: endLine()
      case UInt8(ascii: ";") where depth == 0:
        position += 1
        finish()
        skipBlanks()
      default:
        if "([{".utf8.contains(byte) { depth += 1 }
        if ")]}".utf8.contains(byte) { depth = max(0, depth - 1) }
        current.append(byte)
        position += 1
      }
    }
    finish()
  }

  /// Measures the indentation of the line that starts here.
  private mutating func beginLine() {
    indent = 0
    while position < bytes.count {
      switch bytes[position] {
      case 0x20: indent += 1
      case 0x09: indent = (indent / 8 + 1) * 8
      default: return
      }
      position += 1
    }
  }

  private mutating func endLine() {
    position += 1
    if depth > 0 {
      current.append(0x20)
    } else {
      finish()
      beginLine()
    }
  }

  private mutating func finish() {
    while current.last == 0x20 || current.last == 0x09 { current.removeLast() }
    if !current.isEmpty {
      statements.append(
        PythonStatement(indent: indent, text: String(decoding: current, as: UTF8.self)))
    }
    current = []
  }

  private mutating func skipBlanks() {
    while position < bytes.count, bytes[position] == 0x20 || bytes[position] == 0x09 {
      position += 1
    }
  }

  private mutating func skipComment() {
    while position < bytes.count, bytes[position] != 0x0A { position += 1 }
  }

  private mutating func takeString(_ quote: UInt8) {
    let start = position
    let isLong = bytes[start...].prefix(3).elementsEqual([quote, quote, quote])
    let end = isLong ? [quote, quote, quote] : [quote]
    position += end.count
    while position < bytes.count {
      if bytes[position] == UInt8(ascii: "\\") {
        position += 2
      } else if bytes[position...].prefix(end.count).elementsEqual(end) {
        position += end.count
        break
      } else if !isLong, bytes[position] == 0x0A {
        break
      } else {
        position += 1
      }
    }
    position = min(position, bytes.count)
    current += bytes[start..<position]
  }
}

extension PythonStatement {
  /// The name that a `def` or `class` statement defines, or nil.
  func defines(_ keyword: String) -> String? {
    var rest = text[...]
    if keyword == "def", rest.hasPrefix("async ") {
      rest = rest.dropFirst(6).drop { $0 == " " || $0 == "\t" }
    }
    guard rest.hasPrefix(keyword + " ") || rest.hasPrefix(keyword + "\t") else { return nil }
    rest = rest.dropFirst(keyword.count).drop { $0 == " " || $0 == "\t" }
    let name = rest.utf8.prefix(while: TaskName.isIdentifierByte)
    return name.isEmpty ? nil : String(Substring(name))
  }

  /// Up to and with the colon that ends a `def` or `class` line; nil where there is none.
  var header: String? {
    var depth = 0
    var quote: UInt8?
    var header: [UInt8] = []
    for byte in text.utf8 {
      header.append(byte)
      if let open = quote {
        if byte == open { quote = nil }
        continue
      }
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "'"): quote = byte
      case UInt8(ascii: "("), UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
      case UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
      case UInt8(ascii: ":") where depth == 0: return String(decoding: header, as: UTF8.self)
      default: break
      }
    }
    return nil
  }
}
