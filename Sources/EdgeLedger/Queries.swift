internal import EdgeJob
internal import FoundationEssentials
internal import GRDB

/// Reads that both the writer and the ledger's own questions use, inside an open transaction.
enum Queries {
  static let accountColumns =
    "id, name, kind, opened, closed, dr_pend, dr_post, cr_pend, cr_post, moved_seq, moved_leg"

  static func account(_ database: Database, _ name: String) throws -> AccountRow? {
    try Row.fetchOne(
      database.cachedStatement(sql: "SELECT \(accountColumns) FROM account WHERE name = ?"),
      arguments: [name]
    ).flatMap(AccountRow.init(row:))
  }

  /// Nil where the uid may not charge the account; else whether it is its default one.
  static func allowed(_ database: Database, _ uid: UInt32, _ account: String) throws -> Bool? {
    try Int64.fetchOne(
      database.cachedStatement(
        sql: "SELECT preferred FROM allow WHERE uid = ?"
          + " AND account = (SELECT id FROM account WHERE name = ? AND closed IS NULL)"),
      arguments: [Int64(uid), account]
    ).map { $0 == 1 }
  }

  static let keyColumns = """
    key.id, algorithm, public, purpose, holder, added, retired,
    (SELECT ts FROM entry WHERE seq = added), (SELECT ts FROM entry WHERE seq = retired)
    """

  static func key(_ database: Database, _ id: String) throws -> KeyRow? {
    try Row.fetchOne(
      database.cachedStatement(sql: "SELECT \(keyColumns) FROM key WHERE id = ?"),
      arguments: [id]
    ).map(KeyRow.init(row:))
  }

  /// The entry that wrote this phase of the job.
  static func seq(_ database: Database, _ job: JobID, _ phase: String) throws -> Int64? {
    try Int64.fetchOne(
      database.cachedStatement(sql: "SELECT seq FROM job_posting WHERE job = ? AND phase = ?"),
      arguments: [job.description, phase])
  }

  /// All phases of the job, and the entries that wrote them.
  static func phases(_ database: Database, _ job: JobID) throws -> [String: Int64] {
    let rows = try Row.fetchCursor(
      database.cachedStatement(sql: "SELECT phase, seq FROM job_posting WHERE job = ?"),
      arguments: [job.description])
    var phases: [String: Int64] = [:]
    while let row = try rows.next() { phases[row[0] as String? ?? ""] = row[1] }
    return phases
  }

  static func entry(_ database: Database, _ job: JobID, _ phase: String) throws -> Entry? {
    guard let seq = try seq(database, job, phase) else { return nil }
    return try entry(database, seq)
  }

  static func entry(_ database: Database, _ seq: Int64) throws -> Entry? {
    try Row.fetchOne(
      database.cachedStatement(sql: "SELECT body, hash FROM entry WHERE seq = ?"),
      arguments: [seq]
    ).map(Entry.init(row:))
  }

  /// The transfer of that id, where it is a pending one.
  static func pending(_ database: Database, _ id: TransferID) throws -> Transfer? {
    let row = try Row.fetchOne(
      database.cachedStatement(
        sql: "SELECT payer.name, payee.name, amount FROM transfer"
          + " JOIN account AS payer ON payer.id = dr JOIN account AS payee ON payee.id = cr"
          + " WHERE transfer.id = ? AND transfer.kind = 'pending'"),
      arguments: [Data(id.bytes)])
    guard let row, let dr = row[0] as String?, let cr = row[1] as String?,
      let amount = row[2] as Int64?
    else { return nil }
    return Transfer(
      id: id, kind: .pending, dr: dr, cr: cr, amount: Credits(micro: amount), pending: nil,
      held: nil)
  }

  static func head(_ database: Database) throws -> Head {
    let row = try Row.fetchOne(
      database.cachedStatement(sql: "SELECT seq, hash FROM entry ORDER BY seq DESC LIMIT 1"))
    guard let row, let hash = Digest(stored: row[1]) else {
      return Head(size: 0, hash: Entry.genesisHash)
    }
    return Head(size: (row[0] as Int64? ?? 0) + 1, hash: hash)
  }
}

extension AccountRow {
  /// From `Queries.accountColumns`; nil where the kind is unknown.
  init?(row: Row) {
    guard let kind = AccountKind(rawValue: row[2] as String? ?? "") else { return nil }
    self.init(
      id: row[0] as Int64? ?? 0, name: row[1] as String? ?? "", kind: kind,
      opened: row[3] as Int64? ?? -1, closed: row[4],
      sums: Sums(
        drPend: row[5] as Int64? ?? 0, drPost: row[6] as Int64? ?? 0,
        crPend: row[7] as Int64? ?? 0, crPost: row[8] as Int64? ?? 0),
      moved: Place(seq: row[9] as Int64? ?? -1, leg: row[10] as Int64? ?? -1))
  }
}

extension Entry {
  /// From the columns `body, hash`.
  init(row: Row) throws {
    guard let hash = Digest(stored: row[1]) else { throw JSONError("no hash beside the entry") }
    try self.init(body: Array(row[0] as Data? ?? Data()), hash: hash)
  }
}
