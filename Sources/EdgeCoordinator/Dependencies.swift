internal import EdgeJob
internal import EdgeLedger
internal import EdgeScheduler
internal import EdgeSpool
internal import EdgeSystem

// Jobs that wait for others.

extension Coordinator {
  /// Why a job ends that waited for this one.
  static func fallen(_ because: JobID) -> String {
    "job \(because), which it waits for, did not end as it had to"
  }

  /// What a job waits for still, and one of its dependencies that cannot be met any more.
  func dependencies(of ticket: Ticket) throws(CoordinatorError) -> (
    waitsFor: [Dependency], failed: JobID?
  ) {
    var waitsFor: [Dependency] = []
    var failed: JobID?
    for one in ticket.request.dependencies {
      switch try end(of: one.job) {
      case .open: waitsFor.append(one)
      case .passed: if !one.condition.isMet(passed: true) { failed = one.job }
      case .notPassed: if !one.condition.isMet(passed: false) { failed = one.job }
      case .unknown:
        // It may lie in `incoming/`, in a batch; looked at again once all of that is admitted.
        if try isIncomingEmpty() {
          failed = one.job
        } else {
          unsure.insert(ticket.job)
          waitsFor.append(one)
        }
      }
    }
    return (waitsFor, failed)
  }

  /// Looks again at jobs that wait for somebody whom nobody knew.
  /// - Returns: true where that led on.
  func settleUnsure() throws(CoordinatorError) -> Bool {
    if unsure.isEmpty { return false }
    let again = unsure
    unsure = []
    for job in again {
      guard let (ticket, _) = try readyTicket(job) else { continue }
      dequeue(job)
      try enqueue(ticket)
    }
    return unsure.count < again.count
  }

  /// How a job that another one waits for has ended.
  private enum ParentEnd { case open, passed, notPassed, unknown }

  private func end(of job: JobID) throws(CoordinatorError) -> ParentEnd {
    if ready.contains(job) || live[job] != nil { return .open }
    if let place = try onSpool({ () throws(SpoolError) in try spool.locate(job) }) {
      guard place.state.isFinal else { return .open }
      guard place.state == .done else { return .notPassed }
      let record = try onSpool { () throws(SpoolError) in try spool.record(.done, job) }
      return record.ticket.ending == .verdict(.passed) ? .passed : .notPassed
    }
    if try keyedAhead().contains(job) { return .open }
    return try pastEnd(of: job)
  }

  /// How a job ended whose file was pruned, as the ledger knows it.
  private func pastEnd(of job: JobID) throws(CoordinatorError) -> ParentEnd {
    let end = try onLedger { () throws(LedgerError) -> Posting? in
      let round = try ledger.lastRound(job: job)
      return round > 0 ? try ledger.posting(job: job, phase: "end/\(round)") : nil
    }
    guard let end else { return .unknown }
    let hasPassed = end.kind == .post && end.facts["verdict"] == Verdict.passed.json
    return hasPassed ? .passed : .notPassed
  }

  /// Jobs with keys of their own that stand in batches and have no ticket; worked out once a round.
  private func keyedAhead() throws(CoordinatorError) -> Set<JobID> {
    if let keyed { return keyed }
    var found: Set<JobID> = []
    for batch in batches where batch.requests.mayHaveKeys {
      found.formUnion(
        try members(batch.requests, at: batch.place, from: batch.next).lazy.map(\.job))
    }
    keyed = found
    return found
  }

  private func isIncomingEmpty() throws(CoordinatorError) -> Bool {
    if !arrivals.isEmpty { return false }
    return try onSpool { () throws(SpoolError) in try spool.incoming(atMost: 1).isEmpty }
  }
}
