package import EdgeJob
internal import FoundationEssentials
internal import GRDB

extension Ledger {
  /// - Throws: `unknownAccount`.
  package func balance(_ account: String) throws(LedgerError) -> Balance {
    try read { database in
      guard let row = try Queries.account(database, account) else {
        throw LedgerError.unknownAccount(account)
      }
      return row.balance
    }
  }

  /// All accounts, in the order in which they were opened.
  package func accounts() throws(LedgerError) -> [Balance] {
    try read { database in
      try Row.fetchAll(database, sql: "SELECT \(Queries.accountColumns) FROM account ORDER BY id")
        .compactMap { AccountRow(row: $0)?.balance }
    }
  }

  /// The account that this uid charges where its request names none.
  package func defaultAccount(uid: UInt32) throws(LedgerError) -> String? {
    try read { database in
      try String.fetchOne(
        database.cachedStatement(
          sql: "SELECT name FROM allow JOIN account ON account.id = allow.account"
            + " WHERE uid = ? AND preferred = 1 AND closed IS NULL"), arguments: [Int64(uid)])
    }
  }

  /// True where this uid was allowed to charge the account, and the account is open.
  package func mayCharge(uid: UInt32, account: String) throws(LedgerError) -> Bool {
    try read { database in try Queries.allowed(database, uid, account) != nil }
  }

  /// The accounts that this uid may charge, by name.
  package func allowedAccounts(uid: UInt32) throws(LedgerError) -> [String] {
    try read { database in
      try String.fetchAll(
        database,
        sql: "SELECT name FROM allow JOIN account ON account.id = allow.account"
          + " WHERE uid = ? AND closed IS NULL ORDER BY name", arguments: [Int64(uid)])
    }
  }

  /// All keys, also retired ones, by id.
  package func keys() throws(LedgerError) -> [KeyRow] {
    try read { database in
      try Row.fetchAll(database, sql: "SELECT \(Queries.keyColumns) FROM key ORDER BY key.id")
        .map(KeyRow.init(row:))
    }
  }

  /// What the ledger says about a phase of a job: `reserve/N`, `end/N` or `result`.
  package func posting(job: JobID, phase: String) throws(LedgerError) -> Posting? {
    try read { database in try Queries.entry(database, job, phase).flatMap(Posting.init) }
  }

  /// The result of the job that was paid, or nil where none was yet.
  package func acceptedResult(job: JobID) throws(LedgerError) -> AcceptedResult? {
    try posting(job: job, phase: Phase.result)?.result
  }

  /// The last round of the job that was reserved; 0 where none was.
  package func lastRound(job: JobID) throws(LedgerError) -> Int {
    try read { database in
      try String.fetchAll(
        database.cachedStatement(sql: "SELECT phase FROM job_posting WHERE job = ?"),
        arguments: [job.description]
      ).compactMap { Phase.round($0, "reserve") }.max() ?? 0
    }
  }

  /// Everything that is held back, oldest first.
  package func openReservations() throws(LedgerError) -> [OpenReservation] {
    try read { database in
      let rows = try Row.fetchCursor(
        database,
        sql: "SELECT body, hash FROM reservation JOIN entry USING(seq) ORDER BY entry.seq")
      var open: [OpenReservation] = []
      while let row = try rows.next() {
        let entry = try Entry(row: row)
        guard case .reserve(let fact) = entry.fact else { continue }
        open.append(
          OpenReservation(
            job: fact.job, round: fact.round, account: fact.transfer.dr,
            amount: fact.transfer.amount, since: entry.ts))
      }
      return open
    }
  }

  /// The end of the ledger.
  package func head() throws(LedgerError) -> Head {
    try read { database in try Queries.head(database) }
  }

  /// Entries from that number on, at most so many. They are decoded, not verified.
  package func entries(from seq: Int64, limit: Int) throws(LedgerError) -> [Entry] {
    precondition(seq >= 0 && limit >= 0, "entries are numbered from 0")
    return try read { database in
      let rows = try Row.fetchCursor(
        database, sql: "SELECT body, hash FROM entry WHERE seq >= ? ORDER BY seq LIMIT ?",
        arguments: [seq, limit])
      var entries: [Entry] = []
      while let row = try rows.next() { entries.append(try Entry(row: row)) }
      return entries
    }
  }

  /// The leaves of the entries from that number on, at most so many, made of the stored bytes.
  package func leaves(from seq: Int64, limit: Int) throws(LedgerError) -> [Digest] {
    precondition(seq >= 0 && limit >= 0, "entries are numbered from 0")
    return try read { database in
      let rows = try Row.fetchCursor(
        database, sql: "SELECT body FROM entry WHERE seq >= ? ORDER BY seq LIMIT ?",
        arguments: [seq, limit])
      var leaves: [Digest] = []
      while let row = try rows.next() {
        leaves.append(Entry.leaf(of: Array(row[0] as Data? ?? Data())))
      }
      return leaves
    }
  }
}
