internal import EdgeJob
internal import EdgeSpool

// A spool whose owner wants it empty: nothing starts, what runs is finished, and what is not
// finished by the deadline is put back as if it had not begun.

extension Coordinator {
  /// Reads `drain.json`; after its deadline asks the workers for what they still run.
  /// - Returns: true where a worker was asked.
  func obeyDrain() throws(CoordinatorError) -> Bool {
    draining = spool.drain
    workerFiles.isDraining = draining != nil
    guard let deadline = draining?.deadline, now() >= deadline else { return false }
    var didWork = false
    for item in try onSpool({ () throws(SpoolError) in try spool.workerItems() })
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
      && (draining != nil || live[receipt.job]?.isReturning == true)
  }
}
