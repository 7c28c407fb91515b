/// Makes what a task wrote safe to show: it can move no cursor, set no title, hide no text and turn
/// no line around.
package enum Untrusted {
  /// Text of several lines. Complete terminal control sequences (ECMA-48) are left out; every other
  /// control or invisible formatting character, and every byte that is not UTF-8, becomes visible
  /// as `\x1B`, `\u{202E}` or `\xFF`. Line ends become `\n`.
  package static func text(_ bytes: some Sequence<UInt8>) -> String {
    let units = decode(Array(bytes))
    var text = String.UnicodeScalarView()
    var index = 0
    while index < units.count {
      switch units[index] {
      case .byte(let byte): text.append(contentsOf: escape(byte: UInt32(byte)))
      case .scalar(let scalar):
        if let end = sequenceEnd(units, from: index) {
          index = end
          continue
        }
        if scalar == "\r" {
          // A bare carriage return would let later text cover earlier text.
          if index + 1 == units.count || units[index + 1] != .scalar("\n") { text.append("\n") }
        } else {
          append(scalar, to: &text)
        }
      }
      index += 1
    }
    return String(text)
  }

  /// Text of several lines, from text.
  package static func text(_ text: String) -> String { Untrusted.text(text.utf8) }

  /// One line: line ends are shown as `\n`, tabs as a space. Longer text is cut and ends in `…`.
  package static func line(_ text: String, atMost most: Int = 1000) -> String {
    var line = ""
    var count = 0
    for character in Untrusted.text(text) {
      if count == most { return line.dropLast() + "…" }
      switch character {
      case "\n": line += "\\n"
      case "\t": line += " "
      default: line.append(character)
      }
      count += 1
    }
    return line
  }

  private enum Unit: Equatable {
    case scalar(Unicode.Scalar)
    case byte(UInt8)
  }

  private static func decode(_ bytes: [UInt8]) -> [Unit] {
    var units: [Unit] = []
    units.reserveCapacity(bytes.count)
    var parser = Unicode.UTF8.ForwardParser()
    var iterator = bytes.makeIterator()
    var offset = 0
    while true {
      switch parser.parseScalar(from: &iterator) {
      case .valid(let encoded):
        units.append(.scalar(Unicode.UTF8.decode(encoded)))
        offset += encoded.count
      case .error(let length):
        units += bytes[offset..<offset + length].map { .byte($0) }
        offset += length
      case .emptyInput: return units
      }
    }
  }

  private static func append(_ scalar: Unicode.Scalar, to text: inout String.UnicodeScalarView) {
    switch scalar.value {
    case 0x0A, 0x09, 0x20..<0x7F: text.append(scalar)
    case 0..<0x20, 0x7F..<0xA0: text.append(contentsOf: escape(byte: scalar.value))
    default:
      if isInvisible(scalar) {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        text.append(contentsOf: "\\u{\(digits)}".unicodeScalars)
      } else {
        text.append(scalar)
      }
    }
  }

  private static func escape(byte: UInt32) -> String.UnicodeScalarView {
    let digits = String(byte, radix: 16, uppercase: true)
    return (byte < 16 ? "\\x0\(digits)" : "\\x\(digits)").unicodeScalars
  }

  /// Characters that change how others look and are not seen themselves: bidirectional controls,
  /// tags, separators, noncharacters. Joiners are left, since emoji and Indic scripts need them.
  private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
    if scalar == "\u{200C}" || scalar == "\u{200D}" { return false }
    if scalar.value & 0xFFFE == 0xFFFE || (0xFDD0...0xFDEF).contains(scalar.value) { return true }
    switch scalar.properties.generalCategory {
    case .format, .lineSeparator, .paragraphSeparator: return true
    default: return false
    }
  }

  /// The index behind the control sequence that starts here; nil where none does, or where it does
  /// not end, since a terminal would then swallow what follows.
  private static func sequenceEnd(_ units: [Unit], from start: Int) -> Int? {
    guard case .scalar(let first) = units[start] else { return nil }
    var index = start + 1
    let kind: UInt32
    switch first.value {
    case 0x1B:
      guard let next = value(units, index) else { return nil }
      kind = next
      index += 1
    case 0x80..<0xA0: kind = first.value - 0x40
    default: return nil
    }
    switch kind {
    case 0x5B: return controlEnd(units, from: index)
    case 0x5D, 0x50, 0x58, 0x5E, 0x5F: return stringEnd(units, from: index)
    case 0x20..<0x30 where first.value == 0x1B:
      while let next = value(units, index), (0x20..<0x30).contains(next) { index += 1 }
      guard let final = value(units, index), (0x30..<0x7F).contains(final) else { return nil }
      return index + 1
    case 0x30..<0x7F where first.value == 0x1B: return index
    default: return nil
    }
  }

  private static func value(_ units: [Unit], _ index: Int) -> UInt32? {
    guard index < units.count, case .scalar(let scalar) = units[index] else { return nil }
    return scalar.value
  }

  /// `CSI parameters intermediates final`.
  private static func controlEnd(_ units: [Unit], from start: Int) -> Int? {
    var index = start
    while let next = value(units, index), (0x20..<0x40).contains(next), index - start < 64 {
      index += 1
    }
    guard let final = value(units, index), (0x40..<0x7F).contains(final) else { return nil }
    return index + 1
  }

  /// A string up to BEL, ST or its two-character form; it ends on its own line.
  private static func stringEnd(_ units: [Unit], from start: Int) -> Int? {
    var index = start
    while let next = value(units, index), index - start < 4096 {
      switch next {
      case 0x07, 0x9C: return index + 1
      case 0x1B: return value(units, index + 1) == 0x5C ? index + 2 : nil
      // Another control ends it; to look on from each of many would take quadratic time.
      case 0..<0x20, 0x7F..<0xA0: return nil
      default: index += 1
      }
    }
    return nil
  }
}
