package import EdgeJob

/// The end of the ledger: how many entries there are, and the hash that covers them all.
package struct Head: Hashable, Sendable, CustomStringConvertible {
  /// Number of entries; the last one has `seq` = size − 1.
  package let size: Int64
  /// The hash of the last entry; 32 zero bytes where there is none.
  package let hash: Digest

  package init(size: Int64, hash: Digest) {
    self.size = size
    self.hash = hash
  }

  package var description: String { "\(size) \(hash)" }
}

/// One place where the ledger does not say what it must.
package struct Finding: Hashable, Sendable, CustomStringConvertible {
  /// The table, or `file`, `schema`, `head`.
  package let table: String
  /// The entry that the row belongs to, where that can be told.
  package let seq: Int64?
  /// The row: a name, a job and phase, a column.
  package let row: String
  package let problem: String

  package init(table: String, seq: Int64?, row: String = "", problem: String) {
    self.table = table
    self.seq = seq
    self.row = row
    self.problem = problem
  }

  package var description: String {
    let place = seq.map { " of entry \($0)" } ?? ""
    return "\(table)\(row.isEmpty ? "" : " \(row)")\(place): \(problem)"
  }
}

/// What a check of the whole ledger found.
package struct Verification: Hashable, Sendable {
  /// Entries that were read and replayed.
  package let entries: Int64
  /// The end of what was read.
  package let head: Head
  /// The first `findingsMax` findings, in the order in which they were met.
  package let findings: [Finding]

  /// How many findings are kept.
  package static let findingsMax = 100

  package init(entries: Int64, head: Head, findings: [Finding]) {
    self.entries = entries
    self.head = head
    self.findings = findings
  }

  /// True where entries, chain, tables and sums agree. What was cut off the end together with
  /// everything derived from it shows only against a head that was kept elsewhere.
  package var isClean: Bool { findings.isEmpty }
}
