import EdgeJob
import EdgeLedger
import EdgeTestSupport
import GRDB
import Testing

/// A statement that the database must refuse, whoever sends it.
struct Forbidden: Sendable, CustomTestStringConvertible {
  let sql: String
  init(_ sql: String) { self.sql = sql }
  var testDescription: String { sql }

  private static let next = "(SELECT max(seq) + 1 FROM entry)"
  private static let last = "(SELECT hash FROM entry ORDER BY seq DESC LIMIT 1)"
  private static let pending = "(SELECT transfer FROM reservation)"

  static let all = entries + transfers + small

  static let entries = [
    "UPDATE entry SET body = x'7b7d' WHERE seq = 3",
    "UPDATE entry SET ts = ts + 1 WHERE seq = 3",
    "UPDATE OR REPLACE entry SET seq = 2 WHERE seq = 3",
    "DELETE FROM entry",
    "DELETE FROM entry WHERE seq = (SELECT max(seq) FROM entry)",
    "INSERT INTO entry VALUES (\(next) + 1, 1800000000000, 1, 'x', x'7b7d', \(last), zeroblob(32))",
    "INSERT INTO entry VALUES (\(next), 1800000000000, 1, 'x', x'7b7d', zeroblob(32), \(last))",
    "INSERT INTO entry VALUES (\(next), 5, 1, 'x', x'7b7d', \(last), zeroblob(32))",
    "INSERT INTO entry VALUES (\(next), 1800000000000, 0, 'x', x'7b7d', \(last), zeroblob(32))",
    "INSERT INTO entry VALUES (\(next), 1800000000000, 1, 'epoch', x'7b7d', \(last), zeroblob(32))",
    "INSERT INTO entry VALUES (\(next), 1800000000000, 3, 'epoch', x'7b7d', \(last), zeroblob(32))",
    "INSERT INTO entry VALUES (\(next), 1800000000000, 1, 'genesis', x'7b7d', \(last), \(last))",
    "INSERT OR REPLACE INTO entry SELECT * FROM entry WHERE seq = 3",
    "REPLACE INTO entry SELECT * FROM entry WHERE seq = (SELECT max(seq) FROM entry)",
    "INSERT INTO entry SELECT * FROM entry WHERE seq = 3 ON CONFLICT DO UPDATE SET ts = 0",
  ].map(Forbidden.init)

  static let transfers = [
    "UPDATE transfer SET amount = 1",
    "DELETE FROM transfer WHERE kind = 'post'",
    "INSERT OR REPLACE INTO transfer SELECT * FROM transfer WHERE kind = 'post'",
    "INSERT INTO transfer VALUES (3, 1, randomblob(16), 'single', 2, 4, 5, NULL, NULL)",
    "INSERT INTO transfer VALUES (\(next) - 1, 5, randomblob(16), 'single', 2, 4, 5, NULL, NULL)",
    "INSERT INTO transfer VALUES"
      + " (\(next) - 1, 0, randomblob(16), 'post', 4, 3, 1000001, \(pending), 1000000)",
    "INSERT INTO transfer VALUES"
      + " (\(next) - 1, 0, randomblob(16), 'post', 4, 3, 5, \(pending), 5)",
    "INSERT INTO transfer VALUES"
      + " (\(next) - 1, 0, randomblob(16), 'post', 4, 5, 5, \(pending), 1000000)",
    "INSERT INTO transfer VALUES"
      + " (\(next) - 1, 0, randomblob(16), 'void', 4, 3, 5, \(pending), 1000000)",
    "INSERT INTO transfer VALUES (\(next) - 1, 0, randomblob(16), 'single', 2, 6, 5, NULL, NULL)",
    "UPDATE account SET cr_post = cr_post + 5 WHERE id = 4",
    "UPDATE account SET dr_post = 0, moved_seq = moved_seq + 1 WHERE id = 4",
    "UPDATE account SET cr_post = cr_post + 500000, moved_leg = moved_leg + 1 WHERE id = 5",
    "UPDATE account SET moved_seq = 1000 WHERE id = 4",
    "DELETE FROM reservation",
    "INSERT INTO reservation SELECT pending, seq FROM transfer WHERE kind = 'void'",
    "UPDATE reservation SET seq = seq - 1",
  ].map(Forbidden.init)

  static let small = [
    "INSERT INTO meta VALUES ('a', 'b')",
    "UPDATE meta SET value = 'other'",
    "DELETE FROM meta",
    "INSERT OR REPLACE INTO meta VALUES ('spool', 'other')",
    "UPDATE account SET name = 'user:eve' WHERE id = 4",
    "UPDATE account SET kind = 'equity' WHERE id = 4",
    "UPDATE account SET closed = NULL WHERE id = 6",
    "UPDATE account SET closed = \(next) - 1 WHERE id = 5",
    "DELETE FROM account WHERE id = 6",
    "INSERT INTO account(id, name, kind, opened) VALUES (7, 'user:eve', 'user', 2)",
    "INSERT INTO account(id, name, kind, opened, cr_post)"
      + " VALUES (7, 'user:eve', 'user', \(next) - 1, 50)",
    "INSERT OR REPLACE INTO account(id, name, kind, opened)"
      + " VALUES (6, 'user:eve', 'user', \(next) - 1)",
    "UPDATE key SET public = x'00'",
    "UPDATE key SET retired = NULL WHERE id = 'k1'",
    "UPDATE key SET retired = \(next) - 1 WHERE id = 'k2'",
    "DELETE FROM key",
    "INSERT OR REPLACE INTO key SELECT * FROM key WHERE id = 'k1'",
    "INSERT INTO key VALUES ('k3', 'ed25519', x'00', 'worker', 'w1', 2, NULL)",
    "UPDATE job_posting SET seq = seq + 1",
    "DELETE FROM job_posting",
    "INSERT OR REPLACE INTO job_posting SELECT * FROM job_posting WHERE phase = 'result'",
    "INSERT INTO job_posting SELECT job, 'end/9', seq FROM job_posting WHERE phase = 'result'",
  ].map(Forbidden.init)
}

@Suite struct TriggerTests {
  let books: Books

  /// One job posted, one voided, one reserved; a closed account (6), a retired and a live key.
  init() throws {
    books = try Books(credits: 10)
    for job in 1...3 { try books.reserve(job) }
    try books.post(1)
    try books.write { writer throws(LedgerError) in
      try writer.void(job: .number(2), reason: "")
      for id in ["k1", "k2"] {
        try writer.addKey(
          id: id, algorithm: "ed25519", publicKey: [1], purpose: "worker", holder: "w1")
      }
      try writer.retireKey(id: "k1", reason: "")
      try writer.openAccount("user:bob", kind: .user)
      try writer.closeAccount("user:bob", reason: "")
      try writer.record("note", facts: [:])
    }
  }

  @Test(arguments: Forbidden.all)
  func `the database refuses it`(statement: Forbidden) throws {
    let before = try books.ledger.head()
    let raw = try Raw(books.file)
    #expect(throws: DatabaseError.self) { try raw.run(statement.sql) }
    #expect(try books.ledger.head() == before)
    #expect(try books.ledger.verify().findings == [])
  }

  /// The twin: without our triggers each of them goes through, so it is they that refuse it.
  @Test(arguments: Forbidden.all)
  func `without triggers it goes through`(statement: Forbidden) throws {
    let raw = try Raw(books.file, checks: false)
    try raw.dropTriggers()
    try raw.run(statement.sql)
    let reader = try Ledger(at: books.directory, readOnly: true)
    #expect(try !reader.verify().isClean)
  }

  /// `REPLACE` deletes rows without firing delete triggers, unless recursive triggers are on.
  @Test(arguments: [true, false])
  func `a row is not replaced while recursive triggers are on`(recursive: Bool) throws {
    try books.write { writer throws(LedgerError) in
      try writer.addKey(
        id: "k4", algorithm: "ed25519", publicKey: [1], purpose: "worker", holder: "w1")
    }
    let key = """
      INSERT OR REPLACE INTO key
      VALUES ('k2', 'ed25519', x'ff', 'worker', 'eve', (SELECT max(seq) FROM entry), NULL)
      """
    try replace(key, recursive: recursive)
    try books.reserve(4)
    let posting = """
      INSERT OR REPLACE INTO job_posting
      SELECT job, phase, (SELECT max(seq) FROM entry) FROM job_posting WHERE phase = 'result'
      """
    try replace(posting, recursive: recursive)
    #expect(try books.ledger.verify().isClean == recursive)
  }

  private func replace(_ sql: String, recursive: Bool) throws {
    let raw = try Raw(books.file, recursive: recursive)
    if recursive {
      #expect(throws: DatabaseError.self) { try raw.run(sql) }
    } else {
      try raw.run(sql)
    }
  }

  /// Even a correct-looking entry cannot take more than there is: a CHECK of the account table.
  @Test(arguments: [true, false])
  func `an overdraft is refused by the table itself`(checks: Bool) throws {
    let raw = try Raw(books.file, checks: checks)
    try raw.run(
      """
      INSERT INTO entry SELECT seq + 1, ts, epoch, 'reclaim', x'7b7d', hash, zeroblob(32)
      FROM entry ORDER BY seq DESC LIMIT 1
      """)
    let overdraft = """
      INSERT INTO transfer SELECT max(seq), 0, randomblob(16), 'single', 4, 2, 90000000, NULL, NULL
      FROM entry
      """
    if checks {
      #expect(throws: DatabaseError.self) { try raw.run(overdraft) }
    } else {
      try raw.run(overdraft)
      #expect(try raw.integer("SELECT cr_post - dr_post FROM account WHERE id = 4") ?? 0 < 0)
    }
  }
}
