/// One column of a table.
package struct Column: Hashable, Sendable {
  package var title: String
  package var side: Side
  /// May be cut where the terminal is too narrow; never for ids.
  package var canShrink: Bool

  /// Where the text of a column stands.
  package enum Side: Sendable { case left, right }

  package init(_ title: String, _ side: Side = .left, canShrink: Bool = false) {
    self.title = title
    self.side = side
    self.canShrink = canShrink
  }
}

/// One cell of a table.
package struct Cell: Hashable, Sendable, ExpressibleByStringLiteral {
  package var text: String
  package var tone: Tone

  package init(_ text: String, _ tone: Tone = .normal) {
    self.text = text
    self.tone = tone
  }

  package init(stringLiteral text: String) { self.init(text) }

  /// A number.
  package init(_ number: Int64) { self.init(String(number)) }

  /// `-` where there is nothing to tell.
  package static let none = Cell("-", .faint)
}

/// Aligned columns with a heading. What the cells hold is made safe to show.
package struct Table: Hashable, Sendable {
  package var columns: [Column]
  package var rows: [[Cell]]
  /// Without it only the rows are shown.
  package var hasHeading: Bool

  package init(columns: [Column], rows: [[Cell]], hasHeading: Bool = true) {
    precondition(rows.allSatisfy { $0.count == columns.count }, "a row of another length")
    self.columns = columns
    self.rows = rows
    self.hasHeading = hasHeading
  }

  /// The lines of the table, each ended by `\n`; no line ends in spaces.
  package func text(_ style: Style) -> String {
    let heading = columns.map { Cell($0.title, .heading) }
    var lines = hasHeading ? [heading] : []
    lines += rows.map { row in row.map { Cell(Untrusted.line($0.text), $0.tone) } }
    let widths = widths(of: lines, atMost: style.width)
    return lines.map { line(of: $0, widths: widths, style: style) + "\n" }.joined()
  }

  private static let gap = "  "

  private func widths(of lines: [[Cell]], atMost most: Int?) -> [Int] {
    var widths = columns.indices.map { column in
      lines.map { TextWidth.cells($0[column].text) }.max() ?? 0
    }
    guard let most else { return widths }
    var excess = widths.reduce(0, +) + Table.gap.count * max(0, columns.count - 1) - most
    for column in columns.indices.reversed() where columns[column].canShrink && excess > 0 {
      // A column of fewer cells than its title or eight would tell nothing.
      let least = min(widths[column], max(8, TextWidth.cells(columns[column].title)))
      let cut = min(excess, widths[column] - least)
      widths[column] -= cut
      excess -= cut
    }
    return widths
  }

  private func line(of cells: [Cell], widths: [Int], style: Style) -> String {
    var line = ""
    for (index, cell) in cells.enumerated() {
      let column = columns[index]
      let text = column.canShrink ? TextWidth.fit(cell.text, widths[index]) : cell.text
      let padding = String(repeating: " ", count: max(0, widths[index] - TextWidth.cells(text)))
      let painted = style.paint(text, cell.tone)
      if index > 0 { line += Table.gap }
      switch column.side {
      case .right: line += padding + painted
      case .left: line += index == cells.count - 1 ? painted : painted + padding
      }
    }
    while line.last == " " { line.removeLast() }
    return line
  }
}
