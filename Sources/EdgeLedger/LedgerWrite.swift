internal import GRDB

extension Ledger {
  /// The epoch of the last leadership that was taken; 0 before the first.
  package func currentEpoch() throws(LedgerError) -> UInt32 {
    try read { database in try Batch(database, now: 0, actor: "").epoch }
  }

  /// Takes leadership: from here on no other epoch writes. The caller holds the leader lock.
  /// - Parameters:
  ///   - now: milliseconds UTC.
  ///   - actor: who takes it.
  /// - Returns: the new epoch.
  package func takeEpoch(now: Int64, actor: String) throws(LedgerError) -> UInt32 {
    try transaction(now: now, actor: actor) { batch throws(LedgerError) in
      guard batch.epoch < .max else {
        throw .unavailable(what: path, why: "it has had as many epochs as it can number")
      }
      try batch.perform("epoch") { try batch.append(Draft(reason: "", fact: .epoch)) }
      return batch.epoch
    }
  }

  /// Writes a batch: one transaction, one commit that reached the device, all or nothing.
  ///
  /// An operation of the writer that throws has changed nothing, so the body may catch the error
  /// and go on with the next one. Where the body throws, everything is rolled back. A batch that
  /// writes no entry commits nothing. Calls do not nest; reading inside the body sees the batch.
  /// - Parameters:
  ///   - epoch: the leadership that the caller holds.
  ///   - now: milliseconds UTC; entries never go back behind the last one.
  ///   - actor: who writes, 1 … 200 bytes.
  /// - Throws: `staleEpoch` where somebody else took over; `busy`; `notDurable`; what the body
  ///   throws.
  @discardableResult
  package func write<T>(
    epoch: UInt32, now: Int64, actor: String,
    _ body: (borrowing LedgerWriter) throws(LedgerError) -> T
  ) throws(LedgerError) -> T {
    try transaction(now: now, actor: actor) { batch throws(LedgerError) in
      guard batch.epoch == epoch else {
        throw .staleEpoch(mine: epoch, current: batch.epoch)
      }
      return try body(LedgerWriter(batch: batch))
    }
  }

  private func transaction<T>(
    now: Int64, actor: String, _ body: (Batch) throws(LedgerError) -> T
  ) throws(LedgerError) -> T {
    try checkWritable()
    try Draft.check(actor: actor)
    do {
      return try Connection.translating(path) {
        try queue.writeWithoutTransaction { database in
          try database.beginTransaction(.immediate)
          do {
            let batch = try Batch(database, now: now, actor: actor)
            let value = try body(batch)
            if let failure = batch.failure { throw failure }
            try finish(database, commit: batch.isChanged)
            return value
          } catch {
            // Some errors have rolled back already.
            if database.isInsideTransaction { try? database.rollback() }
            throw error
          }
        }
      }
    } catch {
      noteFailure(error)
      throw error
    }
  }

  private func finish(_ database: Database, commit: Bool) throws {
    guard commit else { return try database.rollback() }
    do {
      try database.commit()
    } catch {
      throw LedgerError.notDurable(what: path, why: "commit: \(error)")
    }
  }
}
