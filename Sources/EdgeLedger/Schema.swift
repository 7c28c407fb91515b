/// The tables of a ledger. Their text is part of the format: `verify` compares it with what the
/// file holds, so that a dropped or weakened trigger is found.
enum Schema {
  /// `EdgL`: marks the file as a ledger (PRAGMA application_id).
  static let applicationID: Int64 = 0x4564_674C
  /// The version of these tables (PRAGMA user_version).
  static let version: Int64 = 1

  /// One table, index or trigger.
  struct Item: Sendable {
    let name: String
    let sql: String
  }

  /// Everything that is created, in this order.
  static let items = tables + indexes + EntryTriggers.items + TransferTriggers.items

  /// The names of the tables.
  static var tableNames: [String] { tables.map(\.name) }

  private static let tables = [
    Item(
      name: "meta",
      sql: """
        CREATE TABLE meta(
          name TEXT NOT NULL PRIMARY KEY,
          value TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
        """),
    Item(
      name: "entry",
      sql: """
        CREATE TABLE entry(
          seq INTEGER PRIMARY KEY CHECK(seq >= 0),
          ts INTEGER NOT NULL,
          epoch INTEGER NOT NULL CHECK(epoch BETWEEN 0 AND 4294967295),
          type TEXT NOT NULL,
          body BLOB NOT NULL CHECK(length(body) BETWEEN 1 AND 65535),
          prev BLOB NOT NULL CHECK(length(prev) = 32),
          hash BLOB NOT NULL CHECK(length(hash) = 32)
        ) STRICT
        """),
    Item(
      name: "account",
      sql: """
        CREATE TABLE account(
          id INTEGER PRIMARY KEY,
          name TEXT NOT NULL UNIQUE,
          kind TEXT NOT NULL CHECK(kind IN ('equity', 'treasury', 'user', 'pool', 'worker')),
          opened INTEGER NOT NULL REFERENCES entry(seq),
          closed INTEGER REFERENCES entry(seq),
          dr_pend INTEGER NOT NULL DEFAULT 0 CHECK(dr_pend >= 0),
          dr_post INTEGER NOT NULL DEFAULT 0 CHECK(dr_post >= 0),
          cr_pend INTEGER NOT NULL DEFAULT 0 CHECK(cr_pend >= 0),
          cr_post INTEGER NOT NULL DEFAULT 0 CHECK(cr_post >= 0),
          moved_seq INTEGER NOT NULL DEFAULT -1,
          moved_leg INTEGER NOT NULL DEFAULT -1,
          CONSTRAINT no_overdraft CHECK(kind = 'equity' OR dr_post + dr_pend <= cr_post)
        ) STRICT
        """),
    Item(
      name: "key",
      sql: """
        CREATE TABLE key(
          id TEXT NOT NULL PRIMARY KEY,
          algorithm TEXT NOT NULL,
          public BLOB NOT NULL,
          purpose TEXT NOT NULL,
          holder TEXT NOT NULL,
          added INTEGER NOT NULL REFERENCES entry(seq),
          retired INTEGER REFERENCES entry(seq)
        ) STRICT, WITHOUT ROWID
        """),
    Item(
      name: "transfer",
      sql: """
        CREATE TABLE transfer(
          seq INTEGER NOT NULL REFERENCES entry(seq),
          leg INTEGER NOT NULL,
          id BLOB NOT NULL UNIQUE CHECK(length(id) = 16),
          kind TEXT NOT NULL CHECK(
            kind = 'single' OR kind = 'pending' OR kind = 'post' OR kind = 'void'),
          dr INTEGER NOT NULL REFERENCES account(id),
          cr INTEGER NOT NULL REFERENCES account(id) CHECK(cr <> dr),
          amount INTEGER NOT NULL CHECK(amount > 0),
          pending BLOB REFERENCES transfer(id),
          held INTEGER,
          PRIMARY KEY(seq, leg),
          CHECK((kind = 'post' OR kind = 'void') = (pending IS NOT NULL)),
          CHECK((pending IS NULL) = (held IS NULL))
        ) STRICT, WITHOUT ROWID
        """),
    Item(
      name: "reservation",
      sql: """
        CREATE TABLE reservation(
          transfer BLOB NOT NULL PRIMARY KEY REFERENCES transfer(id),
          seq INTEGER NOT NULL REFERENCES entry(seq)
        ) STRICT, WITHOUT ROWID
        """),
    Item(
      name: "job_posting",
      sql: """
        CREATE TABLE job_posting(
          job TEXT NOT NULL,
          phase TEXT NOT NULL,
          seq INTEGER NOT NULL REFERENCES entry(seq),
          PRIMARY KEY(job, phase)
        ) STRICT, WITHOUT ROWID
        """),
    Item(
      name: "allow",
      sql: """
        CREATE TABLE allow(
          uid INTEGER NOT NULL CHECK(uid BETWEEN 0 AND 4294967295),
          account INTEGER NOT NULL REFERENCES account(id),
          preferred INTEGER NOT NULL CHECK(preferred IN (0, 1)),
          seq INTEGER NOT NULL REFERENCES entry(seq),
          PRIMARY KEY(uid, account)
        ) STRICT, WITHOUT ROWID
        """),
  ]

  private static let indexes = [
    // A pending transfer is ended at most once.
    Item(
      name: "transfer_pending",
      sql: "CREATE UNIQUE INDEX transfer_pending ON transfer(pending) WHERE pending IS NOT NULL"),
    Item(name: "transfer_dr", sql: "CREATE INDEX transfer_dr ON transfer(dr, seq, leg)"),
    Item(name: "transfer_cr", sql: "CREATE INDEX transfer_cr ON transfer(cr, seq, leg)"),
    Item(
      name: "allow_preferred",
      sql: "CREATE UNIQUE INDEX allow_preferred ON allow(uid) WHERE preferred = 1"),
  ]
}
