internal import EdgeJob
internal import EdgeSpool

// Workers whose owner wants them empty: nothing starts, what runs is finished, and what is not
// finished by the deadline is put back as if it had not begun.

extension Coordinator {
  /// Reads `drain.json`; asks workers for what they still run after its deadline, or after their
  /// own.
  /// - Returns: true where a worker was asked.
  func obeyDrain() throws(CoordinatorError) -> Bool {
    draining = spool.drain
    workerFiles.isDraining = draining != nil
    var didWork = false
    for worker in try onSpool({ () throws(SpoolError) in try spool.workerIDs() }) {
      let deadlines = [draining?.deadline, drain(of: worker)?.deadline].compactMap(\.self)
      guard deadlines.contains(where: { now() >= $0 }) else { continue }
      didWork = try askToReturn(worker) || didWork
    }
    return didWork
  }

  private func askToReturn(_ worker: String) throws(CoordinatorError) -> Bool {
    var didWork = false
    for item in try onSpool({ () throws(SpoolError) in try spool.workerItems(of: worker) })
    where item.state == .running && live[item.job.job]?.fence == item.job.fence {
      guard live[item.job.job]?.isReturning == false, live[item.job.job]?.isStopping == false else {
        continue
      }
      live[item.job.job]?.isReturning = true
      try onSpool { () throws(SpoolError) in try spool.askToReturn(item) }
      didWork = true
    }
    return didWork
  }

  /// What a receipt means for its job: a user's cancel wins over a return that was asked for first.
  func outcome(of receipt: Receipt) -> Outcome {
    if receipt.outcome == .fault(.leaseExpired), live[receipt.job]?.isStopping == true {
      return .cancelled
    }
    return receipt.outcome
  }

  /// True where the attempt ended because we wanted the job back: that is nobody's fault, and none
  /// is counted.
  func isReturned(_ receipt: Receipt) -> Bool {
    receipt.outcome == .fault(.leaseExpired)
      && (draining != nil || live[receipt.job]?.isReturning == true
        || drain(of: receipt.worker) != nil)
  }

  /// Why a worker gets no jobs, as the owner or we said; nil where it does.
  private func drain(of worker: String) -> Drain? {
    if spool.drainStatus(worker) == nil { return nil }
    return spool.workerFile(worker).flatMap { spool.drain(of: $0) }
  }
}
