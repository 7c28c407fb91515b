internal import EdgeJob
internal import EdgeLedger
internal import EdgeScheduler
internal import EdgeSpool
internal import EdgeSystem

// Jobs that wait for others.

extension Coordinator {
  /// How the reason of a hold begins where a dependency failed.
  package static let fallenPrefix = "its dependency failed: "

  /// Why a job ends that waited for this one.
  static func fallen(_ because: JobID) -> String {
    "\(because.named), which it waits for, did not end as it had to"
  }

  /// Ends jobs in `ready/` that may not start any more: their last time has passed, or they fell
  /// with another one.
  /// - Returns: true where there was any.
  func endFallen() throws(CoordinatorError) -> Bool {
    let fallen = ready.advance(to: now())
    for job in fallen.expired {
      if let (ticket, path) = try leaving(job) { try endWithoutResult(ticket, .expired, at: path) }
    }
    try fall(fallen.dependencyFailed)
    return !fallen.expired.isEmpty || !fallen.dependencyFailed.isEmpty
  }

  /// Ends jobs that fell with another one, or holds them where they ask for that.
  private func fall(_ fallen: [(job: JobID, because: JobID)]) throws(CoordinatorError) {
    for start in stride(from: 0, to: fallen.count, by: Self.sliceCount) {
      beat()
      var ending: [(ticket: Ticket, path: String)] = []
      var held: [(ticket: Ticket, reason: String, path: String)] = []
      for (job, because) in fallen[start..<min(start + Self.sliceCount, fallen.count)] {
        guard let (known, path) = try leaving(job) else { continue }
        var ticket = known
        let why = Coordinator.fallen(because)
        if ticket.request.onDependencyFailed == .hold {
          held.append((ticket, Coordinator.fallenPrefix + why, path))
        } else {
          ticket.why = why
          ending.append((ticket, path))
        }
      }
      try putOnHold(held)
      for (ticket, reason, _) in held { events.append(.held(ticket.job, reason)) }
      try endWithoutResult(ending, .dependencyFailed)
    }
  }

  /// The ticket of a job that the queue has let fall, and where it is; nil where it is not in
  /// `ready/` any more.
  private func leaving(_ job: JobID) throws(CoordinatorError) -> (ticket: Ticket, path: String)? {
    pausing.remove(job)
    if let known = recentTickets.removeValue(forKey: job) {
      return (known, Layout.ready(job, queue: known.request.queue))
    }
    guard let place = try onSpool({ () throws(SpoolError) in try spool.locate(job) }),
      place.state == .ready
    else { return nil }
    return (try onSpool { () throws(SpoolError) in try spool.ticket(at: place.path) }, place.path)
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

  /// Looks again at jobs that wait for somebody whom nobody knew, or who was rejected.
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
  enum ParentEnd { case open, passed, notPassed, unknown }

  func end(of job: JobID) throws(CoordinatorError) -> ParentEnd {
    if ready.contains(job) || live[job] != nil { return .open }
    if job.isBatch, awaited[job] != nil || spool.place(ofBatch: job) != nil {
      return try end(ofBatch: job)
    }
    let place = try onSpool { () throws(SpoolError) in try spool.locate(job) }
    if let place, place.state != .quarantine {
      // Nobody says when a batch is admitted; it is looked for again.
      if job.isBatch, place.state == .incoming { return .unknown }
      guard place.state.isFinal else { return .open }
      guard place.state == .done else { return .notPassed }
      let record = try onSpool { () throws(SpoolError) in try spool.record(.done, job) }
      return record.ticket.ending == .verdict(.passed) ? .passed : .notPassed
    }
    if try keyedAhead().contains(job) { return .open }
    // What was rejected may only have borne the name of a job that was pruned.
    let end = try pastEnd(of: job)
    return end == .unknown && place != nil ? .notPassed : end
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
