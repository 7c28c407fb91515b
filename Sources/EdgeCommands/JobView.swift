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

  /// True where a batch in `incoming/` becomes this job when it is admitted.
  func isInBatch(_ job: JobID) -> Bool {
    if job.place != nil, spool.root.contains(Layout.path(.incoming, job.batch)) { return true }
    // Jobs with keys of their own are named by those.
    return ((try? spool.incoming(atMost: .max)) ?? [])
      .contains { JobID($0)?.isBatch == true && waitingJobs($0).contains(job) }
  }

  /// The jobs that a file in `incoming/` becomes; none for a bare archive, whose job is not known
  /// before it is admitted.
  private func waitingJobs(_ name: String) -> [JobID] {
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
      return row(ticket, state: place.state, worker: place.worker, why: why)
    }
  }

  private func whyIncoming(_ job: JobID, at place: Place) -> String {
    let name = place.path.split(separator: "/").last.map(String.init) ?? ""
    guard let next = Layout.batch(named: name)?.next, let index = job.place else {
      return "not admitted yet; no coordinator has run"
    }
    return "\(Amount.count(index - next, "job")) of its batch get a ticket before it"
  }

  /// The jobs of a batch that have no ticket, from its file in `batches/`.
  private func jobsWithoutTicket(of id: JobID, next: Int) -> [JobID] {
    let place = BatchPlace(open: id, next: next)
    guard let batch = try? spool.batch(at: place) else { return [] }
    let naming = JobNaming(spool: spool, uid: batch.batch.submitter)
    var jobs: [JobID] = []
    while next + jobs.count < batch.batch.count {
      let index = next + jobs.count
      guard
        let requests = try? spool.requests(of: batch, at: place, from: index, atMost: .max / 2),
        !requests.isEmpty
      else { break }
      jobs += requests.enumerated().map { offset, request in
        naming.id(of: request, index: index + offset, file: id, count: max(2, batch.batch.count))
      }
    }
    return jobs
  }

  private func row(_ ticket: Ticket, state: JobState, worker: String?, why: String?) -> JobRow {
    JobRow(
      job: ticket.job, task: ticket.manifest.name, queue: ticket.request.queue,
      account: ticket.account, state: state, attempt: ticket.attempt,
      priority: ticket.request.priority, worker: worker, ending: ticket.ending,
      why: ticket.hold ?? why, admitted: ticket.admitted)
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

  /// Every job that is not done, and the newest done ones.
  func all(states: Set<JobState>, why: [JobID: String]) throws -> [JobRow] {
    var rows: [JobRow] = []
    for name in try spool.incoming(atMost: .max) where states.contains(.incoming) {
      rows += waitingJobs(name).map {
        JobRow(job: $0, task: "", state: .incoming, why: "not admitted yet")
      }
    }
    for (id, next) in try spool.openBatches() where states.contains(.incoming) {
      rows += jobsWithoutTicket(of: id, next: next).enumerated().map { ahead, job in
        JobRow(
          job: job, task: "", state: .incoming,
          why: "\(Amount.count(ahead, "job")) of its batch get a ticket before it")
      }
    }
    if states.contains(.ready) {
      for (job, path) in try spool.readyJobs() {
        let place = Place(state: .ready, path: path, worker: nil, fence: nil)
        if let row = try? row(job, at: place, why: why[job]) { rows.append(row) }
      }
    }
    for item in try spool.workerItems() where states.contains(item.state) {
      let place = Place(
        state: item.state, path: item.path, worker: item.worker, fence: item.job.fence)
      if let row = try? row(item.job.job, at: place, why: nil) { rows.append(row) }
    }
    for state in [JobState.held, .dead, .cancelled, .done] where states.contains(state) {
      for job in try spool.jobs(state) {
        let place = Place(
          state: state, path: Layout.path(state, job), worker: nil, fence: nil)
        if let row = try? row(job, at: place, why: nil) { rows.append(row) }
      }
    }
    if states.contains(.quarantine) {
      for name in try spool.directory(Layout.quarantine).entries() where name.hasSuffix(".json") {
        // What was no submission of a job has another name, and no row.
        guard let job = JobID(String(name.dropLast(5))) else { continue }
        let place = Place(
          state: .quarantine, path: Layout.path(.quarantine, job), worker: nil, fence: nil)
        if let row = try? row(job, at: place, why: nil) { rows.append(row) }
      }
    }
    return rows
  }
}
