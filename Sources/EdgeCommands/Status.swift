internal import ArgumentParser
internal import EdgeCoordinator
internal import EdgeJob
internal import EdgeReport
internal import EdgeSpool
internal import EdgeSystem

/// `edgecoder status`.
struct Status: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Shows where jobs are.",
    discussion: "Example: edgecoder status --why")

  @Argument(help: "Job ids; all that have not ended where none is named.")
  var jobs: [String] = []

  @Flag(help: "Also jobs that have ended.")
  var all = false

  @Option(help: "Rows at most, those that run first; else 200 in a table, and all for programs.")
  var limit: Int?

  @Flag(help: "The one reason why a job is not running.")
  var why = false

  @OptionGroup var place: SpoolOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let site = try Site(place)
    let view = JobView(site)
    let reasons = why ? try WaitReasons.find(site) : [:]
    let ids = try JobArguments.ids(jobs)
    var rows: [JobRow] = []
    for job in ids {
      guard let row = try view.row(job, why: reasons) else {
        throw CommandFailure(
          .notFound, "there is no job \(job)", place: site.spool.path,
          next: "edgecoder status --all lists the jobs")
      }
      rows.append(row)
    }
    if ids.isEmpty {
      try site.requireOwner()
      let open: Set<JobState> = [.incoming, .ready, .inbox, .running, .outbox, .held]
      let list = try JobList(
        view, states: all ? Set(JobState.allCases) : open, why: reasons,
        most: limit ?? (output.isTable ? 200 : .max))
      rows = list.rows
      note(list.more)
    }
    try output.render(.jobs(rows))
  }

  /// What is not shown goes where no program reads it by mistake.
  private func note(_ more: [JobState: Int]) {
    if more.isEmpty { return }
    let parts = JobState.allCases.compactMap { state in
      more[state].map { "\($0) \(state.rawValue)" }
    }
    Console.note("and \(parts.joined(separator: ", ")); --format plain lists all")
  }
}

/// `edgecoder cancel`, `hold`, `release` and `retry` share everything but the verb.
struct ControlOptions: ParsableArguments {
  @OptionGroup var jobs: JobArguments
  @OptionGroup var place: SpoolOptions

  @Option(help: "Why; kept with the job.")
  var reason = ""

  @Flag(help: "The whole batches of these jobs, also what of them has no ticket yet.")
  var batch = false

  /// Acts at once where we own the spool and nobody leads; otherwise leaves a request.
  func ask(_ verb: ControlRequest.Verb) throws {
    let site = try Site(place)
    let named = try jobs.ids()
    let ids = batch ? Array(Set(named.map(\.batch))).sorted() : named
    if site.isOurs {
      for job in ids where try !isBatch(job, site) && JobView(site.spool).row(job) == nil {
        throw CommandFailure(
          .notFound, "there is no job \(job)", place: site.spool.path,
          next: "edgecoder status --all lists the jobs")
      }
    }
    let request = ControlRequest(verb, ids, reason: reason)
    guard site.isOurs, let coordinator = try site.lead() else {
      try site.spool.askFor(request)
      let count = batch ? "the batch of \(ids[0])" : Amount.count(ids.count, "job")
      Console.note("asked the coordinator to \(verb.rawValue) \(count)")
      return
    }
    // What was handed over just now has no ticket yet that could be changed.
    if try ids.contains(where: { try isNew($0, site) }) {
      while try coordinator.pass() {}
      coordinator.events = []
    }
    try coordinator.obey(request, of: Identity.user)
    // A job whose worker died meanwhile ends here and now; nobody else would look for it.
    let notices = coordinator.events
    if verb == .cancel { while try coordinator.settlePass() {} }
    coordinator.events = notices
    var refused = false
    for event in coordinator.events {
      if case .notice(let text) = event {
        Console.note(text)
        refused = true
      }
    }
    if refused { throw ArgumentParser.ExitCode(EdgeJob.ExitCode.notFound.rawValue) }
  }

  private func isBatch(_ id: JobID, _ site: Site) -> Bool {
    guard id.isBatch else { return false }
    return site.spool.place(ofBatch: id) != nil
      || site.spool.root.contains(Layout.path(.incoming, id))
  }

  /// True for what nobody has taken over yet, and for what only a submission can name.
  private func isNew(_ id: JobID, _ site: Site) throws -> Bool {
    if isBatch(id, site) { return false }
    guard let place = try site.spool.locate(id) else { return true }
    return place.state == .incoming && Layout.batch(named: place.name) == nil
  }
}

struct Cancel: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cancel",
    abstract: "Ends jobs; their reservations are released.",
    discussion: "Example: edgecoder cancel 01jd8w6k3m2v9c5x7r1t4b0n6q --reason obsolete")
  @OptionGroup var options: ControlOptions
  func run() throws { try options.ask(.cancel) }
}

struct Hold: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hold",
    abstract: "Keeps jobs from starting.",
    discussion: "Example: edgecoder hold 01jd8w6k3m2v9c5x7r1t4b0n6q --reason 'disk is full'")
  @OptionGroup var options: ControlOptions
  func run() throws { try options.ask(.hold) }
}

struct Release: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "release",
    abstract: "Lets held jobs go on.",
    discussion: "Example: edgecoder release 01jd8w6k3m2v9c5x7r1t4b0n6q")
  @OptionGroup var options: ControlOptions
  func run() throws { try options.ask(.release) }
}

struct Retry: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "retry",
    abstract: "Starts dead or cancelled jobs anew, with a new reservation.",
    discussion: "Example: edgecoder retry 01jd8w6k3m2v9c5x7r1t4b0n6q")
  @OptionGroup var options: ControlOptions
  func run() throws { try options.ask(.retry) }
}
