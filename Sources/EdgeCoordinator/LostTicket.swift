internal import EdgeJob
internal import EdgeLedger
internal import EdgeScheduler
internal import EdgeSpool
internal import EdgeSystem

// Tickets in the folders of workers. A worker of another uid can remove or replace what lies there:
// that must neither stop us nor lose the job.

extension Coordinator {
  /// The ticket of a job that a worker has: its file; else as we assigned it; else made anew from
  /// the reservation and the archive, then without its earlier faults.
  /// - Returns: nil where nothing of it is known. What lies there and is no ticket of ours has gone
  ///   into quarantine.
  func ticket(of item: WorkerItem) throws(CoordinatorError) -> Ticket? {
    do throws(SpoolError) {
      return try spool.ticket(at: item.path)
    } catch  where error.kind == .notFound {
    } catch  where error.kind == .badInput || error.kind == .notPermitted {
      try onSpool { () throws(SpoolError) in
        try spool.quarantineOutbox(item.path, reason: error.what)
      }
      events.append(.notice("\(item.path) was put into quarantine: \(error.what)"))
    } catch {
      throw .spool(error)
    }
    if let right = live[item.job.job], right.fence == item.job.fence, let ticket = right.ticket {
      return ticket
    }
    let ticket = try rebuilt(item.job.job)
    if ticket == nil { events.append(.notice("the ticket of job \(item.job.job) is lost")) }
    return ticket
  }

  /// Makes tickets anew of jobs that are reserved for and stand nowhere: a worker of another uid
  /// removed one, or a file system without a journal lost a rename in a power cut. Goes on with
  /// those that were to start anew and did not.
  /// - Returns: true where there was any.
  func findLostJobs() throws(CoordinatorError) -> Bool {
    var found = false
    let open = try onLedger { () throws(LedgerError) in try ledger.openReservations() }
    for reservation in open where !ready.contains(reservation.job) && live[reservation.job] == nil {
      let job = reservation.job
      if let place = try onSpool({ () throws(SpoolError) in try spool.locate(job) }) {
        found = try finishRetry(reservation, at: place) || found
        continue
      }
      guard let ticket = try rebuilt(job) else {
        events.append(.notice("job \(job) is reserved for and stands nowhere"))
        continue
      }
      try place(ticket)
      events.append(.notice("the ticket of job \(job) was lost, and is made anew"))
      found = true
    }
    if found { try onSpool { () throws(SpoolError) in try spool.syncAll() } }
    return found
  }

  /// What the ledger and the archive say of a job that is reserved for and has not ended.
  private func rebuilt(_ job: JobID) throws(CoordinatorError) -> Ticket? {
    let round = try onLedger { () throws(LedgerError) in try ledger.lastRound(job: job) }
    let end = try onLedger { () throws(LedgerError) in
      try ledger.posting(job: job, phase: "end/\(round)")
    }
    return end == nil ? try reservedTicket(job) : nil
  }

  /// The ticket of a job as its last reservation and the archive say; nil where they do not.
  func reservedTicket(_ job: JobID) throws(CoordinatorError) -> Ticket? {
    let posting = try onLedger { () throws(LedgerError) -> Posting? in
      let round = try ledger.lastRound(job: job)
      return round > 0 ? try ledger.posting(job: job, phase: "reserve/\(round)") : nil
    }
    guard let posting, let blob = posting.facts["blob"]?.text.flatMap({ Digest(hex: $0) }),
      let submitter = posting.facts["submitter"]?.integer.flatMap({ UInt32(exactly: $0) }),
      let json = posting.facts["request"], let request = try? Request(json: json),
      let inspection = try? inspect(blob), inspection.task.hex == posting.facts["task"]?.text,
      let round = Int64(posting.phase.dropFirst("reserve/".count))
    else { return nil }
    return Ticket(
      job: job, request: request, account: posting.account, submitter: submitter, blob: blob,
      task: inspection.task, manifest: capped(inspection.manifest), reserved: posting.amount,
      admitted: posting.ts, round: round, notBefore: request.notBefore ?? 0, hold: request.hold)
  }

  /// The facts of a reservation: enough to make the ticket anew.
  func facts(of ticket: Ticket) -> JSON {
    [
      "blob": .string(ticket.blob.hex), "task": .string(ticket.task.hex),
      "request": ticket.request.json, "submitter": .int(Int64(ticket.submitter)),
    ]
  }

  /// With no limit above what the site allows.
  func capped(_ manifest: TaskManifest) -> TaskManifest {
    var manifest = manifest
    manifest.limits = manifest.limits.capped(by: policy.limitsMax)
    if var verifier = manifest.verifier {
      verifier.limits = verifier.limits.capped(by: policy.limitsMax)
      manifest.verifier = verifier
    }
    return manifest
  }

  /// Jobs that a dead worker had and of which it left no file.
  func goneItems(of worker: String) -> [WorkerItem] {
    live.filter { $0.value.worker == worker }.map { job, right in
      let fenced = FencedJob(job: job, fence: right.fence)
      return WorkerItem(
        worker: worker, job: fenced, state: .running,
        path: "\(Layout.worker(worker, .running))/\(fenced)")
    }
  }
}
