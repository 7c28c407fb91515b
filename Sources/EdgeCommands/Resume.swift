internal import ArgumentParser
internal import EdgeCoordinator
internal import EdgeJob
internal import EdgeLedger
internal import EdgeReport
internal import EdgeSpool
internal import EdgeSystem

/// `edgecoder resume`.
struct Resume: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume",
    abstract: "Runs anew what of batches or jobs has given no verdict.",
    discussion: """
      Example: edgecoder resume --batch 01jd8w6k3m2v9c5x7r1t4b0n6q

      Jobs that are dead, cancelled, or fell with another one start anew, parents first; what \
      passed, failed or expired stays, and so does what is under way. To say it twice changes \
      nothing more. The exit code is 77 where some cannot be paid for.
      """)

  @OptionGroup var jobs: JobArguments
  @OptionGroup var place: SpoolOptions

  @Flag(help: "The whole batches of these jobs.")
  var batch = false

  @OptionGroup var output: OutputOptions

  func run() throws {
    let site = try Site(place)
    var plan = ResumePlan(site)
    for id in try jobs.ids() { try plan.add(batch ? id.batch : id) }
    var again = plan.order()
    var unpaid: Set<JobID> = []
    var notStarted = plan.fallen
    if !again.isEmpty {
      let request = ControlRequest(.retry, again, reason: "resumed")
      if site.isOurs, let coordinator = try site.lead() {
        try coordinator.obey(request, of: Identity.user)
        for event in coordinator.events {
          switch event {
          case .notice(let text): Console.note(text)
          case .unpaid(let job, let reason):
            Console.note("job \(job): \(reason)")
            unpaid.insert(job)
          default: continue
          }
        }
        // Nobody has assigned any of them since.
        again = try again.filter { try site.spool.locate($0)?.state == .ready }
        notStarted = plan.candidateCount - again.count
      } else {
        try site.spool.askFor(request)
        Console.note("asked the coordinator to start \(Amount.count(again.count, "job")) anew")
      }
    }
    let count = { (name: String, title: String, number: Int) in
      Property(name, title: title, Cell(Int64(number)), .int(Int64(number)))
    }
    try output.render(
      Document(
        schema: "edgecoder.resume/1",
        properties: [
          Property(
            "resumed", title: "started anew", Cell(Int64(again.count)),
            .texts(again.map(\.description))),
          count("verdicts", "have a verdict", plan.verdicts),
          count("underway", "are under way", plan.underway),
          count("fallen", "would fall again with another job", notStarted - unpaid.count),
          count("expired", "have expired", plan.expired),
          count("rejected", "were rejected", plan.rejected),
          count("unpaid", "cannot be paid for", unpaid.count),
        ]))
    if !unpaid.isEmpty {
      throw CommandFailure(
        .notPermitted, "\(Amount.count(unpaid.count, "job")) did not start anew",
        place: site.spool.path, why: "there are not enough credits",
        next: "grant some with edgecoder account grant, then repeat this")
    }
  }
}

/// Which jobs of some batches start anew, each after those that it waits for.
struct ResumePlan {
  private let site: Site
  private let view: JobView
  /// Those that gave no verdict, in the order in which they were named.
  private var candidates: [JobID] = []
  private var tickets: [JobID: Ticket] = [:]
  private var seen: Set<JobID> = []
  private(set) var verdicts = 0
  private(set) var underway = 0
  private(set) var fallen = 0
  private(set) var expired = 0
  private(set) var rejected = 0

  init(_ site: Site) {
    self.site = site
    view = JobView(site)
  }

  /// Those that gave no verdict.
  var candidateCount: Int { candidates.count }

  /// Takes a job in, or all jobs of a batch.
  mutating func add(_ id: JobID) throws {
    if id.isBatch, let place = site.spool.place(ofBatch: id) {
      let batch = try site.spool.batch(at: place)
      for job in view.jobs(of: batch, at: place, from: 0) { try look(at: job, isIn: place) }
    } else {
      try look(at: id, isIn: nil)
    }
  }

  private mutating func look(at job: JobID, isIn batch: BatchPlace?) throws {
    guard seen.insert(job).inserted else { return }
    guard let place = try site.spool.locate(job) else {
      // One with a key of its own has no place that its id tells before it has a ticket.
      if batch?.next != nil || view.isInBatch(job) {
        underway += 1
        return
      }
      if batch != nil, try site.isOurs && site.ledger().lastRound(job: job) > 0 {
        // Pruned.
        verdicts += 1
        return
      }
      throw CommandFailure(
        .notFound, "there is no job \(job)", place: site.spool.path,
        next: "edgecoder status --all lists the jobs")
    }
    if place.state == .quarantine {
      rejected += 1
      return
    }
    guard place.state.isFinal || place.state == .held else {
      underway += 1
      return
    }
    let ticket = try view.ticket(at: place, job)
    if place.state == .held {
      if ticket.hold?.hasPrefix(Coordinator.fallenPrefix) == true {
        candidates.append(job)
        tickets[job] = ticket
      } else {
        underway += 1
      }
      return
    }
    switch ticket.ending {
    case .expired: expired += 1
    case .dead, .cancelled, .dependencyFailed:
      candidates.append(job)
      tickets[job] = ticket
    default: verdicts += 1
    }
  }

  /// The jobs to start anew, each after those of them that it waits for.
  mutating func order() -> [JobID] {
    var willRun: Set<JobID> = []
    let order = parentsFirst(candidates) { job in
      dependencies(of: job).map(\.job).filter { tickets[$0] != nil }
    }
    return order.filter { job in
      let mayRun = dependencies(of: job).allSatisfy { mayBeMet($0, willRun) }
      if mayRun { willRun.insert(job) } else { fallen += 1 }
      return mayRun
    }
  }

  private func dependencies(of job: JobID) -> [Dependency] {
    tickets[job]?.request.dependencies ?? []
  }

  /// Whether a dependency is met, or can still be.
  private func mayBeMet(_ one: Dependency, _ willRun: Set<JobID>) -> Bool {
    if willRun.contains(one.job) { return true }
    guard let row = try? view.row(one.job) else { return true }
    guard let ending = row.ending else { return true }
    return one.condition.isMet(passed: ending == .verdict(.passed))
  }
}
