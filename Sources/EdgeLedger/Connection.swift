internal import EdgeJob
internal import GRDB

/// Opens the SQLite file the one way that is safe for money, and turns GRDB's untyped errors into
/// ours; nothing else in this module catches them.
enum Connection {
  static let fileName = "ledger.db"

  /// A connection whose settings have been read back.
  /// - Parameter check: looks at the file before anything is changed in it.
  static func open(
    _ path: String, readOnly: Bool, check: (Database) throws -> Void
  ) throws(LedgerError) -> DatabaseQueue {
    try translating(path) {
      var configuration = Configuration()
      configuration.readonly = readOnly
      configuration.foreignKeysEnabled = true
      // Seconds that a writer waits for another one.
      configuration.busyMode = .timeout(10)
      configuration.label = "edgecoder.ledger"
      let queue = try DatabaseQueue(path: path, configuration: configuration)
      // After opening, not in the configuration: where GRDB sets WAL it also sets NORMAL.
      try queue.writeWithoutTransaction { database in
        try check(database)
        for setting in settings(readOnly: readOnly) { try apply(setting, to: database, at: path) }
      }
      return queue
    }
  }

  struct Setting: Sendable {
    let pragma: String
    let value: String
    /// What SQLite answers when it holds.
    let answer: String
  }

  /// What every connection has, and what proves it.
  static func settings(readOnly: Bool) -> [Setting] {
    let common = [
      // Without it INSERT OR REPLACE removes rows past the triggers that forbid it.
      Setting(pragma: "recursive_triggers", value: "ON", answer: "1"),
      Setting(pragma: "foreign_keys", value: "ON", answer: "1"),
      // Functions named in the schema could otherwise have been planted by its author.
      Setting(pragma: "trusted_schema", value: "OFF", answer: "0"),
      Setting(pragma: "cell_size_check", value: "ON", answer: "1"),
    ]
    if readOnly {
      return common + [Setting(pragma: "query_only", value: "ON", answer: "1")]
    }
    return common + [
      Setting(pragma: "journal_mode", value: "WAL", answer: "wal"),
      // With NORMAL a commit in WAL mode can be lost when the power fails.
      Setting(pragma: "synchronous", value: "FULL", answer: "2"),
    ]
  }

  private static func apply(_ setting: Setting, to database: Database, at path: String) throws {
    try database.execute(sql: "PRAGMA \(setting.pragma) = \(setting.value)")
    let answer = try String.fetchOne(database, sql: "PRAGMA \(setting.pragma)")
    guard answer == setting.answer else {
      throw LedgerError.unavailable(
        what: path,
        why: "SQLite does not keep \(setting.pragma)=\(setting.value): \(answer ?? "no answer")")
    }
  }

  /// Runs code of GRDB; the only place where its errors become ours.
  static func translating<T>(_ what: String, _ body: () throws -> T) throws(LedgerError) -> T {
    do {
      return try body()
    } catch let error as LedgerError {
      throw error
    } catch {
      throw translate(error, what)
    }
  }

  static func translate(_ error: any Error, _ what: String) -> LedgerError {
    if let error = error as? LedgerError { return error }
    if let error = error as? JSONError {
      return .tampered([Finding(table: "entry", seq: nil, problem: error.description)])
    }
    guard let error = error as? DatabaseError else {
      return .unavailable(what: what, why: "\(error)")
    }
    let why = error.message ?? "SQLite error \(error.resultCode.rawValue)"
    return switch error.resultCode {
    case .SQLITE_BUSY, .SQLITE_LOCKED: .busy(what: what)
    case .SQLITE_CORRUPT: .corrupt(what: what, why: why)
    case .SQLITE_NOTADB: .unknownFormat(what: what, found: why)
    case .SQLITE_FULL, .SQLITE_READONLY: .full(what: what, why: why)
    case .SQLITE_IOERR: .notDurable(what: what, why: why)
    case .SQLITE_CONSTRAINT:
      .tampered([Finding(table: "schema", seq: nil, problem: "refused a correct entry: \(why)")])
    default: .unavailable(what: what, why: why)
    }
  }
}
