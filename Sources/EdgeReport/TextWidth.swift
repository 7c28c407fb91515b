/// How many cells of a terminal text takes.
enum TextWidth {
  /// Cells of one line without control characters.
  static func cells(_ text: String) -> Int { text.reduce(0) { $0 + cells($1) } }

  /// The longest beginning that fits, with `…` where something was cut.
  static func fit(_ text: String, _ width: Int) -> String {
    if cells(text) <= width { return text }
    guard width > 0 else { return "" }
    var fitted = ""
    var used = 0
    for character in text {
      let next = cells(character)
      if used + next > width - 1 { break }
      fitted.append(character)
      used += next
    }
    return fitted + "…"
  }

  private static func cells(_ character: Character) -> Int {
    guard let scalar = character.unicodeScalars.first else { return 0 }
    if scalar.isASCII { return 1 }
    // U+FE0F asks for the emoji form of what would else be narrow.
    if character.unicodeScalars.contains("\u{FE0F}") { return 2 }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: return isWide(scalar) ? 2 : 1
    }
  }

  /// East Asian Wide and Fullwidth (UAX #11) in rough ranges, and emoji.
  private static func isWide(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.properties.isEmojiPresentation { return true }
    switch scalar.value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0xA4CF,
      0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF01...0xFF60,
      0xFFE0...0xFFE6, 0x17000...0x18CFF, 0x1B000...0x1B2FF, 0x20000...0x3FFFD:
      return true
    default: return false
    }
  }
}
