internal import ArgumentParser
internal import EdgeCoordinator
internal import EdgeJob
internal import EdgeReport
internal import EdgeSpool
internal import EdgeSystem

/// `edgecoder cancel`, `hold`, `release` and `retry` share everything but the verb.
struct ControlOptions: ParsableArguments {
  @OptionGroup var jobs: JobArguments
  @OptionGroup var place: SpoolOptions

  @Option(help: "Why; kept with the job.")
  var reason = ""

  @Flag(help: "The whole batches of these jobs, also what of them has no ticket yet.")
  var batch = false

  /// Acts at once where we own the spool and nobody leads; otherwise leaves a request.
  /// - Parameters:
  ///   - isWaiting: of a cancel, for the end of the jobs.
  ///   - grace: of a cancel, milliseconds.
  func ask(_ verb: ControlRequest.Verb, isWaiting: Bool = false, grace: Int64 = 0) throws {
    if batch, isWaiting {
      throw CommandFailure(
        .usage, "--wait is for jobs that are named, not for their batch",
        next: "edgecoder cancel --batch JOB, then edgecoder wait with the jobs")
    }
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
    let request = ControlRequest(verb, ids, reason: reason, grace: grace)
    guard site.isOurs, let coordinator = try site.lead() else {
      try site.spool.askFor(request)
      let what =
        batch
        ? "all of \(ids.map(\.description).joined(separator: ", "))"
        : Amount.count(ids.count, "job")
      Console.note("asked the coordinator to \(verb.rawValue) \(what)")
      if isWaiting { try CancelRace(site: site, jobs: named).wait(nil) }
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
    if isWaiting { try CancelRace(site: site, jobs: named).wait(coordinator) }
    coordinator.events = notices
    var code: EdgeJob.ExitCode?
    for event in coordinator.events {
      switch event {
      case .notice(let text):
        Console.note(text)
        code = code ?? .notFound
      case .unpaid(let job, let reason):
        Console.note("job \(job): \(reason)")
        code = .notPermitted
      default: continue
      }
    }
    if let code { throw ArgumentParser.ExitCode(code.rawValue) }
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

  @Flag(help: "Waits for the end, and tells what came first: 130, or the code of the verdict.")
  var wait = false

  @Option(help: "From SIGTERM to SIGKILL for what runs; else it is killed at once.")
  var grace: String?

  func run() throws {
    let time = try grace.map(milliseconds) ?? 0
    guard time <= ControlRequest.graceMax else {
      throw CommandFailure(
        .usage, "--grace is an hour at most", next: "edgecoder cancel JOB --grace 30s")
    }
    try options.ask(.cancel, isWaiting: wait, grace: time)
  }
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
    abstract: "Starts jobs anew that gave no verdict, with a new reservation.",
    discussion: "Example: edgecoder retry 01jd8w6k3m2v9c5x7r1t4b0n6q")
  @OptionGroup var options: ControlOptions
  func run() throws { try options.ask(.retry) }
}
