package import EdgeJob
internal import GRDB

/// One line of an account's statement.
package struct StatementLine: Hashable, Sendable {
  /// The entry.
  package let seq: Int64
  /// Milliseconds UTC.
  package let ts: Int64
  package let kind: Kind
  /// The type of the entry.
  package let type: String
  package let job: JobID?
  package let reason: String
  /// What was added to the balance; below zero where it was taken.
  package let change: Credits
  /// What was added to what is reserved; below zero where it was released.
  package let reservedChange: Credits
  /// Credited less spent, after this line.
  package let balance: Credits
  /// What was reserved after this line.
  package let reserved: Credits

  /// Balance less what is reserved.
  package var available: Credits { balance - reserved }

  /// What a line is about.
  package enum Kind: String, Hashable, Sendable {
    /// Paid for work.
    case earn
    /// Paid for a job of one's own.
    case spend
    /// Issued, granted, reclaimed.
    case adjust
    /// Held back, or released.
    case reserved
  }
}

extension Ledger {
  /// The last lines of an account, oldest first, with running balances.
  /// - Throws: `unknownAccount`.
  package func statement(account: String, limit: Int) throws(LedgerError) -> [StatementLine] {
    precondition(limit >= 0, "a number of lines")
    return try read { database in
      guard let row = try Queries.account(database, account) else {
        throw LedgerError.unknownAccount(account)
      }
      let rows = try Row.fetchCursor(
        database, sql: Ledger.statementSQL, arguments: [row.id, row.id, limit])
      var balance = row.sums.crPost - row.sums.drPost
      var reserved = row.sums.drPend
      var lines: [StatementLine] = []
      while let row = try rows.next() {
        let leg = Int(row[1] as Int64? ?? -1)
        guard let entry = try Queries.entry(database, row[0] as Int64? ?? -1),
          entry.fact.transfers.indices.contains(leg)
        else { continue }
        let line = StatementLine(
          entry, entry.fact.transfers[leg], of: account, balance: balance, reserved: reserved)
        balance -= line.change.micro
        reserved -= line.reservedChange.micro
        lines.append(line)
      }
      return lines.reversed()
    }
  }

  private static let statementSQL = """
    SELECT seq, leg FROM (
      SELECT seq, leg FROM transfer WHERE dr = ? UNION ALL
      SELECT seq, leg FROM transfer WHERE cr = ?)
    ORDER BY seq DESC, leg DESC LIMIT ?
    """
}

extension StatementLine {
  fileprivate init(
    _ entry: Entry, _ transfer: Transfer, of account: String, balance: Int64, reserved: Int64
  ) {
    let isDebit = transfer.dr == account
    seq = entry.seq
    ts = entry.ts
    type = entry.type
    job = entry.fact.job
    reason = entry.reason
    change = Credits(micro: isDebit ? -transfer.postedChange : transfer.postedChange)
    reservedChange = Credits(micro: isDebit ? transfer.pendingChange : 0)
    self.balance = Credits(micro: balance)
    self.reserved = Credits(micro: reserved)
    kind =
      switch transfer.kind {
      case .pending, .void: .reserved
      case .post: isDebit ? .spend : .earn
      case .single: entry.fact.job == nil ? .adjust : isDebit ? .spend : .earn
      }
  }
}
