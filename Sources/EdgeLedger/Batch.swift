internal import EdgeJob
internal import FoundationEssentials
internal import GRDB

/// The state of one open transaction: where the chain ends, and whether it may still be committed.
///
/// Every operation first reads and refuses, then calls `append`, which only writes. So a refusal
/// that the caller catches leaves no part of the operation behind, and a failure while writing
/// spoils the whole transaction.
final class Batch {
  let database: Database
  let actor: String
  /// The time of new entries, milliseconds UTC.
  let ts: Int64
  private(set) var epoch: UInt32
  private(set) var head: Head
  private(set) var isChanged = false
  /// Why this transaction must be rolled back, whatever its body does.
  private(set) var failure: LedgerError?
  private var isWriting = false
  /// What does not change about accounts that this batch met.
  private var accounts: [String: Identity] = [:]

  struct Identity {
    let id: Int64
    let kind: AccountKind
    let isClosed: Bool
  }

  /// After the last entry of the file.
  init(_ database: Database, now: Int64, actor: String) throws {
    let last = try Row.fetchOne(
      database.cachedStatement(
        sql: "SELECT seq, ts, epoch, hash FROM entry ORDER BY seq DESC LIMIT 1"))
    guard let last, let epoch = UInt32(exactly: last[2] as Int64? ?? -1),
      let hash = Digest(stored: last[3])
    else {
      throw LedgerError.tampered([Finding(table: "entry", seq: nil, problem: "no last entry")])
    }
    self.database = database
    self.actor = actor
    self.epoch = epoch
    ts = max(now, last[1] as Int64? ?? 0)
    head = Head(size: (last[0] as Int64? ?? 0) + 1, hash: hash)
  }

  /// In an empty file.
  init(_ database: Database, beginning now: Int64, actor: String) {
    self.database = database
    self.actor = actor
    ts = now
    epoch = 0
    head = Head(size: 0, hash: Entry.genesisHash)
  }

  /// Runs one operation and turns its errors into ours.
  func perform<T>(_ what: String, _ body: () throws -> T) throws(LedgerError) -> T {
    if let failure { throw failure }
    do {
      return try body()
    } catch {
      let failure = Connection.translate(error, what)
      if isWriting { self.failure = failure }
      throw failure
    }
  }

  /// Writes an entry and everything that follows from it.
  func append(_ draft: Draft) throws {
    if case .epoch = draft.fact { epoch += 1 }
    let entry = Entry(
      seq: head.size, ts: ts, epoch: epoch, actor: actor, reason: draft.reason, fact: draft.fact,
      after: head.hash)
    guard entry.body.count <= Entry.bytesMax else {
      throw LedgerError.invalid(
        what: "entry \(draft.fact.type)", why: "\(entry.body.count) bytes, \(Entry.bytesMax) fit")
    }
    isWriting = true
    try execute(
      "INSERT INTO entry(seq, ts, epoch, type, body, prev, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
      [
        entry.seq, entry.ts, Int64(entry.epoch), entry.type, Data(entry.body),
        Data(head.hash.bytes), Data(entry.hash.bytes),
      ])
    try derive(draft.fact, seq: entry.seq)
    head = Head(size: head.size + 1, hash: entry.hash)
    isChanged = true
    isWriting = false
  }

  private func derive(_ fact: Fact, seq: Int64) throws {
    switch fact {
    case .genesis(_, let accounts): for account in accounts { try open(account, seq) }
    case .account(let account): try open(account, seq)
    case .close(let account):
      accounts[account] = nil
      try execute("UPDATE account SET closed = ? WHERE name = ?", [seq, account])
    case .allow(let account, let uid, let preferred):
      if preferred {
        try execute("UPDATE allow SET preferred = 0 WHERE uid = ? AND preferred = 1", [Int64(uid)])
      }
      try execute(
        "INSERT INTO allow(uid, account, preferred, seq) VALUES (?, ?, ?, ?)"
          + " ON CONFLICT(uid, account) DO UPDATE SET preferred = excluded.preferred,"
          + " seq = excluded.seq",
        [Int64(uid), try identity(account).id, preferred ? 1 : 0, seq])
    case .revoke(let account, let uid):
      try execute(
        "DELETE FROM allow WHERE uid = ? AND account = ?", [Int64(uid), try identity(account).id])
    case .key(let key):
      try execute(
        "INSERT INTO key(id, algorithm, public, purpose, holder, added) VALUES (?, ?, ?, ?, ?, ?)",
        [key.id, key.algorithm, Data(key.publicKey), key.purpose, key.holder, seq])
    case .retire(let key): try execute("UPDATE key SET retired = ? WHERE id = ?", [seq, key])
    case .epoch, .credits, .reserve, .post, .void, .other: break
    }
    for (leg, transfer) in fact.transfers.enumerated() { try insert(transfer, seq, leg) }
    for posting in fact.postings {
      try execute(
        "INSERT INTO job_posting(job, phase, seq) VALUES (?, ?, ?)",
        [posting.job.description, posting.phase, seq])
    }
  }

  private func open(_ account: ChartAccount, _ seq: Int64) throws {
    try execute(
      "INSERT INTO account(id, name, kind, opened)"
        + " SELECT coalesce(max(id), 0) + 1, ?, ?, ? FROM account",
      [account.name, account.kind.rawValue, seq])
  }

  private func insert(_ transfer: Transfer, _ seq: Int64, _ leg: Int) throws {
    try execute(
      "INSERT INTO transfer(seq, leg, id, kind, dr, cr, amount, pending, held)"
        + " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      [
        seq, leg, Data(transfer.id.bytes), transfer.kind.rawValue, try identity(transfer.dr).id,
        try identity(transfer.cr).id, transfer.amount.micro,
        transfer.pending.map { Data($0.bytes) }, transfer.held?.micro,
      ])
  }

  private func identity(_ name: String) throws -> Identity {
    if let identity = accounts[name] { return identity }
    guard let row = try Queries.account(database, name) else {
      throw LedgerError.unknownAccount(name)
    }
    let identity = Identity(id: row.id, kind: row.kind, isClosed: row.isClosed)
    accounts[name] = identity
    return identity
  }

  /// Refuses an account that is unknown, closed, or of none of these kinds.
  func requireOpen(_ name: String, _ kinds: [AccountKind]) throws {
    let identity = try identity(name)
    if identity.isClosed { throw LedgerError.closedAccount(name) }
    guard kinds.contains(identity.kind) else {
      throw LedgerError.invalid(what: "account \(name)", why: "it is a \(identity.kind.rawValue)")
    }
  }

  /// Refuses an amount that the account does not have available.
  func require(_ amount: Credits, on name: String) throws {
    if accounts[name]?.kind == .equity { return }
    let micro = try Int64.fetchOne(
      database.cachedStatement(
        sql: "SELECT cr_post - dr_post - dr_pend FROM account WHERE name = ?"), arguments: [name])
    let available = Credits(micro: micro ?? 0)
    if amount > available {
      throw LedgerError.notEnoughCredits(account: name, available: available, needed: amount)
    }
  }

  private func execute(_ sql: String, _ arguments: StatementArguments) throws {
    try database.cachedStatement(sql: sql).execute(arguments: arguments)
  }
}

extension Digest {
  /// From a blob of a table; nil where it has not 32 bytes.
  init?(stored data: Data?) {
    guard let data, data.count == 32 else { return nil }
    self.init(bytes: Array(data))
  }
}
