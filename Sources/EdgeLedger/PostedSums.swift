internal import GRDB

/// What was posted for an account within one minute.
package struct PostedSum: Hashable, Sendable {
  package let account: String
  /// Minutes since 1970 UTC.
  package let minute: Int64
  /// Results.
  package let jobs: Int64
  /// Of the number in the facts that was asked for.
  package let sum: Int64
}

extension Ledger {
  /// Sums of a number in the facts of posted results, for each account and minute, oldest first.
  /// - Parameters:
  ///   - path: where the number stands in the facts, such as `price.cpuMs`; it counts 0 where it
  ///     is missing.
  ///   - least: what each result counts at least.
  ///   - since: milliseconds UTC.
  package func postedSums(of path: String, least: Int64, since: Int64) throws(LedgerError)
    -> [PostedSum]
  {
    try read { database in
      let first = try Ledger.firstEntry(database, since: since)
      let rows = try Row.fetchCursor(
        database,
        sql: """
          SELECT account.name, entry.ts / 60000, COUNT(*),
            SUM(MAX(?, COALESCE(json_extract(CAST(body AS TEXT), ?), 0)))
          FROM entry JOIN transfer ON transfer.seq = entry.seq AND leg = 0
          JOIN account ON account.id = dr
          WHERE entry.seq >= ? AND entry.type = 'post' GROUP BY 2, 1 ORDER BY 2, 1
          """, arguments: [least, "$.facts.\(path)", first])
      var sums: [PostedSum] = []
      while let row = try rows.next() {
        sums.append(
          PostedSum(
            account: row[0] as String? ?? "", minute: row[1] as Int64? ?? 0,
            jobs: row[2] as Int64? ?? 0, sum: row[3] as Int64? ?? 0))
      }
      return sums
    }
  }

  /// The number of the first entry that is not older, found in a few steps: times never go back.
  private static func firstEntry(_ database: Database, since: Int64) throws -> Int64 {
    var low: Int64 = 0
    var high = try Queries.head(database).size
    while low < high {
      let middle = (low + high) / 2
      let time = try Int64.fetchOne(
        database.cachedStatement(sql: "SELECT ts FROM entry WHERE seq = ?"), arguments: [middle])
      if (time ?? 0) < since { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
