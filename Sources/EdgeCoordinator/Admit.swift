internal import EdgeEconomy
internal import EdgeJob
internal import EdgeLedger
internal import EdgeSpool
internal import EdgeSystem

// incoming → ready: copy, inspect, reserve, publish the ticket, remove the submission.
//
// Crash points: before the reservation the submission is admitted again from its beginning; after
// it the ledger answers "already" and the ticket is written; after the ticket only the submission
// is removed.

extension Coordinator {
  /// A job that is ready to be reserved for.
  private struct Candidate {
    var ticket: Ticket
    var taken: Taken
  }

  /// How long submissions are collected before they are reserved for together. Long enough that
  /// their flushes, a few milliseconds, cost little beside it.
  private static let admitNanoseconds: Int64 = 50_000_000

  /// Admits what waits in `incoming/`, at most one batch.
  /// - Returns: true where there was anything.
  func admit() throws(CoordinatorError) -> Bool {
    let names = try onSpool { () throws(SpoolError) in try spool.incoming(atMost: policy.batch) }
    if names.isEmpty { return false }
    var candidates: [Candidate] = []
    var finished: [String] = []
    var hasNewBlob = false
    let started = Clocks.bootNanoseconds()
    for name in names {
      // The first ones need not wait for the inspection of all the others: workers may be idle.
      if !candidates.isEmpty, Clocks.bootNanoseconds() - started > Self.admitNanoseconds { break }
      guard let taken = try take(name) else { continue }
      hasNewBlob = hasNewBlob || taken.isNewBlob
      guard let jobs = try candidatesOf(taken) else { continue }
      candidates += jobs
      finished.append(name)
    }
    // Archives and submissions must be durable before the ledger counts on them. A single one was
    // flushed before it had a name.
    let needsAll = hasNewBlob || finished.count > 1
    if !candidates.isEmpty {
      try onSpool { () throws(SpoolError) in
        if needsAll { try spool.syncAll() } else { try spool.syncIncoming() }
      }
    }
    let admitted = try reserve(candidates)
    if !admitted.isEmpty {
      for candidate in admitted { try place(candidate.ticket) }
      try onSpool { () throws(SpoolError) in try spool.syncAll() }
    }
    for name in finished {
      try onSpool { () throws(SpoolError) in try spool.removeIncoming(name) }
    }
    return true
  }

  /// Copies one submission, or puts it into quarantine.
  private func take(_ name: String) throws(CoordinatorError) -> Taken? {
    do throws(SpoolError) {
      return try spool.take(name)
    } catch  where error.kind == .badInput {
      try reject(name, job: JobID(name), submitter: spool.owner, reason: error.what)
      return nil
    } catch {
      throw .spool(error)
    }
  }

  /// The jobs of a submission, checked as far as that needs no money; nil where it was rejected.
  private func candidatesOf(_ taken: Taken) throws(CoordinatorError) -> [Candidate]? {
    let inspection: Inspection
    if let known = inspections[taken.blob] {
      inspection = known
    } else {
      do throws(Refusal) {
        inspection = try inspect(taken.blob)
      } catch {
        try reject(
          taken.name, job: JobID(taken.name), submitter: taken.submitter, reason: error.reason)
        return nil
      }
      if inspections.count > 10_000 { inspections.removeAll() }
      inspections[taken.blob] = inspection
    }
    let requests = taken.requests.isEmpty ? [Request()] : taken.requests
    var candidates: [Candidate] = []
    for (index, request) in requests.enumerated() {
      guard let account = try account(of: request, taken.submitter) else {
        let wanted = request.account ?? "the default account"
        try reject(
          taken.name, job: JobID(taken.name), submitter: taken.submitter,
          reason: "uid \(taken.submitter) may not charge \(wanted)")
        return nil
      }
      let job = jobID(of: request, index: index, in: taken, count: requests.count)
      let manifest = capped(inspection.manifest)
      let worst = policy.tariff.worstCase(manifest).amount
      let reserved = request.creditsMax.map { min($0, worst) } ?? worst
      let budget = reserved < worst ? policy.tariff.cpuMilliseconds(for: reserved) : nil
      if budget == 0 {
        try reject(
          taken.name, job: JobID(taken.name), submitter: taken.submitter,
          reason: "\(reserved) credits buy no CPU time: allow more of them")
        return nil
      }
      let ticket = Ticket(
        job: job, request: request, account: account, submitter: taken.submitter,
        blob: inspection.blob, task: inspection.task, manifest: manifest, reserved: reserved,
        cpuBudget: budget, admitted: now(), notBefore: request.notBefore ?? 0, hold: request.hold)
      candidates.append(Candidate(ticket: ticket, taken: taken))
    }
    return candidates
  }

  func inspect(_ blob: Digest) throws(Refusal) -> Inspection {
    let file: Descriptor
    do throws(SpoolError) { file = try spool.openBlob(blob) } catch {
      throw Refusal("the archive cannot be read: \(error.what)")
    }
    let inspection = try inspector.inspect(file.raw)
    guard inspection.blob == blob else {
      throw Refusal("the inspector names another digest than the one that was copied")
    }
    return inspection
  }

  private func account(of request: Request, _ uid: UInt32) throws(CoordinatorError) -> String? {
    try onLedger { () throws(LedgerError) -> String? in
      let named = request.account.map { $0.contains(":") ? $0 : "user:\($0)" }
      let preferred = try ledger.defaultAccount(uid: uid)
      guard let account = named ?? preferred else { return nil }
      return try ledger.mayCharge(uid: uid, account: account) ? account : nil
    }
  }

  /// The id of one job of a submission; `JobNaming` gives the submitter the same one.
  private func jobID(of request: Request, index: Int, in taken: Taken, count: Int) -> JobID {
    let naming = JobNaming(spool: spool, uid: taken.submitter)
    if let file = JobID(taken.name) {
      return naming.id(of: request, index: index, file: file, count: count)
    }
    return naming.id(ofDropped: taken.name, blob: taken.blob, modified: taken.modified)
  }

  /// Reserves for all candidates in one transaction; those that cannot pay are rejected.
  private func reserve(_ candidates: [Candidate]) throws(CoordinatorError) -> [Candidate] {
    if candidates.isEmpty { return [] }
    var refused: [(Candidate, String)] = []
    var repeated: Set<JobID> = []
    do throws(LedgerError) {
      try ledger.write(epoch: epoch, now: now(), actor: actor) {
        (writer: borrowing LedgerWriter) throws(LedgerError) in
        for candidate in candidates {
          let ticket = candidate.ticket
          do throws(LedgerError) {
            let posted = try writer.reserve(
              job: ticket.job, round: 1, account: ticket.account, amount: ticket.reserved,
              facts: facts(of: ticket))
            if posted == .already { repeated.insert(ticket.job) }
          } catch {
            switch error {
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
    for (candidate, reason) in refused {
      let ticket = candidate.ticket
      // A conflict is about another job with that id, whose own files must not be touched.
      let isKnown =
        try onSpool { () throws(SpoolError) in try spool.locate(ticket.job) }
        .map { $0.state != .incoming && $0.state != .quarantine } ?? false
      try reject(
        candidate.taken.name, job: isKnown ? nil : ticket.job, submitter: ticket.submitter,
        reason: reason, removing: false)
    }
    let refusedJobs = Set(refused.map(\.0.ticket.job))
    var admitted: [Candidate] = []
    for candidate in candidates where !refusedJobs.contains(candidate.ticket.job) {
      // An earlier try may have written the ticket already, and the job may be anywhere by now.
      if repeated.contains(candidate.ticket.job), try isPlaced(candidate.ticket.job) { continue }
      if admitted.contains(where: { $0.ticket.job == candidate.ticket.job }) { continue }
      admitted.append(candidate)
    }
    return admitted
  }

  /// True where the reservation that the ledger has is for the same task.
  private func isSameTask(_ ticket: Ticket) throws(CoordinatorError) -> Bool {
    let posting = try onLedger { () throws(LedgerError) in
      try ledger.posting(job: ticket.job, phase: "reserve/1")
    }
    return posting?.facts["task"]?.text == ticket.task.hex
  }

  private func isPlaced(_ job: JobID) throws(CoordinatorError) -> Bool {
    if ready[job] != nil || live[job] != nil { return true }
    let place = try onSpool { () throws(SpoolError) in try spool.locate(job) }
    return place.map { $0.state != .incoming && $0.state != .quarantine } ?? false
  }

  /// Puts a ticket where it belongs: `ready/`, or `held/`. Not flushed.
  func place(_ ticket: Ticket) throws(CoordinatorError) {
    if ticket.hold != nil {
      try onSpool { () throws(SpoolError) in try spool.put(ticket, .held) }
    } else {
      do throws(SpoolError) { try spool.putReady(ticket) } catch  where error.kind == .conflict {
      } catch { throw .spool(error) }
      ready[ticket.job] = ReadyTicket(
        ticket: ticket, path: Layout.ready(ticket.job, queue: ticket.request.queue))
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
      events.append(.ended(job, .rejected(reason: reason), cost: .zero))
    } else {
      events.append(.notice("\(name) was rejected: \(reason)"))
    }
  }
}
