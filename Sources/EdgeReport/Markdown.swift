internal import EdgeJob

extension Document {
  /// The table in GitHub-flavoured Markdown.
  var markdown: String {
    Markdown.table(table) + notes.map { "\n" + Markdown.escape($0) + "\n" }.joined()
  }
}

extension JUnitSuite {
  /// The largest summary, bytes; continuous-integration services refuse more.
  static let markdownMax = 1_000_000

  /// A summary: counts, a table with the worst first, and what failing tasks wrote.
  package var markdown: String {
    let sorted = cases.enumerated().sorted { left, right in
      (left.element.finding.kind.severity, left.offset)
        < (right.element.finding.kind.severity, right.offset)
    }.map(\.element)
    let counts = JUnitCase.Kind.bySeverity.map { kind in
      "\(cases.count { $0.finding.kind == kind }) \(kind.noun)"
    }
    let heading = Markdown.escape(name)
    var text = "### \(heading): \(Amount.count(cases.count, "job"))"
    text += "\n\n" + counts.joined(separator: " · ") + "\n\n"
    text += Markdown.table(
      Table(
        columns: [Column("RESULT"), Column("TASK"), Column("QUEUE"), Column("TIME", .right)],
        rows: sorted.map { item in
          [
            Cell(item.finding.message), Cell(item.name), Cell(item.className),
            Cell(Amount.duration(item.milliseconds)),
          ]
        }))
    for item in sorted where item.finding.kind == .failure || item.finding.kind == .error {
      let details = details(of: item)
      guard text.utf8.count + details.utf8.count < JUnitSuite.markdownMax else {
        return text + "\nMore details were left out: the summary would be too long.\n"
      }
      text += details
    }
    return text
  }

  private func details(of item: JUnitCase) -> String {
    let title = "\(item.name): \(item.finding.message)"
    var text = "\n<details><summary>\(Markdown.escape(title))</summary>\n\n"
    if let job = item.job { text += "Job `\(job)`\n\n" }
    for (label, bytes) in [("Output", item.output), ("Errors", item.errors)] where !bytes.isEmpty {
      text += "\(label):\n\n" + Markdown.block(Untrusted.text(bytes.suffix(4096))) + "\n"
    }
    return text + "</details>\n"
  }
}

extension JUnitCase.Kind {
  /// Worst first.
  static let bySeverity: [JUnitCase.Kind] = [.error, .failure, .skipped, .passed]

  fileprivate var severity: Int { JUnitCase.Kind.bySeverity.firstIndex(of: self) ?? 0 }

  fileprivate var noun: String {
    switch self {
    case .error: "errors"
    case .failure: "failed"
    case .skipped: "skipped"
    case .passed: "passed"
    }
  }
}

enum Markdown {
  /// Text that means nothing to Markdown or HTML.
  static func escape(_ text: String) -> String {
    var escaped = ""
    for character in Untrusted.line(text) {
      switch character {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\\", "`", "*", "_", "{", "}", "[", "]", "(", ")", "#", "!", "|", "~", "@":
        escaped += "\\\(character)"
      default: escaped.append(character)
      }
    }
    return escaped
  }

  static func table(_ table: Table) -> String {
    let rule = table.columns.map { $0.side == .right ? "---:" : "---" }
    let lines =
      [table.columns.map { escape($0.title) }, rule]
      + table.rows.map { row in row.map { escape($0.text) } }
    return lines.map { "| " + $0.joined(separator: " | ") + " |\n" }.joined()
  }

  /// A fenced block; the fence is longer than any run of backticks in the text.
  static func block(_ text: String) -> String {
    var longest = 0
    var run = 0
    for character in text {
      run = character == "`" ? run + 1 : 0
      longest = max(longest, run)
    }
    let fence = String(repeating: "`", count: max(3, longest + 1))
    return "\(fence)text\n\(text)\(text.hasSuffix("\n") ? "" : "\n")\(fence)\n"
  }
}
