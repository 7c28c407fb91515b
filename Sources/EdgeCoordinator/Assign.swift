internal import EdgeJob
internal import EdgeScheduler
internal import EdgeSpool

// ready → inbox: the scheduler decides, one rename does it.

extension Coordinator {
  /// Gives ready jobs to live workers with free slots; ends those that may no longer start.
  /// - Returns: true where something was assigned or ended.
  func assign() throws(CoordinatorError) -> Bool {
    var load: [String: Int] = [:]
    for job in live.values { load[job.worker, default: 0] += 1 }
    let hadChange: Bool
    do { hadChange = try workerFiles.read(spool) } catch { throw .spool(error) }
    let offers = workerFiles.offers { load[$0, default: 0] }
    if hadChange { try releaseOffered(offers) }
    if ready.isEmpty {
      waiting = [:]
      return false
    }
    // A schedule looks at every ready job: not for each result that comes in while all workers are
    // busy. Once a second it is, for those that expire.
    let now = now()
    let isDue = hadChange || isReadyNew || !(0..<1000).contains(now - lastSchedule)
    guard isDue || workerFiles.haveRoom({ load[$0, default: 0] }) else { return false }
    defer {
      isReadyNew = false
      lastSchedule = now
    }
    let schedule = EdgeScheduler.schedule(
      ready: try ready.values.map { (entry) throws(CoordinatorError) in try job(entry.ticket) },
      workers: offers, now: now, lastServed: lastServed)
    waiting = schedule.waiting.mapValues(\.text)
    var didWork = false
    for (job, reason) in schedule.waiting where reason.needsSomebody && reason != .noWorkers {
      try holdUnoffered(job, reason.text)
      didWork = true
    }
    for (job, worker) in schedule.assignments {
      guard let entry = ready[job] else { continue }
      let right = FencedJob(job: job, fence: nextFence())
      ready[job] = nil
      let isMoved = try onSpool { () throws(SpoolError) in
        try spool.assign(right, at: entry.path, to: worker)
      }
      guard isMoved else { continue }
      live[job] = LiveJob(fence: right.fence, worker: worker, ticket: entry.ticket)
      lastServed[entry.ticket.account] = right.fence.number
      events.append(.assigned(job, worker: worker))
      didWork = true
    }
    for job in schedule.expired {
      try end(job, .expired)
      didWork = true
    }
    for (job, _) in schedule.dependencyFailed {
      try end(job, .dependencyFailed)
      didWork = true
    }
    return didWork
  }

  private func end(_ job: JobID, _ ending: Ending) throws(CoordinatorError) {
    guard let entry = ready[job] else { return }
    try endWithoutResult(entry.ticket, ending, at: entry.path)
    ready[job] = nil
  }

  private func job(_ ticket: Ticket) throws(CoordinatorError) -> ReadyJob {
    var waitsFor: [JobID] = []
    var failed: JobID?
    for parent in ticket.request.after {
      switch try hasPassed(parent) {
      case true?: continue
      case false?: failed = parent
      case nil: waitsFor.append(parent)
      }
    }
    return ReadyJob(ticket, waitsFor: waitsFor, failed: failed)
  }

  /// Whether a job that another waits for has passed; nil while it has not ended.
  private func hasPassed(_ job: JobID) throws(CoordinatorError) -> Bool? {
    if let known = endings[job] { return known }
    if ready[job] != nil || live[job] != nil { return nil }
    guard let place = try onSpool({ () throws(SpoolError) in try spool.locate(job) }) else {
      // Nobody has heard of it, so it never passes.
      return false
    }
    guard place.state.isFinal else { return nil }
    guard place.state == .done else { return false }
    let record = try onSpool { () throws(SpoolError) in try spool.record(.done, job) }
    let passed = record.ticket.ending == .verdict(.passed)
    endings[job] = passed
    return passed
  }
}
