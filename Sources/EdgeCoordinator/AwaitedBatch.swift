internal import EdgeJob
internal import EdgeScheduler
internal import EdgeSpool

// Whole batches that somebody waits for. To the scheduler such a batch is one job, which ends when
// the last of its jobs has ended, and has passed when all have.

/// A batch that somebody waits for.
struct AwaitedBatch {
  /// Jobs that have not ended.
  var open: Set<JobID> = []
  /// Jobs that ended otherwise than passed.
  var fallen: Set<JobID> = []
}

extension Coordinator {
  /// Tells those that wait for a job, or for its batch, how it ended.
  func tellDependents(of job: JobID, passed: Bool) {
    ready.ended(job, passed: passed)
    for id in Array(awaited.keys) {
      guard awaited[id]?.open.remove(job) != nil else { continue }
      if !passed { awaited[id]?.fallen.insert(job) }
      if let batch = awaited[id], batch.open.isEmpty {
        ready.ended(id, passed: batch.fallen.isEmpty)
        // Who asks later has it looked at anew; else these would be ever more.
        awaited[id] = nil
      }
    }
  }

  /// Has those looked at again that wait for a job that was rejected, or for its batch: what was
  /// rejected may only have borne the name of a job that lives.
  func lookAgainAtDependents(of job: JobID) {
    unsure.formUnion(ready.dependents(on: job))
    for (id, batch) in awaited where batch.open.contains(job) {
      awaited[id] = nil
      unsure.formUnion(ready.dependents(on: id))
    }
  }

  /// Takes note that a job that had ended starts anew.
  func awaitAgain(_ job: JobID) {
    for id in Array(awaited.keys) where awaited[id]?.fallen.remove(job) != nil {
      awaited[id]?.open.insert(job)
    }
  }

  /// How a batch has ended; looks at each of its jobs the first time that somebody asks.
  func end(ofBatch id: JobID) throws(CoordinatorError) -> ParentEnd {
    if awaited[id] == nil {
      guard let place = spool.place(ofBatch: id), let requests = try? spool.batch(at: place) else {
        return .unknown
      }
      var batch = AwaitedBatch()
      for member in try members(requests, at: place, from: 0) {
        if member.index % Self.sliceCount == 0 { beat() }
        let hasNoTicket = place.next.map { member.index >= $0 } ?? false
        if hasNoTicket, !isSetAside(member.job) {
          batch.open.insert(member.job)
          continue
        }
        switch try end(of: member.job) {
        case .open: batch.open.insert(member.job)
        case .passed: break
        case .notPassed, .unknown: batch.fallen.insert(member.job)
        }
      }
      awaited[id] = batch
    }
    if awaited[id]?.open.isEmpty == false { return .open }
    return awaited[id]?.fallen.isEmpty == true ? .passed : .notPassed
  }
}
