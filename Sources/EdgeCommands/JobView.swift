internal import EdgeCoordinator
internal import EdgeJob
internal import EdgeLedger
internal import EdgeReport
internal import EdgeSpool
internal import EdgeSystem
internal import EdgeTrust
internal import Glibc

/// What can be told about a job by who may read it.
struct JobView {
  let spool: Spool
  /// What jobs cost; nil for who may not read the ledger.
  private let ledger: Ledger?

  init(_ spool: Spool) {
    self.spool = spool
    ledger = nil
  }

  /// With costs where the site is ours.
  init(_ site: Site) {
    spool = site.spool
    ledger = site.isOurs ? try? site.ledger() : nil
  }

  func ticket(at place: Place, _ job: JobID) throws -> Ticket {
    switch place.state {
    case .done, .dead, .cancelled, .held: try spool.record(place.state, job).ticket
    default: try spool.ticket(at: place.path)
    }
  }

  /// The job as a row; nil where it is nowhere.
  func row(_ job: JobID, why: [JobID: String] = [:]) throws -> JobRow? {
    for _ in 0..<3 {
      guard let place = try spool.locate(job) else {
        guard isInBatch(job) else { return nil }
        return JobRow(job: job, task: "", state: .incoming, why: "not admitted yet")
      }
      do {
        return try row(job, at: place, why: why[job])
      } catch let error as SpoolError where error.kind == .notFound {
        continue
      }
    }
    return nil
  }

  /// True where a batch becomes this job when it is admitted, or gives it its ticket.
  func isInBatch(_ job: JobID) -> Bool {
    if job.place != nil, spool.root.contains(Layout.path(.incoming, job.batch)) { return true }
    // Jobs with keys of their own are named by those.
    return ((try? spool.incoming(atMost: .max)) ?? [])
      .contains { JobID($0)?.isBatch == true && waitingJobs($0).contains(job) }
      || ((try? spool.openBatches()) ?? []).contains { id, next in
        let place = BatchPlace(open: id, next: next)
        guard let batch = try? spool.batch(at: place), batch.mayHaveKeys else { return false }
        return jobs(of: batch, at: place, from: next).contains(job)
      }
  }

  /// The jobs that a file in `incoming/` becomes; none for a bare archive, whose job is not known
  /// before it is admitted.
  func waitingJobs(_ name: String) -> [JobID] {
    guard let file = JobID(name) else { return [] }
    guard
      let descriptor = try? spool.root.open("\(Layout.incoming)/\(name)", O_RDONLY | O_NONBLOCK),
      let owner = try? descriptor.status().owner,
      let requests = try? Submission(head: descriptor.raw).requests, requests.count > 1
    else { return [file] }
    let naming = JobNaming(spool: spool, uid: owner)
    return requests.enumerated().map { index, request in
      naming.id(of: request, index: index, file: file, count: requests.count)
    }
  }

  func row(_ job: JobID, at place: Place, why: String?) throws -> JobRow {
    switch place.state {
    case .incoming:
      return JobRow(job: job, task: "", state: .incoming, why: whyIncoming(job, at: place))
    case .quarantine:
      let reason = spool.quarantineReason(job) ?? ""
      return JobRow(job: job, task: "", state: .quarantine, ending: .rejected(reason: reason))
    case .done, .dead, .cancelled, .held:
      return try row(try spool.record(place.state, job), state: place.state)
    case .ready, .inbox, .running, .outbox:
      let ticket = try spool.ticket(at: place.path)
      let silence = try place.worker.flatMap { try whySilent($0, place.state, ticket) }
      return row(ticket, state: place.state, worker: place.worker, why: silence ?? why)
    }
  }

  /// Why a job that was claimed does not get on: its worker on another machine fell silent; nil
  /// where it has not.
  private func whySilent(_ worker: String, _ state: JobState, _ ticket: Ticket) throws -> String? {
    let now = Clocks.milliseconds()
    guard state != .inbox, let silence = spool.silence(of: worker, now: now),
      spool.renewal(of: worker)?.hasEnded == false, try !spool.seemsAlive(worker, now: now)
    else { return nil }
    let host = spool.workerFile(worker).map { " on \($0.host)" } ?? ""
    let next =
      ticket.request.onLost == .wait
      ? "the job waits for it; cancel ends that" : "a coordinator takes the job away"
    return "worker \(worker)\(host) has not renewed its lease for \(silence / 1000) s; \(next)"
  }

  private func whyIncoming(_ job: JobID, at place: Place) -> String {
    let name = place.path.split(separator: "/").last.map(String.init) ?? ""
    if let shortage = spool.shortage() { return "not admitted: \(shortage)" }
    guard let next = Layout.batch(named: name)?.next, let index = job.place else {
      return "not admitted yet; no coordinator has run"
    }
    return whyInBatch(job.batch, ahead: index - next)
  }

  func whyInBatch(_ batch: JobID, ahead: Int) -> String {
    if let order = spool.order(of: batch), order.verb == .hold {
      return "its batch is held\(order.reason.isEmpty ? "" : ": \(order.reason)")"
    }
    return ahead == 0
      ? "the next of its batch to get a ticket"
      : "\(Amount.count(ahead, "job")) of its batch before it"
  }

  /// The jobs of a batch from an index on, in order.
  func jobs(of batch: BatchRequests, at place: BatchPlace, from next: Int) -> [JobID] {
    let naming = JobNaming(spool: spool, uid: batch.batch.submitter)
    return ((try? naming.members(of: batch, at: place, from: next)) ?? []).map(\.job)
  }

  private func row(_ ticket: Ticket, state: JobState, worker: String?, why: String?) -> JobRow {
    JobRow(
      job: ticket.job, task: ticket.manifest.name, queue: ticket.request.queue,
      account: ticket.account, state: state, attempt: ticket.attempt,
      priority: ticket.request.priority, worker: worker, ending: ticket.ending,
      why: ticket.hold ?? ticket.why ?? why, admitted: ticket.admitted)
  }

  private func row(_ record: JobRecord, state: JobState) throws -> JobRow {
    let ticket = record.ticket
    var row = row(ticket, state: state, worker: nil, why: nil)
    let end = try? ledger?.posting(job: ticket.job, phase: "end/\(ticket.round)")
    if let end, end.kind == .post { row.charged = end.amount }
    guard let envelope = record.receipts.last,
      // Only shown here; who settles has verified it.
      let text = try? JSON.parse(envelope)["payload"]?.text, let payload = Base64.bytes(text),
      let receipt = try? Receipt(statement: try JSON.parse(payload))
    else { return row }
    row.worker = receipt.worker
    row.attempt = receipt.attempt
    row.usage = receipt.usage
    row.finished = receipt.finished
    row.receipt = Digest(bytes: Hash.sha256(envelope))
    return row
  }
}
