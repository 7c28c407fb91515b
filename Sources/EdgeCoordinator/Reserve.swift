internal import EdgeJob
internal import EdgeLedger
internal import EdgeScheduler
internal import EdgeSpool

// The one transaction of admit: credits are held back for all candidates of a round.

extension Coordinator {
  /// Reserves for all candidates in one transaction; those that cannot pay are rejected, or wait
  /// where they belong to a batch.
  /// - Returns: those that need a ticket now.
  func reserve(_ candidates: [Candidate]) throws(CoordinatorError) -> [Candidate] {
    if candidates.isEmpty { return [] }
    var refused: [(Candidate, String)] = []
    var repeated: Set<JobID> = []
    var short: Set<JobID> = []
    do throws(LedgerError) {
      try ledger.write(epoch: epoch, now: now(), actor: actor) {
        (writer: borrowing LedgerWriter) throws(LedgerError) in
        refused = []
        for candidate in candidates {
          let ticket = candidate.ticket
          // The rest of a batch waits with the first of it that cannot be paid for now.
          if let batch = candidate.batch, short.contains(batch) { continue }
          do throws(LedgerError) {
            let posted = try writer.reserve(
              job: ticket.job, round: 1, account: ticket.account, amount: ticket.reserved,
              facts: facts(of: ticket))
            if posted == .already { repeated.insert(ticket.job) }
          } catch {
            switch error {
            case .notEnoughCredits where candidate.batch != nil:
              if let batch = candidate.batch { short.insert(batch) }
              refused.append((candidate, "\(error)"))
            case .notEnoughCredits, .conflict, .notAllowed, .unknownAccount:
              refused.append((candidate, "\(error)"))
            default: throw error
            }
          }
        }
      }
    } catch {
      throw .ledger(error)
    }
    for candidate in candidates where repeated.contains(candidate.ticket.job) {
      if try !isSameTask(candidate.ticket) {
        refused.append((candidate, "the key names job \(candidate.ticket.job) with another task"))
      }
    }
    return try sorted(candidates, refused: refused, repeated: repeated, short: short)
  }

  /// Rejects what was refused, and leaves out what has its ticket already.
  private func sorted(
    _ candidates: [Candidate], refused: [(Candidate, String)], repeated: Set<JobID>,
    short: Set<JobID>
  ) throws(CoordinatorError) -> [Candidate] {
    shortBatches = [:]
    for (candidate, reason) in refused {
      if let batch = candidate.batch, short.contains(batch),
        !repeated.contains(candidate.ticket.job)
      {
        shortBatches[batch] = candidate.index
        pause(batch, "\(reason); it goes on when there are enough")
        continue
      }
      try reject(candidate, reason)
    }
    let refusedJobs = Set(refused.map(\.0.ticket.job))
    var admitted: [Candidate] = []
    var seen: Set<JobID> = []
    for candidate in candidates where !refusedJobs.contains(candidate.ticket.job) {
      if let batch = candidate.batch, let end = shortBatches[batch], candidate.index >= end {
        continue
      }
      // An earlier try may have written the ticket already, and the job may be anywhere by now.
      if repeated.contains(candidate.ticket.job), try isPlaced(candidate.ticket.job) { continue }
      if !seen.insert(candidate.ticket.job).inserted { continue }
      admitted.append(candidate)
    }
    return admitted
  }

  /// Moves the batches on whose next jobs were dealt with, except those that wait for credits.
  func advanceBatches(_ sliced: [Candidate]) throws(CoordinatorError) {
    var ends: [JobID: Int] = [:]
    for candidate in sliced {
      if let batch = candidate.batch { ends[batch] = max(ends[batch] ?? 0, candidate.index + 1) }
    }
    for (id, end) in ends {
      guard let index = batches.firstIndex(where: { $0.file.id == id }) else { continue }
      let reached = min(end, shortBatches[id] ?? end)
      batches[index].ahead += sliced.filter { $0.batch == id && $0.index < reached }
        .map(\.ticket.job)
      let count = reached - batches[index].next
      if count > 0 { try advance(id, by: count) }
    }
    shortBatches = [:]
  }

  private func reject(_ candidate: Candidate, _ reason: String) throws(CoordinatorError) {
    let ticket = candidate.ticket
    // A conflict is about another job with that id, whose own files must not be touched.
    let isKnown =
      try onSpool { () throws(SpoolError) in try spool.locate(ticket.job) }
      .map { $0.state != .incoming && $0.state != .quarantine } ?? false
    guard let name = candidate.name else {
      if !isKnown {
        try rejectJob(ticket.job, submitter: ticket.submitter, reason: reason)
      } else {
        events.append(.notice("job \(ticket.job) of a batch: \(reason)"))
      }
      return
    }
    try reject(
      name, job: isKnown ? nil : ticket.job, submitter: ticket.submitter, reason: reason,
      removing: false)
  }

  /// True where the reservation that the ledger has is for the same task.
  private func isSameTask(_ ticket: Ticket) throws(CoordinatorError) -> Bool {
    let posting = try onLedger { () throws(LedgerError) in
      try ledger.posting(job: ticket.job, phase: "reserve/1")
    }
    return posting?.facts["task"]?.text == ticket.task.hex
  }

  /// True where a job that is reserved for needs no ticket: it has one, or it has ended.
  private func isPlaced(_ job: JobID) throws(CoordinatorError) -> Bool {
    if ready.contains(job) || live[job] != nil { return true }
    let place = try onSpool { () throws(SpoolError) in try spool.locate(job) }
    if place.map({ $0.state != .incoming && $0.state != .quarantine }) ?? false { return true }
    // What has ended may have been pruned since.
    return try onLedger { () throws(LedgerError) in
      let round = try ledger.lastRound(job: job)
      if round == 0 { return false }
      return try ledger.posting(job: job, phase: "end/\(round)") != nil
    }
  }

  /// Puts a ticket where it belongs: `ready/`, or `held/`. Not flushed.
  func place(_ ticket: Ticket) throws(CoordinatorError) {
    if ticket.hold != nil {
      try onSpool { () throws(SpoolError) in try spool.put(ticket, .held) }
    } else {
      do throws(SpoolError) { try spool.putReady(ticket) } catch  where error.kind == .conflict {
      } catch { throw .spool(error) }
      try enqueue(ticket)
    }
    events.append(.admitted(ticket.job))
  }

  /// Puts a submission into quarantine with the reason, and tells.
  func reject(
    _ name: String, job: JobID?, submitter: UInt32, reason: String, removing: Bool = true
  ) throws(CoordinatorError) {
    try onSpool { () throws(SpoolError) in
      try spool.quarantine(name, job: job, submitter: submitter, reason: reason)
      if removing { try spool.removeIncoming(name) }
    }
    if let job {
      lookAgainAtDependents(of: job)
      events.append(.ended(job, .rejected(reason: reason), cost: .zero))
    } else {
      events.append(.notice("\(name) was rejected: \(reason)"))
    }
  }

  /// Notes why one job of a batch was rejected.
  func rejectJob(_ job: JobID, submitter: UInt32, reason: String) throws(CoordinatorError) {
    try onSpool { () throws(SpoolError) in
      try spool.quarantineNote(job, submitter: submitter, reason: reason)
    }
    lookAgainAtDependents(of: job)
    events.append(.ended(job, .rejected(reason: reason), cost: .zero))
  }

  /// Rejects every job of a batch: its file once, and a note for each.
  func rejectAll(_ taken: Taken, _ requests: RequestList, reason: String) throws(CoordinatorError) {
    let naming = JobNaming(spool: spool, uid: taken.submitter)
    let file = JobID(taken.name) ?? naming.file(of: requests)
    for (index, request) in requests.enumerated() {
      let job = naming.id(of: request, index: index, file: file, count: requests.count)
      // One note stands for all whose names say where they belong.
      if job.batch == file, file.isBatch {
        lookAgainAtDependents(of: job)
        events.append(.ended(job, .rejected(reason: reason), cost: .zero))
      } else {
        try rejectJob(job, submitter: taken.submitter, reason: reason)
      }
    }
    try onSpool { () throws(SpoolError) in
      try spool.quarantine(
        taken.name, job: file.isBatch ? file : nil, submitter: taken.submitter, reason: reason)
      try spool.removeIncoming(taken.name)
    }
  }
}
