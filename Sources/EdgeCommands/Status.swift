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

  @Flag(help: "Stays, shows what changes, and ends when all of these jobs have.")
  var watch = false

  @OptionGroup var place: SpoolOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    try NumberRange.check("--limit", limit, 0 ... .max)
    let signals = watch ? try SignalSource() : nil
    let site = try Site(place)
    if let drain = site.spool.drain { Console.note("\(drain.text); nothing starts before undrain") }
    let ids = try JobArguments.ids(jobs)
    if let signals {
      if ids.isEmpty { try site.requireOwner() }
      return try StatusWatch(site: site, ids: ids, limit: limit, output: output).run(signals)
    }
    let view = JobView(site)
    let reasons = why ? try WaitReasons.find(site) : [:]
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
      let counts = try site.spool.endedCounts()
      note(list.more)
      var document = Document.jobs(list.rows)
      document.facts = Status.facts(counts)
      document.notes = all ? [] : Status.notes(counts)
      return try output.render(document)
    }
    try output.render(.jobs(rows))
  }

  private static func facts(_ counts: Counts) -> [JSON.Member] {
    [
      JSON.Member(
        "ended",
        [
          "done": .int(counts.done), "cancelled": .int(counts.cancelled), "dead": .int(counts.dead),
        ])
    ]
  }

  private static func notes(_ counts: Counts) -> [String] {
    let states: [JobState] = [.done, .cancelled, .dead]
    let parts = states.compactMap { state in
      Counts.number(of: state).map { counts[keyPath: $0] }
        .flatMap { $0 > 0 ? "\($0) \(state.rawValue)" : nil }
    }
    return parts.isEmpty ? [] : ["ended: \(parts.joined(separator: ", ")); --all lists them"]
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
