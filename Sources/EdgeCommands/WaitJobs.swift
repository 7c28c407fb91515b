internal import ArgumentParser
internal import EdgeJob
internal import EdgeReport
internal import EdgeSpool
internal import EdgeSystem

/// How long and how patiently.
struct WaitOptions: ParsableArguments {
  @Option(help: "Gives up after this time with code 124: 90s, 30m.")
  var timeout: String?

  @Option(help: "What a signal does to the jobs: leave or cancel.")
  var onSignal: OnSignal = .leave

  @Option(help: "Writes a JUnit report.")
  var junit: String?

  @Flag(help: "Ends with the status of the one job's own command.")
  var propagate = false

  /// What becomes of unfinished jobs when a signal comes.
  enum OnSignal: String, ExpressibleByArgument, CaseIterable { case leave, cancel }

  /// To be asked before anything is handed over.
  func check() throws { _ = try timeout.map(milliseconds) }
}

/// Collects how jobs ended, from the state directories alone; anybody may do that.
struct Endings {
  private let view: JobView
  private let spool: Spool
  private(set) var open: Set<JobID>
  private(set) var ended: [JobID: Ending] = [:]
  /// Jobs that cannot run here as things are.
  private(set) var held: Set<JobID> = []

  init(_ jobs: [JobID], spool: Spool) {
    self.spool = spool
    view = JobView(spool)
    open = Set(jobs)
  }

  /// Notes an ending that is known otherwise.
  mutating func note(_ job: JobID, _ ending: Ending) -> Bool {
    guard open.remove(job) != nil else { return false }
    ended[job] = ending
    return true
  }

  /// Stops waiting for a job that somebody must first do something about.
  mutating func setAside(_ job: JobID) {
    if open.remove(job) != nil { held.insert(job) }
  }

  /// Looks for open jobs in the final directories.
  /// - Parameter names: file names that came or went there; nil looks for every open job.
  /// - Returns: those that ended since the last look.
  mutating func look(_ names: Set<String>? = nil) -> [JobID] {
    var found: [JobID] = []
    let asked = names.map { $0.compactMap { JobID(String($0.prefix(26))) } } ?? Array(open)
    for job in asked where open.contains(job) {
      guard let ending = ending(of: job) else { continue }
      open.remove(job)
      ended[job] = ending
      found.append(job)
    }
    return found.sorted()
  }

  private func ending(of job: JobID) -> Ending? {
    for state in [JobState.done, .cancelled, .dead]
    where spool.root.contains(Layout.path(state, job)) {
      if let record = try? spool.record(state, job) { return record.ticket.ending }
    }
    return spool.quarantineReason(job).map { .rejected(reason: $0) }
  }
}

/// The directories where ended jobs appear.
enum FinalDirectories {
  /// Watches those that we may list.
  /// - Returns: false where one is missing: then its names come and go unseen.
  static func watch(_ spool: Spool, _ watch: borrowing Watch) -> Bool {
    var isComplete = true
    for name in [Layout.done, Layout.cancelled, Layout.dead, Layout.quarantine] {
      do { try watch.add(try spool.directory(name)) } catch { isComplete = false }
    }
    return isComplete
  }
}

/// SIGINT and SIGTERM in a box that can be passed around.
final class SignalSource: Sendable {
  private let signals: Signals

  init() throws { signals = try Signals() }

  var descriptor: Int32 { signals.descriptor }

  func take() -> Int32? { signals.take() }
}

/// Waits for jobs that others run.
struct Waiter {
  let site: Site
  let options: WaitOptions

  /// - Parameter signals: a class holds them, because a noncopyable value is either there or not.
  func wait(for jobs: [JobID], signals: SignalSource, output: OutputOptions) throws {
    let watch = try Watch()
    let isWatched = FinalDirectories.watch(site.spool, watch)
    var endings = Endings(jobs, spool: site.spool)
    let started = Clocks.bootNanoseconds()
    let limit = try options.timeout.map { try milliseconds($0) * 1_000_000 }
    var isWarned = false
    var names: Set<String>?
    var lastLook = started
    while true {
      // All of them now and then, should an event be lost; and always where nothing tells us.
      if !isWatched || Clocks.bootNanoseconds() - lastLook > 2_000_000_000 { names = nil }
      if names == nil { lastLook = Clocks.bootNanoseconds() }
      _ = endings.look(names)
      if endings.open.isEmpty { break }
      let elapsed = Clocks.bootNanoseconds() - started
      if let limit, elapsed > limit {
        try finish(jobs, endings, output: output)
        throw CommandFailure(
          .waitTimedOut, "\(endings.open.count) of \(jobs.count) jobs have not ended",
          next: "wait again: edgecoder wait \(jobs[0]) …")
      }
      if !isWarned, elapsed > 5_000_000_000, site.isOurs, !Leadership.isHeld(site.spool) {
        Console.note("no coordinator runs here; start one: edgecoder schedule, or use cron")
        isWarned = true
      }
      Progress.show("\(jobs.count - endings.open.count) of \(jobs.count) jobs have ended")
      names = watch.waitForNames(milliseconds: 500, others: [signals.descriptor])
      if let signal = signals.take() {
        try leave(endings, signal: signal, jobs: jobs, output: output)
      }
    }
    try finish(jobs, endings, output: output)
    throw ArgumentParser.ExitCode(code(endings, jobs).rawValue)
  }

  /// A signal: cancels what has not ended, or says how to come back.
  private func leave(_ endings: Endings, signal: Int32, jobs: [JobID], output: OutputOptions)
    throws -> Never
  {
    if options.onSignal == .cancel {
      try site.spool.askFor(
        ControlRequest(.cancel, endings.open.sorted(), reason: "signal \(signal)"))
      Console.note("asked to cancel \(Amount.count(endings.open.count, "job"))")
    } else {
      let names = endings.open.sorted().prefix(3).map(\.description).joined(separator: " ")
      Console.note(
        "\(Amount.count(endings.open.count, "job")) left to go on; wait again: edgecoder wait "
          + names + (endings.open.count > 3 ? " …" : ""))
    }
    throw ArgumentParser.ExitCode(128 + signal)
  }

  func code(_ endings: Endings, _ jobs: [JobID]) -> EdgeJob.ExitCode {
    let codes = endings.ended.values.map { EdgeJob.ExitCode($0) }
    return .worst(of: codes + (endings.held.isEmpty ? [] : [.unavailable]))
  }

  /// Prints what is known of the jobs.
  func finish(_ jobs: [JobID], _ endings: Endings, output: OutputOptions) throws {
    if Progress.isShown { Progress.clear() }
    let view = JobView(site)
    let rows = try jobs.map { job in
      var row = (try view.row(job)) ?? JobRow(job: job, task: "", state: .incoming)
      if row.ending == nil { row.ending = endings.ended[job] }
      return row
    }
    try JobReport.render(rows, site: site, output: output, junit: options.junit)
    if options.propagate, rows.count == 1, case .verdict(.failed(let status))? = rows[0].ending {
      throw ArgumentParser.ExitCode(status)
    }
  }
}

/// Lists of jobs with their JUnit form.
enum JobReport {
  static func render(
    _ rows: [JobRow], site: Site, output: OutputOptions, junit: String?,
    schema: String = "edgecoder.wait/1"
  ) throws {
    let document = Document.jobs(rows, schema: schema)
    try output.render(document)
    guard let junit else { return }
    let cases = rows.map { row in
      let texts = JobOutput.texts(of: row.job, site.spool)
      return row.testCase(output: texts.stdout, errors: texts.stderr)
    }
    let xml = JUnitSuite(cases: cases).xml
    let (folder, name) = split(junit)
    do {
      try Directory(path: folder).overwrite(name, Array(xml.utf8), mode: 0o644)
    } catch {
      throw CommandFailure(
        .cannotCreate, "the JUnit report cannot be written", place: junit, why: "\(error)")
    }
  }

  private static func split(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    return (
      slash == path.startIndex ? "/" : String(path[..<slash]),
      String(path[path.index(after: slash)...])
    )
  }
}

/// `edgecoder wait`.
struct Wait: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wait",
    abstract: "Waits until jobs have ended; the exit code says how.",
    discussion: "Example: edgecoder wait $(edgecoder submit hello.tar.zst) --timeout 10m")

  @Argument(help: "Job ids.")
  var jobs: [String] = []

  @Flag(help: "Every job of the spool that has not ended.")
  var all = false

  @OptionGroup var place: SpoolOptions
  @OptionGroup var waiting: WaitOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let signals = try SignalSource()
    let site = try Site(place)
    var ids = try JobArguments.ids(jobs)
    if all {
      try site.requireOwner()
      let states: Set<JobState> = [.incoming, .ready, .inbox, .running, .outbox]
      ids += try JobList(JobView(site), states: states).rows.map(\.job)
    }
    if ids.isEmpty {
      if all { return }
      throw CommandFailure(.usage, "no job is named", next: "name job ids, or use --all")
    }
    let view = JobView(site)
    for job in ids where site.isOurs {
      guard try view.row(job) != nil else {
        throw CommandFailure(
          .notFound, "there is no job \(job)", place: site.spool.path,
          next: "edgecoder status lists the jobs; another spool is named with --spool")
      }
    }
    try Waiter(site: site, options: waiting).wait(for: ids, signals: signals, output: output)
  }
}
