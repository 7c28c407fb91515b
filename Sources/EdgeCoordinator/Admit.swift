internal import EdgeEconomy
internal import EdgeJob
internal import EdgeLedger
internal import EdgeSpool
internal import EdgeSystem

// incoming → ready: copy, inspect, reserve, publish the ticket, remove the submission. A batch
// becomes one file in batches/ first, and its tickets are made a bounded number ahead.
//
// Crash points: before the reservation the submission is admitted again from its beginning; after
// it the ledger answers "already" and the ticket is written; after the ticket only the submission
// is removed.

/// A job that is ready to be reserved for.
struct Candidate {
  var ticket: Ticket
  /// Its submission in `incoming/`; nil where a batch's file stands for it.
  var name: String?
  /// The batch and the place in it.
  var batch: JobID?
  var index = 0
}

/// What came of a request.
enum Checked {
  case ticket(Ticket)
  case refused(String)
}

extension Coordinator {
  /// How long submissions are collected before they are reserved for together. Long enough that
  /// their flushes, a few milliseconds, cost little beside it.
  private static let admitNanoseconds: Int64 = 50_000_000

  /// Admits what waits in `incoming/` and in the open batches, at most one round's share.
  /// - Returns: true where there was anything.
  func admit() throws(CoordinatorError) -> Bool {
    if isShort() { return false }
    let names = try nextArrivals()
    var candidates: [Candidate] = []
    var finished: [String] = []
    var needsAll = false
    let started = Clocks.bootNanoseconds()
    for (place, name) in names.enumerated() {
      // The first ones need not wait for the inspection of all the others: workers may be idle.
      if !candidates.isEmpty, Clocks.bootNanoseconds() - started > Self.admitNanoseconds {
        arrivals += names[place...].reversed()
        break
      }
      beat()
      guard let taken = try take(name) else { continue }
      CrashPoint.admitTaken.reached()
      needsAll = needsAll || taken.isNewBlob
      if let requests = taken.requests, requests.count > 1 {
        guard try takeBatch(taken, requests) else { continue }
        needsAll = true
      } else if let candidate = try candidate(of: taken) {
        candidates.append(candidate)
      } else {
        continue
      }
      finished.append(name)
    }
    let sliced = try slices()
    // Archives and submissions must be durable before the ledger counts on them. A single one was
    // flushed before it had a name.
    if !finished.isEmpty {
      try onSpool { () throws(SpoolError) in
        if needsAll || finished.count > 1 { try spool.syncAll() } else { try spool.syncIncoming() }
      }
    }
    candidates += sliced
    if !candidates.isEmpty { CrashPoint.admitFlushed.reached() }
    let admitted = try reserve(candidates)
    if !admitted.isEmpty {
      CrashPoint.admitReserved.reached()
      for candidate in admitted {
        try place(candidate.ticket)
        CrashPoint.admitPlaced.reached()
      }
      try onSpool { () throws(SpoolError) in try spool.syncAll() }
      CrashPoint.admitDurable.reached()
    }
    try advanceBatches(sliced)
    for name in finished {
      try onSpool { () throws(SpoolError) in try spool.removeIncoming(name) }
      CrashPoint.admitRemoved.reached()
    }
    return !names.isEmpty || !sliced.isEmpty
  }

  /// Whether the disk is so full that what was begun needs the rest of it; tells once.
  private func isShort() -> Bool {
    let shortage = spool.shortage()
    if let shortage, self.shortage == nil {
      events.append(.notice("nothing is admitted at present: \(shortage)"))
    }
    self.shortage = shortage
    return shortage != nil
  }

  /// The next names in `incoming/`. All of them are listed at once, and listed again only when
  /// these are through: a list costs as much as there are names.
  private func nextArrivals() throws(CoordinatorError) -> [String] {
    if arrivals.isEmpty {
      arrivals = try onSpool { () throws(SpoolError) in try spool.incoming(atMost: .max) }
        .reversed()
    }
    let names = arrivals.suffix(policy.batch).reversed()
    arrivals.removeLast(names.count)
    return Array(names)
  }

  /// Copies one submission, or puts it into quarantine.
  private func take(_ name: String) throws(CoordinatorError) -> Taken? {
    do throws(SpoolError) {
      return try spool.take(name)
    } catch  where error.kind == .badInput {
      try reject(name, job: JobID(name), submitter: spool.owner, reason: error.what)
      return nil
    } catch  where error.kind == .notFound {
      return nil
    } catch {
      throw .spool(error)
    }
  }

  /// The job of a submission that has one, checked as far as that needs no money; nil where it was
  /// rejected.
  private func candidate(of taken: Taken) throws(CoordinatorError) -> Candidate? {
    guard let inspection = try inspection(of: taken) else { return nil }
    let request = taken.requests?[0] ?? Request()
    let job = jobID(of: request, in: taken)
    switch try ticket(job, request, inspection, taken.submitter, admitted: now()) {
    case .ticket(let ticket): return Candidate(ticket: ticket, name: taken.name)
    case .refused(let reason):
      try reject(taken.name, job: JobID(taken.name), submitter: taken.submitter, reason: reason)
      return nil
    }
  }

  /// Makes a batch of a submission; its jobs get their tickets later.
  /// - Returns: false where it was rejected.
  private func takeBatch(_ taken: Taken, _ requests: RequestList) throws(CoordinatorError) -> Bool {
    guard let inspection = try inspection(of: taken) else { return false }
    let naming = JobNaming(spool: spool, uid: taken.submitter)
    let name =
      JobID(taken.name)
      ?? naming.id(ofDropped: taken.name, blob: taken.blob, modified: taken.modified).batch
    if requests.key != nil, name != naming.file(of: requests) {
      try reject(
        taken.name, job: nil, submitter: taken.submitter, reason: "it is not named as its key says")
      return false
    }
    for request in try oneOfEachAccount(requests) {
      guard try account(of: request, taken.submitter) != nil else {
        try rejectAll(
          taken, requests,
          reason: "uid \(taken.submitter) may not charge \(request.account ?? "any account")")
        return false
      }
    }
    if let place = spool.place(ofBatch: name) {
      let known = try onSpool { () throws(SpoolError) in try spool.batch(at: place).batch }
      if known.blob == taken.blob,
        try onSpool({ () throws(SpoolError) in try spool.hasSameRequests(place, as: requests) })
      {
        return true
      }
      try reject(
        taken.name, job: nil, submitter: taken.submitter,
        reason: "the key names batch \(name) with other content")
      return false
    }
    if let reason = try unaffordable(requests[0], inspection, taken.submitter) {
      try rejectAll(taken, requests, reason: reason)
      return false
    }
    let file = BatchFile(
      id: name, submitter: taken.submitter, blob: taken.blob, task: inspection.task,
      count: requests.count, admitted: now())
    try onSpool { () throws(SpoolError) in try spool.putBatch(file, requests) }
    CrashPoint.batchPut.reached()
    try openBatch(name, next: 0)
    return true
  }

  private func oneOfEachAccount(_ requests: RequestList) throws(CoordinatorError) -> [Request] {
    guard case .each(let each) = requests.form else { return [requests[0]] }
    var seen: Set<String?> = []
    return each.filter { seen.insert($0.account).inserted }
  }

  /// Why the first job of a batch cannot be paid for; nil where it can.
  private func unaffordable(_ request: Request, _ inspection: Inspection, _ submitter: UInt32)
    throws(CoordinatorError) -> String?
  {
    let probe = try ticket(
      JobID(milliseconds: 0, random: [UInt8](repeating: 0, count: 10)), request, inspection,
      submitter, admitted: 0)
    switch probe {
    case .refused(let reason): return reason
    case .ticket(let ticket):
      let available = try onLedger { () throws(LedgerError) in
        try ledger.balance(ticket.account).available
      }
      if ticket.reserved <= available { return nil }
      let short = LedgerError.notEnoughCredits(
        account: ticket.account, available: available, needed: ticket.reserved)
      return "\(short)"
    }
  }

  /// What the inspector says of a submission's archive; nil where it was rejected.
  private func inspection(of taken: Taken) throws(CoordinatorError) -> Inspection? {
    do throws(Refusal) { return try inspected(taken.blob) } catch {
      try reject(
        taken.name, job: JobID(taken.name), submitter: taken.submitter, reason: error.reason)
      return nil
    }
  }

  /// As `inspect`, once for each archive.
  func inspected(_ blob: Digest) throws(Refusal) -> Inspection {
    if let known = inspections[blob] { return known }
    let inspection = try inspect(blob)
    if inspections.count > 1000 { inspections.removeAll() }
    inspections[blob] = inspection
    return inspection
  }

  /// The ticket of a request, checked as far as that needs no money.
  func ticket(
    _ job: JobID, _ request: Request, _ inspection: Inspection, _ submitter: UInt32,
    admitted: Int64
  ) throws(CoordinatorError) -> Checked {
    guard let account = try account(of: request, submitter) else {
      let wanted = request.account ?? "the default account"
      return .refused("uid \(submitter) may not charge \(wanted)")
    }
    let manifest = capped(inspection.manifest)
    let worst = policy.tariff.worstCase(manifest).amount
    let reserved = request.creditsMax.map { min($0, worst) } ?? worst
    let budget = reserved < worst ? policy.tariff.cpuMilliseconds(for: reserved) : nil
    if budget == 0 {
      return .refused("\(reserved) credits buy no CPU time: allow more of them")
    }
    return .ticket(
      Ticket(
        job: job, request: request, account: account, submitter: submitter,
        blob: inspection.blob, task: inspection.task, manifest: manifest, reserved: reserved,
        cpuBudget: budget, admitted: admitted, notBefore: request.notBefore ?? 0,
        hold: request.hold))
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
    if let known = chargeable[.init(uid: uid, account: request.account)] { return known }
    let found = try onLedger { () throws(LedgerError) -> String? in
      let named = request.account.map { $0.contains(":") ? $0 : "user:\($0)" }
      let preferred = try ledger.defaultAccount(uid: uid)
      guard let account = named ?? preferred else { return nil }
      return try ledger.mayCharge(uid: uid, account: account) ? account : nil
    }
    if let found { chargeable[.init(uid: uid, account: request.account)] = found }
    return found
  }

  /// The id of the job of a submission; `JobNaming` gives the submitter the same one.
  private func jobID(of request: Request, in taken: Taken) -> JobID {
    let naming = JobNaming(spool: spool, uid: taken.submitter)
    if let file = JobID(taken.name) {
      return naming.id(of: request, index: 0, file: file, count: 1)
    }
    return naming.id(ofDropped: taken.name, blob: taken.blob, modified: taken.modified)
  }
}
