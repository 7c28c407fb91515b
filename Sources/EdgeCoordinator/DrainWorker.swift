internal import EdgeJob
internal import EdgeSpool

// A worker whose launches fail uses up the retries of every job it gets.

extension Coordinator {
  /// Counts the launches of a worker that failed, and drains it where they are too many in a row.
  ///
  /// The worker of one `run` is left alone: nobody else would run its jobs.
  func noteLaunch(of receipt: Receipt) throws(CoordinatorError) {
    let worker = receipt.worker
    switch receipt.outcome {
    case .fault(.launchFailed(let stage, let errno)):
      failedLaunches[worker, default: []].insert(receipt.job)
      guard failedLaunches[worker, default: []].count >= site.drainAfter else { return }
      failedLaunches[worker] = nil
      guard let file = spool.workerFile(worker), file.session == nil else { return }
      let drain = Drain(
        since: now(),
        reason: "the launch of \(site.drainAfter) jobs in a row failed, last at \(stage), "
          + "errno \(errno)", started: file.started)
      try onSpool { () throws(SpoolError) in try spool.put(drain, on: worker) }
      events.append(.notice("worker \(worker) is drained: \(drain.reason)"))
    case .verdict: failedLaunches[worker] = nil
    case .fault, .cancelled: break
    }
  }
}
