internal import EdgeJob
internal import FoundationEssentials
internal import GRDB

extension Ledger {
  /// Checks everything that the file itself can tell: SQLite's own structure, our tables and
  /// triggers, the chain, every rule of the books by replaying all entries, and every row of every
  /// table against that replay.
  ///
  /// What was cut off the end together with its rows, or written anew from the start, is found only
  /// against heads that were kept elsewhere.
  /// - Parameter known: heads from earlier times, in any order.
  /// - Throws: only where the file cannot be read at all; what is wrong in it is a finding.
  package func verify(against known: [Head] = []) throws(LedgerError) -> Verification {
    try read { database in
      var verifier = Verifier(database, known: known)
      return try verifier.run()
    }
  }
}

extension Ledger {
  /// Checks the chain and the form of the entries after a head that is trusted, and that the ledger
  /// still holds that head. Its cost grows with what is new; tables are not compared.
  package func verifyTail(since known: Head) throws(LedgerError) -> Verification {
    try read { database in
      var verifier = Verifier(database, known: [])
      return try verifier.runTail(since: known)
    }
  }
}

/// One pass over the entries, with the transfers beside them.
struct Verifier {
  let database: Database
  var findings = Findings()
  var replay = Replay()
  var postings = 0 as Int64
  private var heads: [Int64: [Head]]
  private var size: Int64 = 0
  private var entries: Int64 = 0
  private var last = Entry.genesisHash

  init(_ database: Database, known: [Head]) {
    self.database = database
    heads = Dictionary(grouping: known, by: \.size)
  }

  mutating func run() throws -> Verification {
    do {
      try checkFile()
      try checkContent()
    } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
      findings.add("file", size, "", "SQLite cannot read on: \(error.message ?? "malformed")")
    }
    return Verification(
      entries: entries, head: Head(size: size, hash: last), findings: findings.list)
  }

  mutating func runTail(since known: Head) throws -> Verification {
    let hash =
      known.size == 0
      ? Entry.genesisHash
      : try Row.fetchOne(
        database, sql: "SELECT hash FROM entry WHERE seq = ?", arguments: [known.size - 1]
      ).flatMap { Digest(stored: $0[0]) }
    (size, last) = (known.size, known.hash)
    switch hash {
    case nil: findings.add("head", nil, "\(known)", "the ledger has fewer entries")
    case known.hash:
      let rows = try entryRows(from: size)
      while let row = try rows.next() { _ = try step(row, replaying: false) }
    case .some(let found):
      findings.add("head", size - 1, "\(known)", "the ledger has \(found) there: another history")
    }
    return Verification(
      entries: entries, head: Head(size: size, hash: last), findings: findings.list)
  }

  private mutating func checkContent() throws {
    let schema = try Schema.differences(database)
    findings.add(schema)
    // Rows of tables that are not ours cannot be read as if they were.
    if schema.contains(where: { Schema.tableNames.contains($0.row) }) { return }
    try walk()
    try compareTables()
    for (_, heads) in heads.sorted(by: { $0.key < $1.key }) {
      for head in heads {
        findings.add("head", nil, "\(head)", "the ledger has only \(size) entries")
      }
    }
  }

  private mutating func checkFile() throws {
    for pragma in ["integrity_check(20)", "foreign_key_check"] {
      let rows = try Row.fetchCursor(database, sql: "PRAGMA \(pragma)")
      while let row = try rows.next() {
        let text = row[0] as String? ?? ""
        if text != "ok" { findings.add("file", nil, pragma, text) }
      }
    }
  }

  private mutating func walk() throws {
    // From the very first row: one below 0 would otherwise hide.
    let rows = try entryRows(from: .min)
    var transfers = try TransferRows(database)
    meetHeads()
    while let row = try rows.next() {
      let fact = try step(row, replaying: true)
      meetHeads()
      try transfers.compare(fact?.transfers ?? [], size - 1, replay, &findings)
      try comparePostings(fact?.postings ?? [], size - 1, fact)
    }
    try transfers.finish(&findings)
  }

  private func entryRows(from seq: Int64) throws -> RowCursor {
    try Row.fetchCursor(
      database,
      sql: "SELECT body, hash, seq, ts, epoch, type, prev FROM entry WHERE seq >= ? ORDER BY seq",
      arguments: [seq])
  }

  /// Goes one entry on.
  private mutating func step(_ row: Row, replaying: Bool) throws -> Fact? {
    let seq = row[2] as Int64? ?? -1
    if seq != size { findings.add("entry", size, "", "missing; the next one is \(seq)") }
    let entry = check(row, seq)
    if replaying, let entry {
      for problem in replay.apply(entry) { findings.add("entry", seq, entry.type, problem) }
    }
    size = seq &+ 1
    entries += 1
    return entry?.fact
  }

  /// The entry of a row, after everything that can be said about it alone.
  private mutating func check(_ row: Row, _ seq: Int64) -> Entry? {
    let body = Array(row[0] as Data? ?? Data())
    let hash = Digest(stored: row[1]) ?? Entry.genesisHash
    if Digest(stored: row[6]) != last {
      findings.add("entry", seq, "prev", "is not the hash of the entry before")
    }
    if Entry.hash(after: last, leaf: Entry.leaf(of: body)) != hash {
      findings.add("entry", seq, "hash", "does not cover the body and the entry before")
    }
    last = hash
    let entry: Entry
    do {
      entry = try Entry(body: body, hash: hash)
    } catch {
      findings.add("entry", seq, "body", "\(error)")
      return nil
    }
    let columns = [
      ("seq", entry.seq == seq), ("ts", entry.ts == row[3] as Int64?),
      ("epoch", Int64(entry.epoch) == row[4] as Int64?), ("type", entry.type == row[5] as String?),
    ]
    for (column, agrees) in columns where !agrees {
      findings.add("entry", seq, column, "differs from the body")
    }
    return entry
  }

  private mutating func meetHeads() {
    for head in heads.removeValue(forKey: size) ?? [] where head.hash != last {
      findings.add("head", size - 1, "\(head)", "the ledger has \(last) there: another history")
    }
  }

  /// Each phase stands in the table with this entry, and in the right order.
  private mutating func comparePostings(
    _ expected: [(job: JobID, phase: String)], _ seq: Int64, _ fact: Fact?
  ) throws {
    for posting in expected {
      postings += 1
      let found = try Queries.seq(database, posting.job, posting.phase)
      if found != seq {
        findings.add(
          "job_posting", seq, "\(posting.job) \(posting.phase)",
          found.map { "stands there with entry \($0)" } ?? "missing")
      }
    }
    guard case .reserve(let fact)? = fact else { return }
    if let result = try Queries.seq(database, fact.job, Phase.result), result < seq {
      findings.add("entry", seq, "reserve", "the job had a result already")
    }
    if fact.round > 1 {
      let end = try Queries.seq(database, fact.job, Phase.end(fact.round - 1))
      if end.map({ $0 < seq }) != true {
        findings.add("entry", seq, "reserve", "the round before had not ended")
      }
    }
  }
}
