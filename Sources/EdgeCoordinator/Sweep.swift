internal import EdgeJob
internal import EdgeLedger
internal import EdgeScheduler
internal import EdgeSpool
internal import EdgeSystem

// What dead workers left. Their lock is free, so their process is gone, and with it the sandbox:
// no timer is needed. On another machine it has ended itself long before its lease did.

extension Coordinator {
  /// Gives the jobs of dead workers to others.
  /// - Returns: true where there was anything.
  func sweep() throws(CoordinatorError) -> Bool {
    var didWork = false
    for worker in try onSpool({ () throws(SpoolError) in try spool.workerIDs() }) {
      if try isAlive(worker) { continue }
      tellSilence(of: worker)
      // Receipts first: what is finished must not be run again.
      while try settle(worker) { didWork = true }
      for item in try onSpool({ () throws(SpoolError) in try spool.workerItems(of: worker) }) {
        didWork = try sweep(item) || didWork
      }
      for item in goneItems(of: worker) { didWork = try sweep(item) || didWork }
      try removeSessionWorker(worker)
    }
    return didWork
  }

  /// - Returns: false where the job stays where it is.
  private func sweep(_ item: WorkerItem) throws(CoordinatorError) -> Bool {
    guard let ticket = try ticket(of: item) else {
      forget(item.job.job)
      return true
    }
    if live[item.job.job].map({ $0.fence > item.job.fence }) ?? ready.contains(item.job.job) {
      // An interrupted earlier sweep has put the job back already.
      try onSpool { () throws(SpoolError) in try spool.removeTicket(at: item.path) }
      return true
    }
    if try hasResult(ticket.job) {
      // Settled already; only the removal of its ticket was cut short.
      forget(item.job.job)
      try onSpool { () throws(SpoolError) in try spool.removeTicket(at: item.path) }
      return true
    }
    if item.state == .inbox {
      let isBack = try onSpool { () throws(SpoolError) in
        try spool.takeBack(item, queue: ticket.request.queue)
      }
      forget(item.job.job)
      if isBack {
        CrashPoint.takenBack.reached()
        try enqueue(ticket)
      } else if try !isAlive(item.worker) {
        // It was removed or spoiled; a worker that came back would have claimed it.
        try place(ticket)
        try onSpool { () throws(SpoolError) in try spool.syncAll() }
      }
      return true
    }
    if live[item.job.job]?.isStopping == true {
      forget(item.job.job)
      try endWithoutResult(ticket, .cancelled, at: item.path)
      return true
    }
    let isSilent = leases.isSilent(item.worker)
    // Nobody saw it die: who must not run twice at any price waits for its worker.
    if isSilent, ticket.request.onLost == .wait { return false }
    let fault = isSilent ? Fault.leaseExpired : .workerLost
    forget(item.job.job)
    let isLast = site.death(of: ticket, after: fault) != nil
    try onLedger { () throws(LedgerError) in
      try ledger.write(epoch: epoch, now: now(), actor: actor) {
        (writer: borrowing LedgerWriter) throws(LedgerError) in
        try writer.record(
          "fault",
          facts: [
            "job": .string(ticket.job.description),
            "fence": .string(item.job.fence.description), "worker": .string(item.worker),
            "fault": fault.json,
          ])
        if isLast { _ = try writer.void(job: ticket.job, round: Int(ticket.round), reason: "dead") }
      }
    }
    CrashPoint.sweepRecorded.reached()
    try retry(ticket, after: fault, receipts: [])
    try onSpool { () throws(SpoolError) in
      try spool.syncAll()
      CrashPoint.sweepPlaced.reached()
      try spool.removeTicket(at: item.path)
    }
    return true
  }

  /// True where the ledger has accepted a result of this job: it is never run again.
  func hasResult(_ job: JobID) throws(CoordinatorError) -> Bool {
    try onLedger { () throws(LedgerError) in try ledger.acceptedResult(job: job) != nil }
  }

  /// Puts a job back after a fault, or ends it where its faults used up their budget (its
  /// reservation is voided by the caller). Not flushed.
  func retry(_ ticket: Ticket, after fault: Fault, receipts: [[UInt8]]) throws(CoordinatorError) {
    var ticket = ticket
    let death = try death(of: ticket, after: fault)
    ticket.faults.append(fault)
    if let death {
      ticket.ending = .dead(fault)
      ticket.why = death
      tellDependents(of: ticket.job, passed: false)
      try onSpool { () throws(SpoolError) in try spool.put(ticket, .dead, receipts: receipts) }
      events.append(.fault(ticket.job, fault, retrying: false))
      ended(ticket.job, .dead(fault))
      return
    }
    let pause = policy.pause(
      after: ticket.faults, of: ticket.job, atMost: site.pauseMax)
    ticket.notBefore = max(ticket.request.notBefore ?? 0, now() + pause)
    ticket.backoff = Ticket.Backoff(boot: boot.id, until: boot.milliseconds() + pause)
    try putBack(ticket)
    events.append(.fault(ticket.job, fault, retrying: true))
  }

  /// Puts a job back into `ready/`, where an interrupted earlier round may have put it already. Not
  /// flushed.
  func putBack(_ ticket: Ticket) throws(CoordinatorError) {
    do throws(SpoolError) { try spool.putReady(ticket) } catch  where error.kind == .conflict {
    } catch { throw .spool(error) }
    try enqueue(ticket)
  }

  /// Why a job is dead after this fault as well; nil where it is tried again. What was voided when
  /// this was cut short stays so, whatever the policy says by now.
  private func death(of ticket: Ticket, after fault: Fault) throws(CoordinatorError) -> String? {
    if let death = site.death(of: ticket, after: fault) { return death }
    let end = try onLedger { () throws(LedgerError) in
      try ledger.posting(job: ticket.job, phase: "end/\(ticket.round)")
    }
    return end.map { "its reservation was released: \($0.reason)" }
  }

  /// Ends a job that gave no result: voids its reservation, records it, removes its ticket.
  func endWithoutResult(_ ticket: Ticket, _ ending: Ending, at path: String)
    throws(CoordinatorError)
  {
    try endWithoutResult([(ticket, path)], ending)
  }

  /// Ends jobs that gave no result, in one transaction and one flush.
  /// - Parameter jobs: with where the ticket is, empty where there is none; what has round 0 was
  ///   not reserved for.
  func endWithoutResult(_ jobs: [(ticket: Ticket, path: String)], _ ending: Ending)
    throws(CoordinatorError)
  {
    if jobs.isEmpty { return }
    try onLedger { () throws(LedgerError) in
      try ledger.write(epoch: epoch, now: now(), actor: actor) {
        (writer: borrowing LedgerWriter) throws(LedgerError) in
        for (ticket, _) in jobs where ticket.round > 0 {
          _ = try writer.void(job: ticket.job, round: Int(ticket.round), reason: ending.name)
        }
      }
    }
    CrashPoint.endVoided.reached()
    for (ticket, _) in jobs {
      var record = ticket
      record.ending = ending
      let file = record
      tellDependents(of: file.job, passed: false)
      try onSpool { () throws(SpoolError) in
        try spool.putEnd(file)
      }
      ended(file.job, ending)
    }
    try onSpool { () throws(SpoolError) in
      try spool.syncAll()
      CrashPoint.endWritten.reached()
      for (_, path) in jobs where !path.isEmpty { try spool.removeTicket(at: path) }
    }
  }

  /// The folders of a worker that belonged to one `run` are of no use after it.
  private func removeSessionWorker(_ worker: String) throws(CoordinatorError) {
    guard spool.workerFile(worker)?.session != nil,
      try onSpool({ () throws(SpoolError) in try spool.workerItems(of: worker) }).isEmpty,
      try onSpool({ () throws(SpoolError) in try spool.outboxItems(of: worker) }).isEmpty
    else { return }
    try onSpool { () throws(SpoolError) in try spool.removeWorkerFolders(worker) }
  }
}
