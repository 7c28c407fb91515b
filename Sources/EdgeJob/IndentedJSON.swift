extension JSON {
  /// The text for people and for version control: two spaces for each level, members in their
  /// order, and on one line what fits into 100 columns. Ends with a line's end.
  package var indentedText: String { indented(0, used: 0) + "\n" }

  private static let columns = 100

  private func indented(_ level: Int, used: Int) -> String {
    let line = line
    if level > 0, used + line.count < JSON.columns { return line }
    let inner = String(repeating: "  ", count: level + 1)
    let end = "\n" + String(repeating: "  ", count: level)
    switch self {
    case .object(let members):
      let lines = members.map { member in
        let name = JSON.string(member.name).canonicalText + ": "
        return inner + name + member.value.indented(level + 1, used: inner.count + name.count)
      }
      return "{\n" + lines.joined(separator: ",\n") + end + "}"
    case .array(let elements) where elements.allSatisfy({ $0.text != nil }):
      return "[\n" + JSON.filled(elements, inner) + end + "]"
    case .array(let elements):
      let lines = elements.map { inner + $0.indented(level + 1, used: inner.count) }
      return "[\n" + lines.joined(separator: ",\n") + end + "]"
    default: return line
    }
  }

  /// All of it on one line.
  private var line: String {
    switch self {
    case .object(let members) where !members.isEmpty:
      let parts = members.map { "\(JSON.string($0.name).canonicalText): \($0.value.line)" }
      return "{ " + parts.joined(separator: ", ") + " }"
    case .array(let elements): return "[" + elements.map(\.line).joined(separator: ", ") + "]"
    default: return canonicalText
    }
  }

  /// Texts one after the other, as many on each line as fit.
  private static func filled(_ elements: [JSON], _ indent: String) -> String {
    var lines: [String] = []
    var current = ""
    for (index, element) in elements.enumerated() {
      let word = element.line + (index + 1 < elements.count ? "," : "")
      if !current.isEmpty, current.count + 1 + word.count > columns {
        lines.append(current)
        current = ""
      }
      current += current.isEmpty ? indent + word : " " + word
    }
    return (lines + [current]).joined(separator: "\n")
  }
}
