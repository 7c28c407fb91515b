package import EdgeJob

/// The forms in which a command can answer.
package enum OutputFormat: String, CaseIterable, Sendable {
  /// Aligned columns for people.
  case table
  /// One id or value on each line.
  case plain
  /// One JSON object with a `schema` member.
  case json
  /// One JSON object with a `schema` member on each line.
  case jsonl
  /// JUnit XML, for lists of jobs.
  case junit
  /// GitHub-flavoured Markdown.
  case markdown
}

/// Something that is one row of a table, one line, and one JSON object.
package protocol Row: Sendable {
  static var columns: [Column] { get }
  /// One cell for each column.
  var cells: [Cell] { get }
  /// The id or value alone.
  var plain: String { get }
  /// The members of its JSON object.
  var json: JSON { get }
}

/// What a command answers, in every form.
package struct Document: Sendable {
  /// `edgecoder.NAME/VERSION`.
  package var schema: String
  /// The member of the JSON object that holds the rows; nil where the document is one object.
  package var listName: String?
  package var table: Table
  package var plain: [String]
  package var records: [JSON]
  /// Members of the JSON object beside the rows.
  package var facts: [JSON.Member]
  /// Lines below the table.
  package var notes: [String]
  /// The same as test cases, where it is a list of jobs.
  package var suite: JUnitSuite?

  /// A list of rows.
  package init<R: Row>(
    schema: String, list listName: String, rows: [R], facts: [JSON.Member] = [],
    notes: [String] = [], suite: JUnitSuite? = nil
  ) {
    self.schema = schema
    self.listName = listName
    table = Table(columns: R.columns, rows: rows.map(\.cells))
    plain = rows.map(\.plain)
    records = rows.map(\.json)
    self.facts = facts
    self.notes = notes
    self.suite = suite
  }

  /// One thing with named properties.
  package init(schema: String, properties: [Property], notes: [String] = []) {
    self.schema = schema
    listName = nil
    table = Table(
      columns: [Column("PROPERTY"), Column("VALUE", canShrink: true)],
      rows: properties.map { [Cell($0.title, .faint), $0.cell] }, hasHeading: false)
    plain = properties.map { "\($0.name)\t\($0.cell.text)" }
    records = []
    facts = properties.map { JSON.Member($0.name, $0.json) }
    self.notes = notes
    suite = nil
  }
}

/// One property of a document that is a single thing.
package struct Property: Hashable, Sendable {
  /// The name of the JSON member.
  package let name: String
  /// The label for people.
  package let title: String
  package let cell: Cell
  package let json: JSON

  package init(_ name: String, title: String? = nil, _ cell: Cell, _ json: JSON? = nil) {
    self.name = name
    self.title = title ?? name
    self.cell = cell
    self.json = json ?? .string(cell.text)
  }
}

/// The document as text. This is the only place that knows all forms.
package func render(_ document: Document, as format: OutputFormat, style: Style = .plain)
  throws(ReportError) -> String
{
  switch format {
  case .table:
    let notes = document.notes.map { style.paint(Untrusted.line($0), .faint) + "\n" }
    return document.table.text(style) + notes.joined()
  case .plain: return document.plain.map { Untrusted.line($0, atMost: .max) + "\n" }.joined()
  case .json: return document.json.canonicalText + "\n"
  case .jsonl: return document.jsonLines.map { $0.canonicalText + "\n" }.joined()
  case .junit:
    guard let suite = document.suite else {
      throw ReportError(format: format, schema: document.schema)
    }
    return suite.xml
  case .markdown: return document.suite?.markdown ?? document.markdown
  }
}

extension Document {
  /// The whole document as one object.
  package var json: JSON {
    var members = [JSON.Member("schema", .string(schema))] + facts
    if let listName { members.append(JSON.Member(listName, .array(records))) }
    return .object(members)
  }

  /// One object for each row; the whole document where it has none.
  package var jsonLines: [JSON] {
    if listName == nil { return [json] }
    return records.map { record in
      .object([JSON.Member("schema", .string(schema))] + (record.members ?? []))
    }
  }
}
