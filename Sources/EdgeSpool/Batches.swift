package import EdgeJob
internal import EdgeSystem
internal import Glibc

/// Where a batch stands.
package struct BatchPlace: Hashable, Sendable {
  /// Relative to the spool.
  package let path: String
  /// Jobs from this index on have no ticket yet; nil where all have had one.
  package let next: Int?

  init(path: String, next: Int?) {
    self.path = path
    self.next = next
  }

  /// Of a batch that is open: jobs from `next` on have no ticket.
  package init(open id: JobID, next: Int) {
    self.init(path: "\(Layout.batches)/\(Layout.batchName(id, next: next))", next: next)
  }
}

extension Spool {
  /// Makes the folders of batches where an earlier version made the spool.
  package func ensureBatchFolders() throws(SpoolError) {
    try Spool.calls { () throws(SystemError) in
      for name in [Layout.batches, Layout.admittedBatches] { try root.ensureDirectory(name) }
    }
  }

  /// Publishes a batch of which no job has a ticket. Not flushed: the caller flushes once for many.
  /// - Throws: `conflict` where its name is taken already.
  package func putBatch(_ batch: BatchFile, _ requests: RequestList) throws(SpoolError) {
    precondition(batch.count == requests.count, "a batch counts its requests")
    do throws(SystemError) {
      let directory = try root.directory(Layout.batches)
      try directory.publish(
        Layout.batchName(batch.id, next: 0), batch.bytes(requests), mode: 0o440, durable: false)
    } catch  where error.exists {
      throw SpoolError(.conflict, "batch \(batch.id) is known already")
    } catch {
      throw SpoolError(error)
    }
  }

  /// The batches of which some jobs have no ticket, oldest name first.
  package func openBatches() throws(SpoolError) -> [(id: JobID, next: Int)] {
    guard root.contains(Layout.batches) else { return [] }
    let directory = try directory(Layout.batches)
    return try Spool.calls { () throws(SystemError) in try directory.entries() }
      .compactMap { Layout.batch(named: $0) }
  }

  /// Where a batch stands; nil where there is none of that name (or we may not look).
  package func place(ofBatch id: JobID) -> BatchPlace? {
    let admitted = "\(Layout.admittedBatches)/\(id)"
    if root.contains(admitted) { return BatchPlace(path: admitted, next: nil) }
    guard let found = (try? openBatches())?.first(where: { $0.id == id }) else { return nil }
    return BatchPlace(
      path: "\(Layout.batches)/\(Layout.batchName(id, next: found.next))", next: found.next)
  }

  /// The head of a batch and the way to its requests.
  /// - Throws: `notFound`; `badInput` where the file is torn.
  package func batch(at place: BatchPlace) throws(SpoolError) -> BatchRequests {
    let file = try openBatch(place)
    return try BatchRequests(file.raw, path: place.path)
  }

  /// The requests of a batch from an index on: at least one, at most `most`.
  package func requests(
    of batch: BatchRequests, at place: BatchPlace, from index: Int, atMost most: Int
  ) throws(SpoolError) -> [Request] {
    let file = try openBatch(place)
    return try batch.requests(file.raw, from: index, atMost: most)
  }

  /// Whether a batch was made of requests that ask for the same as these.
  package func hasSameRequests(_ place: BatchPlace, as list: RequestList) throws(SpoolError)
    -> Bool
  {
    let batch = try batch(at: place)
    guard batch.batch.count == list.count else { return false }
    var index = 0
    while index < list.count {
      let part = try requests(of: batch, at: place, from: index, atMost: list.count - index)
      for request in part {
        guard request.compared == list[index].compared else { return false }
        index += 1
      }
    }
    return true
  }

  private func openBatch(_ place: BatchPlace) throws(SpoolError) -> Descriptor {
    do { return try root.open(place.path, O_RDONLY) } catch  where error.isNotFound {
      throw SpoolError(.notFound, "\(place.path) is not there")
    } catch { throw SpoolError(error) }
  }

  /// Notes that the jobs before `next` have their tickets: one rename. Not flushed: what a power
  /// cut undoes is done again, and the ledger answers "already".
  package func advanceBatch(_ batch: BatchFile, from old: Int, to next: Int) throws(SpoolError) {
    let source = "\(Layout.batches)/\(Layout.batchName(batch.id, next: old))"
    let target =
      next == batch.count
      ? "\(Layout.admittedBatches)/\(batch.id)"
      : "\(Layout.batches)/\(Layout.batchName(batch.id, next: next))"
    try Spool.calls { () throws(SystemError) in try root.replace(source, to: root, target) }
  }
}
