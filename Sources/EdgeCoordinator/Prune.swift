internal import EdgeJob
package import EdgeSpool
internal import EdgeSystem

/// Results that ended long ago and archives that nothing needs any more: what `prune` removes. The
/// ledger keeps every entry.
package struct Pruning {
  private let spool: Spool
  /// Relative to the spool.
  package private(set) var results: [String] = []
  /// Relative to the spool.
  package private(set) var archives: [String] = []

  /// Looks for what may go; removes nothing. Only who leads may rely on the archives: a submission
  /// may name one again at any moment.
  /// - Parameter now: milliseconds UTC.
  package init(_ spool: Spool, keeping keep: ControlRequest.Keep, now: Int64)
    throws(CoordinatorError)
  {
    self.spool = spool
    do throws(SpoolError) {
      let left = try findResults(keep)
      try findArchives(keep.since ?? now - 60_000, left: left)
    } catch {
      throw .spool(error)
    }
  }

  /// Removes it.
  package func remove() throws(CoordinatorError) {
    if !results.isEmpty { spool.put(nil as Counts?) }
    try onSpool { () throws(SpoolError) in
      for path in results + archives { try spool.removeTicket(at: path) }
    }
  }

  private mutating func findResults(_ keep: ControlRequest.Keep) throws(SpoolError) -> Set<String> {
    var ended: [(path: String, modified: Int64)] = []
    for state in [JobState.done, .cancelled, .dead] {
      for job in try spool.jobs(state) {
        let path = Layout.path(state, job)
        // What is gone meanwhile was pruned by somebody else.
        guard let status = try? spool.root.status(path) else { continue }
        ended.append((path, status.modified))
      }
    }
    ended.sort { $0.modified > $1.modified }
    let border = keep.since.map { $0 * 1_000_000 }
    results = ended.dropFirst(keep.last ?? 0)
      .filter { entry in border.map { entry.modified < $0 } ?? true }.map(\.path)
    return Set(ended.map(\.path)).subtracting(results)
  }

  /// Archives that no ticket anywhere names, and that are older than that; none where it cannot be
  /// told which one something needs.
  private mutating func findArchives(_ since: Int64, left: Set<String>) throws(SpoolError) {
    var used: Set<String> = []
    do throws(SpoolError) {
      for (_, path) in try spool.readyJobs() { used.insert(try spool.ticket(at: path).blob.hex) }
      for item in try spool.workerItems() { used.insert(try ticket(of: item).blob.hex) }
      for state in [JobState.held, .dead, .cancelled] {
        for job in try spool.jobs(state)
        where state == .held || left.contains(Layout.path(state, job)) {
          used.insert(try spool.record(state, job).ticket.blob.hex)
        }
      }
      for (id, next) in try spool.openBatches() {
        let place = BatchPlace(open: id, next: next)
        used.insert(try spool.batch(at: place).batch.blob.hex)
      }
    } catch  where [.notFound, .badInput, .notPermitted].contains(error.kind) {
      return
    }
    do throws(SystemError) {
      let directory = try spool.root.directory(Layout.blobs)
      archives = try directory.entries().filter { name in
        guard !used.contains(name), let status = try? directory.status(name) else { return false }
        return status.modified < since * 1_000_000
      }.map { "\(Layout.blobs)/\($0)" }
    } catch {
      throw SpoolError(error)
    }
  }
}

extension Pruning {
  /// The ticket of a worker's item, which may move on while we look.
  private func ticket(of item: WorkerItem) throws(SpoolError) -> Ticket {
    for folder in [Layout.WorkerFolder.inbox, .running] {
      do throws(SpoolError) {
        return try spool.ticket(at: "\(Layout.worker(item.worker, folder))/\(item.job)")
      } catch {
        guard error.kind == .notFound else { throw error }
      }
    }
    return try spool.ticket(at: "\(Layout.worker(item.worker, .outbox))/\(item.job)")
  }
}

extension Coordinator {
  /// Prunes between two rounds, when nothing is on its way from a submission to its ticket.
  package func prune(keeping keep: ControlRequest.Keep) throws(CoordinatorError) -> Pruning {
    let pruning = try Pruning(spool, keeping: keep, now: now())
    counts = nil
    try pruning.remove()
    settleCounts()
    return pruning
  }
}
