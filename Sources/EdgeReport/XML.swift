/// Writes XML 1.0.
struct XML {
  private(set) var text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
  private var depth = 0

  /// An element with children.
  mutating func element(
    _ name: String, _ attributes: [(String, String)] = [], _ children: (inout XML) -> Void
  ) {
    open(name, attributes, end: ">\n")
    depth += 1
    children(&self)
    depth -= 1
    text += indent + "</\(name)>\n"
  }

  /// An element without content.
  mutating func element(_ name: String, _ attributes: [(String, String)]) {
    open(name, attributes, end: "/>\n")
  }

  /// An element with text; nothing where the text is empty.
  mutating func element(_ name: String, text content: String) {
    if content.isEmpty { return }
    open(name, [], end: ">")
    text += XML.escape(content, isAttribute: false) + "</\(name)>\n"
  }

  private var indent: String { String(repeating: "  ", count: depth) }

  private mutating func open(_ name: String, _ attributes: [(String, String)], end: String) {
    text += indent + "<\(name)"
    for (name, value) in attributes {
      text += " \(name)=\"\(XML.escape(value, isAttribute: true))\""
    }
    text += end
  }

  /// Text without the characters that XML 1.0 §2.2 forbids or discourages.
  static func escape(_ text: String, isAttribute: Bool) -> String {
    var escaped = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;".unicodeScalars
      case "<": escaped += "&lt;".unicodeScalars
      case ">": escaped += "&gt;".unicodeScalars
      case "\"": escaped += "&quot;".unicodeScalars
      case "\r": escaped += "&#13;".unicodeScalars
      // A reader would turn these into spaces.
      case "\n" where isAttribute: escaped += "&#10;".unicodeScalars
      case "\t" where isAttribute: escaped += "&#9;".unicodeScalars
      default: if isAllowed(scalar) { escaped.append(scalar) }
      }
    }
    return String(escaped)
  }

  private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09, 0x0A, 0x20..<0x7F: true
    case 0..<0xA0, 0xFDD0...0xFDEF: false
    // U+xxFFFE and U+xxFFFF are no characters in any plane.
    default: scalar.value & 0xFFFE != 0xFFFE
    }
  }
}
