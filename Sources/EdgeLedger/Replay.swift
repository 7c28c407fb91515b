internal import EdgeJob

/// The books once more, in memory, made of nothing but the entries.
///
/// It repeats every rule of the writer and of the triggers in a way of its own, so that an entry
/// which the rules would have refused is found although its hash is right.
struct Replay {
  private(set) var spool: String?
  private(set) var accounts: [String: AccountRow] = [:]
  private(set) var keys: [String: Key] = [:]
  private(set) var allowed: [Permission: Allowed] = [:]
  /// Pending transfers that have not ended, and their entries.
  private(set) var open: [TransferID: (transfer: Transfer, seq: Int64)] = [:]
  private var epoch: UInt32 = 0
  private var ts = Int64.min

  struct Key: Hashable {
    let key: EnrolledKey
    let added: Int64
    var retired: Int64?
  }

  struct Permission: Hashable {
    let uid: UInt32
    let account: String
  }

  struct Allowed: Hashable {
    var preferred: Bool
    var seq: Int64
  }

  /// Takes in the next entry; what is wrong with it, in words.
  mutating func apply(_ entry: Entry) -> [String] {
    var problems: [String] = []
    if entry.ts < ts { problems.append("its time is before that of the entry before") }
    ts = max(ts, entry.ts)
    let isFirst = entry.seq == 0
    if case .genesis = entry.fact {
      if !isFirst { problems.append("only the first entry is a genesis") }
    } else if isFirst {
      problems.append("the first entry is no genesis")
    }
    var expected = epoch
    if case .epoch = entry.fact { expected &+= 1 }
    if entry.epoch != expected { problems.append("epoch \(entry.epoch), expected \(expected)") }
    epoch = max(epoch, entry.epoch)
    if let problem = applyFact(entry) { problems.append(problem) }
    for (leg, transfer) in entry.fact.transfers.enumerated() {
      if let problem = move(transfer, seq: entry.seq, leg: Int64(leg)) {
        problems.append("transfer \(leg): \(problem)")
      }
    }
    if let pool = accounts[AccountKind.jobs], pool.sums.crPost != pool.sums.drPost {
      problems.append("\(AccountKind.jobs) is not zero after it")
    }
    return problems
  }

  private mutating func applyFact(_ entry: Entry) -> String? {
    switch entry.fact {
    case .genesis(let spool, let chart):
      self.spool = self.spool ?? spool
      if chart != AccountKind.chart { return "the chart of accounts is not ours" }
      return chart.compactMap { openAccount($0, entry.seq) }.first
    case .account(let account):
      guard account.kind == .user || account.kind == .worker,
        account.kind.allows(name: account.name)
      else { return "\(account.name) is no name of a \(account.kind.rawValue)" }
      return openAccount(account, entry.seq)
    case .close(let name): return close(name, entry.seq)
    case .allow(let account, let uid, let preferred):
      return allow(Permission(uid: uid, account: account), preferred, entry.seq)
    case .revoke(let account, let uid):
      let gone = allowed.removeValue(forKey: Permission(uid: uid, account: account))
      return gone == nil ? "uid \(uid) was not allowed to charge \(account)" : nil
    case .key(let key):
      if keys[key.id] != nil { return "the key \(key.id) was there already" }
      keys[key.id] = Key(key: key, added: entry.seq, retired: nil)
      return nil
    case .retire(let id):
      guard let key = keys[id], key.retired == nil else { return "there is no key \(id) to retire" }
      keys[id]?.retired = entry.seq
      return nil
    case .reserve(let fact):
      if let uid = fact.submitter,
        allowed[Permission(uid: uid, account: fact.transfer.dr)] == nil
      {
        return "uid \(uid) was not allowed to charge \(fact.transfer.dr)"
      }
      return fact.shapeProblem ?? kindProblem(fact.transfer, [.user], [.pool])
    case .post(let fact):
      return fact.shapeProblem ?? kindProblem(fact.posting, [.user], [.pool])
        ?? kindProblem(fact.pay, [.pool], [.worker])
    case .void(let fact):
      return fact.shapeProblem ?? kindProblem(fact.transfer, [.user], [.pool])
    case .credits(let fact):
      return fact.shapeProblem(seq: entry.seq)
        ?? kindProblem(fact.transfer, fact.type.payers, fact.type.payees)
    case .epoch, .other: return nil
    }
  }

  private mutating func openAccount(_ account: ChartAccount, _ seq: Int64) -> String? {
    if accounts[account.name] != nil { return "the account \(account.name) was there already" }
    accounts[account.name] = AccountRow(
      id: Int64(accounts.count) + 1, name: account.name, kind: account.kind, opened: seq,
      closed: nil, sums: AccountRow.Sums(), moved: AccountRow.Place())
    return nil
  }

  private mutating func close(_ name: String, _ seq: Int64) -> String? {
    guard let row = accounts[name], !row.isClosed, row.pendingSum == 0 else {
      return "\(name) could not be closed"
    }
    accounts[name] = AccountRow(
      id: row.id, name: row.name, kind: row.kind, opened: row.opened, closed: seq, sums: row.sums,
      moved: row.moved)
    return nil
  }

  private mutating func allow(_ permission: Permission, _ preferred: Bool, _ seq: Int64)
    -> String?
  {
    guard let row = accounts[permission.account], row.kind == .user, !row.isClosed else {
      return "\(permission.account) is no open account of a user"
    }
    if preferred {
      for key in allowed.keys where key.uid == permission.uid { allowed[key]?.preferred = false }
    }
    allowed[permission] = Allowed(preferred: preferred, seq: seq)
    return nil
  }

  private func kindProblem(
    _ transfer: Transfer, _ payers: [AccountKind], _ payees: [AccountKind]
  ) -> String? {
    guard let dr = accounts[transfer.dr], payers.contains(dr.kind) else {
      return "\(transfer.dr) may not pay for this"
    }
    guard let cr = accounts[transfer.cr], payees.contains(cr.kind) else {
      return "\(transfer.cr) may not be paid by this"
    }
    return nil
  }

  /// Moves the balances; what forbids it, in words. Moves nothing then.
  private mutating func move(_ transfer: Transfer, seq: Int64, leg: Int64) -> String? {
    guard var dr = accounts[transfer.dr], var cr = accounts[transfer.cr], dr.id != cr.id else {
      return "its accounts do not exist or are the same"
    }
    if dr.isClosed || cr.isClosed { return "an account is closed" }
    if let id = transfer.pending {
      guard let held = open[id]?.transfer, held.dr == transfer.dr, held.cr == transfer.cr,
        held.amount == transfer.held, transfer.amount <= held.amount,
        transfer.kind == .post || transfer.amount == held.amount
      else { return "it ends no open reservation" }
      open[id] = nil
    }
    if transfer.kind == .pending { open[transfer.id] = (transfer, seq) }
    let (pending, posted) = (transfer.pendingChange, transfer.postedChange)
    let changed = dr.add(dr: (pending, posted)) && cr.add(cr: (pending, posted))
    guard changed else { return "a balance is out of range" }
    for row in [dr, cr] where row.kind != .equity && row.balance.available.micro < 0 {
      return "\(row.name) is overdrawn"
    }
    dr.moved = AccountRow.Place(seq: seq, leg: leg)
    cr.moved = dr.moved
    accounts[dr.name] = dr
    accounts[cr.name] = cr
    return nil
  }
}

extension AccountRow {
  /// False where a sum would leave 0 … 2^62.
  fileprivate mutating func add(dr: (pend: Int64, post: Int64)) -> Bool {
    sums.drPend += dr.pend
    sums.drPost += dr.post
    return sums.isInRange
  }

  fileprivate mutating func add(cr: (pend: Int64, post: Int64)) -> Bool {
    sums.crPend += cr.pend
    sums.crPost += cr.post
    return sums.isInRange
  }
}

extension AccountRow.Sums {
  /// Amounts are below 2^53, so a sum that was in range does not overflow by one more.
  fileprivate var isInRange: Bool {
    [drPend, drPost, crPend, crPost].allSatisfy { (0...1 << 62).contains($0) }
  }
}
