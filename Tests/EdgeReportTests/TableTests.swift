import EdgeReport
import EdgeTestSupport
import Testing

struct TableTests {
  private let columns = [
    Column("ID"), Column("SIZE", .right), Column("NAME", canShrink: true), Column("END"),
  ]

  private func table(_ rows: [[Cell]]) -> Table { Table(columns: columns, rows: rows) }

  @Test
  func alignsItsColumns() {
    let table = table([["a", "1", "first", "x"], ["bcd", "1000", "日本", ""]])
    #expect(
      table.text(.plain) == """
        ID   SIZE  NAME   END
        a       1  first  x
        bcd  1000  日本

        """)
  }

  @Test
  func showsItsHeadingWithoutRows() {
    #expect(table([]).text(.plain) == "ID  SIZE  NAME  END\n")
    #expect(Table(columns: columns, rows: [], hasHeading: false).text(.plain).isEmpty)
  }

  @Test
  func cutsOnlyWhatMayBeCut() {
    let id = "014d2pf2dbsqqg28t5cy4tqkff"
    let table = table([[Cell(id), "1", "a very long name indeed", "x"]])
    let text = table.text(Style(width: 52))
    #expect(text.split(separator: "\n").map(\.count) == [52, 50])
    #expect(text.contains(id) && text.contains("a very long …"), "\(text)")
    // Too narrow for everything: ids stay whole and the line becomes too long.
    #expect(table.text(Style(width: 10)).contains(id))
    #expect(table.text(.plain).contains("a very long name indeed"))
  }

  @Test
  func makesItsCellsSafe() {
    let text = table([["\u{1B}[2Ja\nb", "\u{202E}", "x\u{7}", "end"]]).text(.plain)
    #expect(text.split(separator: "\n").count == 2)
    #expect(!text.unicodeScalars.contains("\u{1B}") && text.contains("a\\nb"))
  }

  @Test
  func coloursRepeatWhatIsSaid() {
    let rows: [[Cell]] = [[Cell("a", .good), Cell("1", .bad), "n", ""]]
    let coloured = table(rows).text(Style(colour: true))
    #expect(
      coloured.contains("\u{1B}[32ma\u{1B}[0m ") && coloured.contains("   \u{1B}[31m1\u{1B}[0m"))
    #expect(Untrusted.text(coloured) == table(rows).text(.plain))
  }

  @Test(arguments: Seed.some(100))
  func linesFitAndEndInNoSpace(seed: Seed) {
    var random = SplitMix64(seed)
    let rows = (0..<random.number(0...8)).map { _ in
      columns.map { _ in Cell(random.text(atMost: 20)) }
    }
    let lines = table(rows).text(.plain).split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count == rows.count + 2)
    for line in lines { #expect(line.last != " ") }
  }

  @Test
  func refusesRowsOfAnotherLength() async {
    await #expect(processExitsWith: .failure) {
      _ = Table(columns: [Column("A")], rows: [["1", "2"]])
    }
  }
}
