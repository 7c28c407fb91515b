internal import EdgeJob
internal import EdgeScheduler
internal import EdgeSpool
internal import EdgeSystem

// Batches of which some jobs have no ticket: each gets tickets a bounded number ahead, so that a
// million jobs cost as much memory and as many files as a few hundred.
//
// Crash points: the batch's file is durable before its submission is removed; a slice's tickets are
// reserved for and durable before the file's name moves on. What is cut short is done again, and
// the ledger answers "already".

/// A batch of which some jobs have no ticket.
struct OpenBatch {
  let requests: BatchRequests
  /// Jobs from this index on have no ticket.
  var next: Int
  /// Jobs that were given a ticket of late and wait in `ready/` still.
  var ahead: [JobID] = []
  /// Of its next request; batches with a higher one go first.
  var priority: Int64
  /// Who pays for that.
  var charge: Coordinator.Charge
  /// Why it does not go on, and when that is looked at again, milliseconds UTC.
  var pause: (reason: String, until: Int64)?
  /// Why it gets no tickets until somebody releases it.
  var held: String?

  var file: BatchFile { requests.batch }
  var left: Int { file.count - next }

  var place: BatchPlace { BatchPlace(open: file.id, next: next) }
}

extension Coordinator {
  /// Tickets that a batch gets at once, and that may wait before it gets more.
  static let sliceCount = 256
  /// Batches of one submitter and account that get tickets at the same time.
  private static let openAtOnce = 8

  /// Reads back which batches are open.
  func recoverBatches() throws(CoordinatorError) {
    for (id, next) in try onSpool({ () throws(SpoolError) in try spool.openBatches() }) {
      try openBatch(id, next: next)
    }
  }

  /// Takes note of a batch whose file lies in `batches/`.
  func openBatch(_ id: JobID, next: Int) throws(CoordinatorError) {
    let place = BatchPlace(open: id, next: next)
    do throws(SpoolError) {
      let requests = try spool.batch(at: place)
      let first = try spool.requests(of: requests, at: place, from: next, atMost: 1)
      batches.append(
        OpenBatch(
          requests: requests, next: next, priority: first.first?.priority ?? 0,
          charge: Charge(uid: requests.batch.submitter, account: first.first?.account),
          held: spool.order(of: id).map(\.reason)))
      batches.sort {
        ($1.priority, $0.file.admitted, $0.file.id) < ($0.priority, $1.file.admitted, $1.file.id)
      }
    } catch  where error.kind == .badInput {
      // Cut off by a power cut before it was flushed: its submission is there still.
      try onSpool { () throws(SpoolError) in
        try spool.removeTorn(at: place.path, reason: error.what)
      }
      events.append(.notice("\(place.path) was removed: \(error.what)"))
    } catch {
      throw .spool(error)
    }
  }

  /// The jobs that get a ticket next: of each batch that has few waiting, one slice.
  func slices() throws(CoordinatorError) -> [Candidate] {
    var candidates: [Candidate] = []
    var opened: [Charge: Int] = [:]
    let now = now()
    // By name: a batch whose last jobs are all refused leaves the list while we go through it.
    for id in batches.map(\.file.id) {
      guard let index = batches.firstIndex(where: { $0.file.id == id }) else { continue }
      if batches[index].held != nil { continue }
      if let pause = batches[index].pause, pause.until > now { continue }
      opened[batches[index].charge, default: 0] += 1
      if opened[batches[index].charge, default: 0] > Self.openAtOnce { continue }
      batches[index].pause = nil
      batches[index].ahead.removeAll { !ready.contains($0) }
      if batches[index].ahead.count > Self.sliceCount / 2 { continue }
      candidates += try slice(of: index)
      // Others may be waiting for what is in hand.
      if candidates.count >= Self.sliceCount * 4 { break }
    }
    return candidates
  }

  private func slice(of index: Int) throws(CoordinatorError) -> [Candidate] {
    let batch = batches[index]
    let file = batch.file
    let inspection: Inspection
    do throws(Refusal) { inspection = try inspected(file.blob) } catch {
      pause(file.id, error.reason)
      return []
    }
    let requests: [Request]
    do throws(SpoolError) {
      requests = try spool.requests(
        of: batch.requests, at: batch.place, from: batch.next, atMost: Self.sliceCount)
    } catch  where error.kind == .badInput {
      // A disk that spoiled one batch must not stop the others.
      pause(file.id, error.what)
      return []
    } catch {
      throw .spool(error)
    }
    let naming = JobNaming(spool: spool, uid: file.submitter)
    var candidates: [Candidate] = []
    for (offset, request) in requests.enumerated() {
      let job = naming.id(
        of: request, index: batch.next + offset, file: file.id, count: max(2, file.count))
      if isSetAside(job) { continue }
      switch try ticket(job, request, inspection, file.submitter, admitted: file.admitted) {
      case .ticket(let ticket):
        candidates.append(
          Candidate(ticket: ticket, name: nil, batch: file.id, index: batch.next + offset))
      case .refused(let reason):
        try rejectJob(job, submitter: file.submitter, reason: reason)
      }
    }
    if candidates.isEmpty { try advance(file.id, by: requests.count) }
    return candidates
  }

  /// Leaves a batch alone for a second, with the reason.
  func pause(_ id: JobID, _ reason: String) {
    guard let index = batches.firstIndex(where: { $0.file.id == id }) else { return }
    if batches[index].pause?.reason != reason { events.append(.notice("batch \(id): \(reason)")) }
    batches[index].pause = (reason, now() + 1000)
  }

  /// Notes that the next jobs of a batch have their tickets.
  func advance(_ id: JobID, by count: Int) throws(CoordinatorError) {
    guard let index = batches.firstIndex(where: { $0.file.id == id }) else { return }
    let batch = batches[index]
    let next = min(batch.file.count, batch.next + count)
    try onSpool { () throws(SpoolError) in
      try spool.advanceBatch(batch.file, from: batch.next, to: next)
    }
    CrashPoint.batchAdvanced.reached()
    if next == batch.file.count {
      batches.remove(at: index)
    } else {
      batches[index].next = next
    }
  }
}
