/// A Swift text without what the compiler does not read as code. Both views keep every line break,
/// so that line numbers stay.
struct SwiftText: Sendable {
  /// Comments blanked.
  let uncommented: String
  /// Comments and the contents of string literals blanked; code inside interpolations stays.
  let code: String

  var codeLines: [Substring] { code.split(separator: "\n", omittingEmptySubsequences: false) }

  init(_ text: String) {
    var scanner = Scanner(Array(text.utf8))
    scanner.run()
    uncommented = String(decoding: scanner.uncommented, as: UTF8.self)
    code = String(decoding: scanner.code, as: UTF8.self)
  }

  /// The line, from 1, of a position in `code`.
  static func line(of index: Int, in bytes: [UInt8]) -> Int {
    bytes[..<index].reduce(1) { $1 == 0x0A ? $0 + 1 : $0 }
  }
}

/// Where a scanner stands: in code (with its open parentheses), a comment, or a string.
private enum Mode {
  case code(parentheses: Int)
  case lineComment
  case blockComment(depth: Int)
  case string(hashes: Int, isMultiline: Bool)
}

/// Walks over Swift source once, blanking as it goes.
private struct Scanner {
  let bytes: [UInt8]
  var uncommented: [UInt8]
  var code: [UInt8]
  var index = 0
  /// The innermost mode is last; the first is the file's own code.
  var modes: [Mode] = [.code(parentheses: 0)]

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    uncommented = bytes
    code = bytes
  }

  mutating func run() {
    while index < bytes.count {
      switch modes[modes.count - 1] {
      case .code(let parentheses): scanCode(parentheses)
      case .lineComment:
        if bytes[index] == UInt8(ascii: "\n") { modes.removeLast() }
        blankComment(1)
      case .blockComment(let depth): scanBlockComment(depth)
      case .string(let hashes, let isMultiline): scanString(hashes, isMultiline)
      }
    }
  }

  private func starts(_ text: String, at start: Int) -> Bool {
    bytes[start...].starts(with: text.utf8)
  }

  private mutating func scanCode(_ parentheses: Int) {
    // Most bytes begin nothing.
    switch bytes[index] {
    case UInt8(ascii: "/"), UInt8(ascii: "\""), UInt8(ascii: "#"): break
    case UInt8(ascii: "("), UInt8(ascii: ")"): break
    default:
      index += 1
      return
    }
    if starts("//", at: index) {
      modes.append(.lineComment)
    } else if starts("/*", at: index) {
      modes.append(.blockComment(depth: 1))
      blankComment(2)
    } else if let opening = openingOfString() {
      modes.append(opening.mode)
      index += opening.length
    } else {
      let change =
        bytes[index] == UInt8(ascii: "(") ? 1 : bytes[index] == UInt8(ascii: ")") ? -1 : 0
      if parentheses + change == 0, modes.count > 1, change < 0 {
        modes.removeLast()  // The end of an interpolation.
      } else {
        modes[modes.count - 1] = .code(parentheses: parentheses + change)
      }
      index += 1
    }
  }

  private func openingOfString() -> (mode: Mode, length: Int)? {
    var hashes = 0
    while starts("#", at: index + hashes), index + hashes < bytes.count { hashes += 1 }
    guard starts("\"", at: index + hashes) else { return nil }
    let isMultiline = starts("\"\"\"", at: index + hashes)
    return (.string(hashes: hashes, isMultiline: isMultiline), hashes + (isMultiline ? 3 : 1))
  }

  private mutating func scanBlockComment(_ depth: Int) {
    if starts("*/", at: index) {
      blankComment(2)
      modes.removeLast()
      if depth > 1 { modes.append(.blockComment(depth: depth - 1)) }
    } else if starts("/*", at: index) {
      modes[modes.count - 1] = .blockComment(depth: depth + 1)
      blankComment(2)
    } else {
      blankComment(1)
    }
  }

  private mutating func scanString(_ hashes: Int, _ isMultiline: Bool) {
    switch bytes[index] {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), 0x0A: break
    default: return blankString(1)
    }
    let pounds = String(repeating: "#", count: hashes)
    let end = (isMultiline ? "\"\"\"" : "\"") + pounds
    if starts(end, at: index) {
      index += end.utf8.count
      modes.removeLast()
    } else if starts("\\\(pounds)(", at: index) {
      blankString(hashes + 1)
      index += 1
      modes.append(.code(parentheses: 1))
    } else if starts("\\\(pounds)", at: index) {
      blankString(hashes + 2)
    } else if !isMultiline, bytes[index] == UInt8(ascii: "\n") {
      modes.removeLast()
    } else {
      blankString(1)
    }
  }

  private mutating func blankComment(_ count: Int) {
    for position in index..<min(index + count, bytes.count) where bytes[position] != 0x0A {
      uncommented[position] = 0x20
      code[position] = 0x20
    }
    index += count
  }

  private mutating func blankString(_ count: Int) {
    for position in index..<min(index + count, bytes.count) where bytes[position] != 0x0A {
      code[position] = 0x20
    }
    index += count
  }
}
