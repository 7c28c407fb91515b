/// How text for a terminal looks.
package struct Style: Hashable, Sendable {
  /// Uses colour (SGR sequences of ECMA-48).
  package var colour: Bool
  /// Cells of one line; nil means that no line is cut.
  package var width: Int?

  package init(colour: Bool = false, width: Int? = nil) {
    self.colour = colour
    self.width = width
  }

  /// No colour, any width: for files and pipes.
  package static let plain = Style()
}

/// What `--color` says.
package enum ColourChoice: String, CaseIterable, Sendable {
  case auto, always, never

  /// Whether to use colour: the flag first, then `NO_COLOR`, then `CLICOLOR_FORCE`, then
  /// `TERM=dumb`, then whether it is a terminal.
  package func isOn(isTerminal: Bool, environment: [String: String]) -> Bool {
    switch self {
    case .always: return true
    case .never: return false
    case .auto: break
    }
    if !(environment["NO_COLOR"] ?? "").isEmpty { return false }
    let force = environment["CLICOLOR_FORCE"] ?? ""
    if !force.isEmpty, force != "0" { return true }
    return isTerminal && environment["TERM"] != "dumb"
  }
}

/// What a cell means; colour only repeats what its text says.
package enum Tone: Sendable {
  case normal, good, bad, warning, faint, heading

  /// The number of Select Graphic Rendition.
  fileprivate var rendition: String? {
    switch self {
    case .normal: nil
    case .good: "32"
    case .bad: "31"
    case .warning: "33"
    case .faint: "2"
    case .heading: "1"
    }
  }
}

extension Style {
  /// The text in the colour of its meaning.
  func paint(_ text: String, _ tone: Tone) -> String {
    guard colour, let rendition = tone.rendition, !text.isEmpty else { return text }
    return "\u{1B}[\(rendition)m\(text)\u{1B}[0m"
  }
}
