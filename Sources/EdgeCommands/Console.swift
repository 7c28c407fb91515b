internal import EdgeReport
internal import EdgeSystem

/// Data goes to standard output, everything else to standard error.
enum Console {
  /// Writes data. A reader that has gone ends the program quietly.
  static func write(_ text: String) { write(Array(text.utf8)) }

  static func write(_ bytes: [UInt8]) {
    do { try EdgeSystem.write(bytes, to: 1) } catch { Standard.exit(error.errno == 32 ? 0 : 74) }
  }

  /// Passes on what a program wrote to the same stream of ours: as it is, but to a terminal without
  /// control sequences.
  static func pass(_ bytes: [UInt8], to raw: Int32) {
    let shown = Standard.isTerminal(raw) ? Array(Untrusted.text(bytes).utf8) : bytes
    if raw == 1 { write(shown) } else { try? EdgeSystem.write(shown, to: raw) }
  }

  /// One line for people, made safe to show.
  static func note(_ line: String) {
    if Progress.isShown { Progress.clear() }
    try? EdgeSystem.write(Array((Untrusted.line(line) + "\n").utf8), to: 2)
  }

  static func error(_ text: ErrorText) {
    if Progress.isShown { Progress.clear() }
    try? EdgeSystem.write(Array(text.text(style(2)).utf8), to: 2)
  }

  /// How text on a descriptor looks.
  static func style(_ raw: Int32) -> Style {
    var environment: [String: String] = [:]
    for name in ["NO_COLOR", "CLICOLOR_FORCE", "TERM"] {
      environment[name] = Identity.environment(name)
    }
    let isTerminal = Standard.isTerminal(raw)
    return Style(
      colour: ColourChoice.auto.isOn(isTerminal: isTerminal, environment: environment),
      width: isTerminal ? Standard.columns() : nil)
  }
}

/// One line on a terminal that is written over; nothing elsewhere.
enum Progress {
  nonisolated(unsafe) private(set) static var isShown = false

  /// Shows the line; used by the main thread only.
  static func show(_ line: String) {
    guard Standard.isTerminal(2) else { return }
    let width = Standard.columns() ?? 80
    let text = "\r\u{1B}[K" + String(Untrusted.line(line).prefix(width - 1))
    try? EdgeSystem.write(Array(text.utf8), to: 2)
    isShown = true
  }

  static func clear() {
    try? EdgeSystem.write(Array("\r\u{1B}[K".utf8), to: 2)
    isShown = false
  }
}
