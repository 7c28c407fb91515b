internal import EdgeCoordinator
internal import EdgeJob
internal import EdgeReport
internal import EdgeScheduler
internal import EdgeSpool
internal import EdgeSystem

extension Document {
  /// What the scheduler would do with a job now, and why: the answer of `schedule --explain`.
  init(explaining job: JobID, at site: Site) throws {
    try site.requireOwner()
    let view = JobView(site)
    let state = try WaitReasons.state(site)
    guard let row = try view.row(job, why: state.reason(job).map { [job: $0] } ?? [:]) else {
      throw CommandFailure(
        .notFound, "there is no job \(job)", place: site.spool.path,
        next: "edgecoder status --all lists the jobs")
    }
    var rows = [
      Property("job", Cell(job.description)), Property("state", Cell(row.state.rawValue)),
      Property("why", Cell(Document.why(row))),
    ]
    let explanation = row.state == .ready ? state.explain(job) : nil
    var workers: [JSON] = []
    if let explanation {
      let ticket = try site.spool.ticket(at: Layout.ready(job, queue: explanation.queue))
      rows += Document.rows(explanation) + Document.times(ticket)
      workers = explanation.workers.map(\.json)
    }
    self.init(
      schema: "edgecoder.explain/1", properties: rows,
      notes: explanation?.workers.map { "worker \($0.worker): \($0.obstacle ?? "could take it")" }
        ?? [])
    facts.append(JSON.Member("workers", .array(workers)))
  }

  private static func why(_ row: JobRow) -> String {
    if let why = row.why { return why }
    if let ending = row.ending { return "it has ended: \(ending.summary)" }
    return row.worker.map { "worker \($0) has it" } ?? "a worker has it"
  }

  private static func rows(_ explanation: Explanation) -> [Property] {
    let share = explanation.share
    var rows = [
      Property("worker", Cell(explanation.worker ?? "none now"), explanation.worker.json),
      Property("priority", Cell(explanation.priority), .int(explanation.priority)),
      Property(
        "effectivePriorityMilli", title: "with aging",
        Cell(decimal(explanation.effectivePriority)), .int(explanation.effectivePriority)),
      Property(
        "ahead", title: "jobs before it",
        Cell(explanation.ahead.map(String.init) ?? "-"),
        explanation.ahead.map { .int(Int64($0)) } ?? .null),
      Property("account", Cell(explanation.account)),
      Property("weight", Cell(share.weight), .int(share.weight)),
      Property(
        "useMicroseconds", title: "used of late", Cell(Amount.duration(share.use / 1000)),
        .int(share.use)),
      Property(
        "inFlightMicroseconds", title: "expected of its running jobs",
        Cell(Amount.duration(share.inFlight / 1000)), .int(share.inFlight)),
      Property("queue", Cell(explanation.queue)),
    ]
    let caps = explanation.caps.map { "\($0.name): \($0.running) of \($0.most)" }
    rows.append(
      Property(
        "caps", title: "limits", Cell(caps.isEmpty ? "none" : caps.joined(separator: ", ")),
        .array(explanation.caps.map(\.json))))
    return rows
  }

  private static func times(_ ticket: Ticket) -> [Property] {
    let time = { (name: String, title: String, value: Int64?) in
      Property(
        name, title: title, Cell(value.map { UTCTime.text(milliseconds: $0) } ?? "-"),
        value.map { .int($0) } ?? .null)
    }
    let others = { (name: String, title: String, jobs: [JobID]) in
      Property(
        name, title: title,
        Cell(jobs.isEmpty ? "-" : jobs.map(\.description).joined(separator: ", ")),
        .texts(jobs.map(\.description)))
    }
    return [
      time("admitted", "admitted", ticket.admitted),
      time("notBefore", "not before", ticket.notBefore > 0 ? ticket.notBefore : nil),
      time("notAfter", "not after", ticket.request.notAfter),
      others("after", "waits for", ticket.request.after),
      others("afterAny", "waits for the end of", ticket.request.afterAny),
      others("afterNotOk", "waits for the failure of", ticket.request.afterNotOk),
      Property("attempt", Cell(ticket.attempt), .int(ticket.attempt)),
      Property(
        "faults", Cell(ticket.faults.map(\.name).joined(separator: ", ")),
        .array(ticket.faults.map(\.json))),
    ]
  }

  /// Thousandths as a decimal number.
  private static func decimal(_ thousandths: Int64) -> String {
    let digits = String(thousandths.magnitude % 1000 + 1000).dropFirst()
    return "\(thousandths < 0 ? "-" : "")\(thousandths.magnitude / 1000).\(digits)"
  }
}

extension Explanation.Fit {
  fileprivate var json: JSON {
    [
      "worker": .string(worker), "fits": .bool(obstacle == nil),
      "freeSlots": .int(Int64(freeSlots)), "obstacle": obstacle.json,
    ]
  }
}

extension Explanation.Cap {
  fileprivate var json: JSON {
    ["name": .string(name), "running": .int(Int64(running)), "most": .int(Int64(most))]
  }
}

extension String? {
  fileprivate var json: JSON { map { .string($0) } ?? .null }
}
