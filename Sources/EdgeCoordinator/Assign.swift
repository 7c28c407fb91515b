internal import EdgeJob
internal import EdgeScheduler
internal import EdgeSpool
internal import EdgeSystem

// ready → inbox: the scheduler decides, one rename does it.

extension Coordinator {
  /// Gives ready jobs to live workers with free slots; ends those that may no longer start.
  /// - Returns: true where something was assigned or ended.
  func assign() throws(CoordinatorError) -> Bool {
    var load: [String: Int] = [:]
    for job in live.values { load[job.worker, default: 0] += 1 }
    let hadChange = try onSpool { () throws(SpoolError) in
      try workerFiles.read(spool) { (worker) throws(SpoolError) in
        try leases.isAlive(worker, spool, now: Clocks.bootNanoseconds())
      }
    }
    let offers = workerFiles.offers { load[$0, default: 0] }
    if hadChange {
      try releaseOffered(offers)
      try takeBackRefused()
    }
    var didWork = try endFallen()
    if ready.isEmpty { return didWork }
    if hadChange || isReadyNew {
      for (job, reason) in ready.unoffered(offers) {
        try holdUnoffered(job, reason.text)
        didWork = true
      }
    }
    guard isReadyNew || hadChange || workerFiles.haveRoom({ load[$0, default: 0] }) else {
      return didWork
    }
    isReadyNew = false
    try restoreShares()
    for (job, worker) in ready.assign(to: offers, now: now()) {
      let isAssigned = try give(job, to: worker)
      didWork = isAssigned || didWork
    }
    return didWork
  }

  /// Takes jobs back that a worker was given and does not take any more.
  private func takeBackRefused() throws(CoordinatorError) {
    for worker in workerFiles.sparing {
      for item in try onSpool({ () throws(SpoolError) in try spool.workerItems(of: worker.id) })
      where item.state == .inbox {
        guard let ticket = live[item.job.job]?.ticket else { continue }
        if !worker.draining, worker.accepts.takes(ticket.manifest) { continue }
        let isBack = try onSpool { () throws(SpoolError) in
          try spool.takeBack(item, queue: ticket.request.queue)
        }
        guard isBack else { continue }
        CrashPoint.takenBack.reached()
        forget(item.job.job)
        try enqueue(ticket)
      }
    }
  }

  /// Gives one job to a worker under a new fence.
  private func give(_ job: JobID, to worker: String) throws(CoordinatorError) -> Bool {
    let known = recentTickets.removeValue(forKey: job)
    pausing.remove(job)
    guard let queue = ready.runningQueue(of: job) else { return false }
    let path = Layout.ready(job, queue: queue)
    let right = FencedJob(job: job, fence: nextFence())
    do throws(SpoolError) {
      let ticket = if let known { known } else { try spool.ticket(at: path) }
      guard try spool.assign(right, at: path, to: worker) else {
        forget(job)
        return false
      }
      live[job] = LiveJob(fence: right.fence, worker: worker, ticket: ticket)
      CrashPoint.assigned.reached()
    } catch  where error.kind == .notFound || error.kind == .badInput {
      forget(job)
      events.append(.notice("job \(job) was not assigned: \(error.what)"))
      return false
    } catch {
      throw .spool(error)
    }
    events.append(.assigned(job, worker: worker))
    return true
  }
}
