internal import EdgeJob
internal import FoundationEssentials
internal import GRDB

/// The transfer table in the order of the entries, read beside them.
struct TransferRows {
  private let rows: RowCursor
  private var next: Stored?

  /// A row, before anybody believes it.
  private struct Stored {
    let seq: Int64
    let leg: Int64
    let id: Data?
    let kind: String?
    let dr: Int64?
    let cr: Int64?
    let amount: Int64?
    let pending: Data?
    let held: Int64?

    init(_ row: Row) {
      seq = row[0] as Int64? ?? -1
      leg = row[1] as Int64? ?? -1
      id = row[2]
      kind = row[3]
      dr = row[4]
      cr = row[5]
      amount = row[6]
      pending = row[7]
      held = row[8]
    }
  }

  init(_ database: Database) throws {
    rows = try Row.fetchCursor(
      database,
      sql: "SELECT seq, leg, id, kind, dr, cr, amount, pending, held FROM transfer"
        + " ORDER BY seq, leg")
    try advance()
  }

  private mutating func advance() throws { next = try rows.next().map(Stored.init) }

  /// Compares the rows of one entry with its transfers.
  mutating func compare(
    _ expected: [Transfer], _ seq: Int64, _ replay: Replay, _ findings: inout Findings
  ) throws {
    while let row = next, row.seq < seq { try report(row, &findings) }
    for (leg, transfer) in expected.enumerated() {
      guard let row = next, row.seq == seq, row.leg == Int64(leg) else {
        findings.add("transfer", seq, "\(leg)", "missing")
        continue
      }
      if let column = difference(row, transfer, replay) {
        findings.add("transfer", seq, "\(leg) \(column)", "differs from the entry")
      }
      try advance()
    }
    while let row = next, row.seq == seq { try report(row, &findings) }
  }

  /// What is left after the last entry.
  mutating func finish(_ findings: inout Findings) throws {
    while let row = next { try report(row, &findings) }
  }

  private mutating func report(_ row: Stored, _ findings: inout Findings) throws {
    findings.add("transfer", row.seq, "\(row.leg)", "no entry says so")
    try advance()
  }

  private func difference(_ row: Stored, _ transfer: Transfer, _ replay: Replay) -> String? {
    if row.id.map(Array.init) != transfer.id.bytes { return "id" }
    if row.kind != transfer.kind.rawValue { return "kind" }
    if row.dr != replay.accounts[transfer.dr]?.id { return "dr" }
    if row.cr != replay.accounts[transfer.cr]?.id { return "cr" }
    if row.amount != transfer.amount.micro { return "amount" }
    if row.pending.map(Array.init) != transfer.pending?.bytes { return "pending" }
    if row.held != transfer.held?.micro { return "held" }
    return nil
  }
}
