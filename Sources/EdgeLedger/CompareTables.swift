internal import EdgeJob
internal import FoundationEssentials
internal import GRDB

// After the last entry: every row of the small tables against the replay, in both directions.

extension Verifier {
  mutating func compareTables() throws {
    try compareMeta()
    try compareAccounts()
    try compareKeys()
    try compareAllowed()
    try compareReservations()
    try countPostings()
  }

  private mutating func compareMeta() throws {
    var expected = ["spool": replay.spool ?? ""]
    let rows = try Row.fetchCursor(database, sql: "SELECT name, value FROM meta")
    while let row = try rows.next() {
      let name = row[0] as String? ?? ""
      if expected.removeValue(forKey: name) != row[1] as String? {
        findings.add("meta", nil, name, "differs from the entries")
      }
    }
    for name in expected.keys { findings.add("meta", nil, name, "missing") }
  }

  private mutating func compareAccounts() throws {
    var expected = replay.accounts
    let rows = try Row.fetchCursor(
      database, sql: "SELECT \(Queries.accountColumns) FROM account ORDER BY id")
    var sums = AccountRow.Sums()
    while let row = try rows.next() {
      let name = row[1] as String? ?? ""
      let found = AccountRow(row: row)
      guard let account = expected.removeValue(forKey: name) else {
        findings.add("account", nil, name, "no entry opened it")
        continue
      }
      if found != account {
        let balance = found?.balance
        findings.add(
          "account", account.moved.seq, name,
          balance == account.balance
            ? "differs from the entries"
            : "differs from the entries, which leave \(account.balance.available) available")
      }
      sums.drPost &+= found?.sums.drPost ?? 0
      sums.crPost &+= found?.sums.crPost ?? 0
      sums.drPend &+= found?.sums.drPend ?? 0
      sums.crPend &+= found?.sums.crPend ?? 0
    }
    for name in expected.keys.sorted() { findings.add("account", nil, name, "missing") }
    if sums.drPost != sums.crPost || sums.drPend != sums.crPend {
      findings.add("account", nil, "", "the sums of debits and credits differ")
    }
  }

  private mutating func compareKeys() throws {
    var expected = replay.keys
    let rows = try Row.fetchCursor(database, sql: "SELECT \(Queries.keyColumns) FROM key")
    while let row = try rows.next() {
      let found = KeyRow(row: row)
      let key = expected.removeValue(forKey: found.id)
      if key != Replay.Key(key: found.enrolled, added: found.added, retired: found.retired) {
        findings.add(
          "key", key?.added, found.id,
          key == nil ? "no entry enrolled it" : "differs from the entries")
      }
    }
    for (id, key) in expected { findings.add("key", key.added, id, "missing") }
  }

  private mutating func compareAllowed() throws {
    var expected = replay.allowed
    let names = Dictionary(
      replay.accounts.values.map { ($0.id, $0.name) }, uniquingKeysWith: { first, _ in first })
    let rows = try Row.fetchCursor(database, sql: "SELECT uid, account, preferred, seq FROM allow")
    while let row = try rows.next() {
      let uid = row[0] as Int64? ?? -1
      let name = names[row[1] as Int64? ?? -1] ?? ""
      let permission = UInt32(exactly: uid).map { Replay.Permission(uid: $0, account: name) }
      let allowed = permission.flatMap { expected.removeValue(forKey: $0) }
      if allowed.map({ $0.preferred ? 1 : 0 }) != row[2] as Int64? || allowed?.seq != row[3] {
        findings.add(
          "allow", allowed?.seq, "\(uid) \(name)",
          allowed == nil ? "no entry allows it" : "differs from the entries")
      }
    }
    for (permission, allowed) in expected {
      findings.add("allow", allowed.seq, "\(permission.uid) \(permission.account)", "missing")
    }
  }

  private mutating func compareReservations() throws {
    var expected = replay.open
    let rows = try Row.fetchCursor(database, sql: "SELECT transfer, seq FROM reservation")
    while let row = try rows.next() {
      let bytes = Array(row[0] as Data? ?? Data())
      let seq = row[1] as Int64?
      let open = TransferID(bytes: bytes).flatMap { expected.removeValue(forKey: $0) }
      if open == nil || open?.seq != seq {
        findings.add("reservation", seq, Hex.text(bytes), "no entry leaves it open")
      }
    }
    for (id, open) in expected { findings.add("reservation", open.seq, "\(id)", "missing") }
  }

  /// Every expected row was found by its key, so equal numbers mean that there is no other.
  private mutating func countPostings() throws {
    let count = try Int64.fetchOne(database, sql: "SELECT count(*) FROM job_posting") ?? 0
    if count == postings { return }
    let rows = try Row.fetchCursor(database, sql: "SELECT job, phase, seq FROM job_posting")
    while let row = try rows.next(), !findings.isFull {
      let job = row[0] as String? ?? ""
      let phase = row[1] as String? ?? ""
      let seq = row[2] as Int64? ?? -1
      // An entry that cannot be read was reported already, and claims no phase.
      let claimed = (try? Queries.entry(database, seq))?.fact.postings ?? []
      if !claimed.contains(where: { $0.job.description == job && $0.phase == phase }) {
        findings.add("job_posting", seq, "\(job) \(phase)", "no entry says so")
      }
    }
  }
}
