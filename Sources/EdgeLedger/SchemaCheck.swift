internal import GRDB

extension Schema {
  /// Creates everything in an empty file.
  static func create(_ database: Database) throws {
    try database.execute(sql: "PRAGMA application_id = \(applicationID)")
    try database.execute(sql: "PRAGMA user_version = \(version)")
    for item in items { try database.execute(sql: item.sql) }
  }

  /// - Throws: `unknownFormat` where the file is not one of ours, or of another version.
  static func checkFormat(_ database: Database, _ path: String) throws {
    let id = try Int64.fetchOne(database, sql: "PRAGMA application_id") ?? 0
    guard id == applicationID else {
      throw LedgerError.unknownFormat(what: path, found: "application_id \(id)")
    }
    let found = try Int64.fetchOne(database, sql: "PRAGMA user_version") ?? 0
    guard found == version else {
      throw LedgerError.unknownFormat(what: path, found: "version \(found), expected \(version)")
    }
  }

  /// Where the tables, indexes and triggers of the file are not exactly ours.
  static func differences(_ database: Database) throws -> [Finding] {
    var found: [String: String] = [:]
    let rows = try Row.fetchCursor(
      database, sql: "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL")
    while let row = try rows.next() {
      found[row[0] as String? ?? ""] = row[1] as String? ?? ""
    }
    var findings: [Finding] = []
    for item in items {
      switch found.removeValue(forKey: item.name) {
      case nil: findings.append(Finding(table: "schema", seq: nil, row: item.name, problem: "gone"))
      case .some(let sql) where sql != item.sql:
        findings.append(Finding(table: "schema", seq: nil, row: item.name, problem: "changed"))
      default: break
      }
    }
    for name in found.keys.sorted() {
      findings.append(
        Finding(table: "schema", seq: nil, row: name, problem: "does not belong here"))
    }
    return findings
  }
}
