internal import ArgumentParser
internal import EdgeJob
internal import EdgeReport
internal import EdgeSpool
internal import EdgeSystem

/// `edgecoder validate`: a task is worth something only if its untouched source fails and its own
/// solution passes, every time.
struct Validate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract: "Checks that a task's source fails and its solution passes, N times.",
    discussion: "Example: edgecoder validate queue/examples/*/ --times 5")

  @Argument(help: "Task directories.")
  var tasks: [String]

  @Option(help: "Runs of each solution; different verdicts make a task flaky.")
  var times = 3

  @Option(help: "Jobs at the same time.")
  var slots: Int?

  @OptionGroup var output: OutputOptions

  /// What was found out about one task.
  private enum Finding: String {
    case valid, flaky
    case sourcePasses = "the untouched source passes"
    case solutionFails = "the solution does not pass"
    case hasNoSolution = "there is no solution/"
    case notRun = "it could not be run here"
  }

  func run() throws {
    try NumberRange.check("--times", times, 1...100)
    try NumberRange.check("--slots", slots, NumberRange.slots)
    let signals = try Signals()
    let scratch = try ScratchSpool()
    let site = try scratch.site()
    let session = RunSession(
      site: site, options: try WaitOptions.parse([]), slots: slots ?? Machine.processors,
      isSharing: true)
    var rows: [CheckRow] = []
    var plain = try RequestOptions.parse([])
    var jobs: [SubmittedJob] = []
    var sources: [String: JobID] = [:]
    var solutions: [String: [JobID]] = [:]
    for task in tasks {
      let directory = try Directory(path: task)
      plain.candidate = nil
      let source = try submit(task, plain, 1, site, session)
      sources[task] = source[0].job
      jobs += source
      guard directory.contains("solution") else { continue }
      plain.candidate = "\(task)/solution"
      let runs = try submit(task, plain, times, site, session)
      solutions[task] = runs.map(\.job)
      jobs += runs
    }
    let endings = try session.run(jobs, signals: signals)
    var isBad = false
    var isNotRun = false
    for task in tasks {
      let finding = judge(
        source: sources[task].flatMap { endings.ended[$0] },
        solutions: (solutions[task] ?? []).map { endings.ended[$0] })
      isBad = isBad || finding.0 != .valid
      isNotRun = isNotRun || finding.0 == .notRun
      rows.append(
        CheckRow(
          task, finding.0 == .valid ? .ok : .failed, found: finding.0.rawValue, next: finding.1))
    }
    try output.render(Document(schema: "edgecoder.validate/1", list: "tasks", rows: rows))
    // What this machine could not run says nothing about a task.
    if isNotRun { throw ArgumentParser.ExitCode(EdgeJob.ExitCode.unavailable.rawValue) }
    if isBad { throw ArgumentParser.ExitCode(EdgeJob.ExitCode.notPassed.rawValue) }
  }

  private func submit(
    _ task: String, _ request: RequestOptions, _ count: Int, _ site: Site, _ session: RunSession
  ) throws -> [SubmittedJob] {
    try Submitter(site: site, request: request, session: session.id).submit([task], copies: count)
  }

  /// - Parameters: nil for a job that has no end: no worker here offers what it needs.
  private func judge(source: Ending?, solutions: [Ending?]) -> (Finding, String?) {
    if solutions.isEmpty { return (.hasNoSolution, "write one; validate needs it") }
    for ending in [source] + solutions {
      guard let ending else { return (.notRun, "edgecoder doctor shows what is missing") }
      guard case .verdict = ending else { return (.notRun, ending.summary) }
    }
    let solutions = solutions.compactMap(\.self)
    let summaries = Set(solutions.map(\.summary))
    if source == .verdict(.passed) { return (.sourcePasses, "its tests prove nothing") }
    if summaries.count > 1 { return (.flaky, summaries.sorted().joined(separator: " / ")) }
    if solutions[0] != .verdict(.passed) { return (.solutionFails, solutions[0].summary) }
    return (.valid, nil)
  }
}

/// A spool that goes with its owner, for commands that need one only in passing.
final class ScratchSpool {
  private let parent: Directory
  private let name = "edgecoder-\(Identity.process)-\(Hex16.random())"
  private let base: String

  init() throws {
    base = Identity.environment("TMPDIR") ?? "/tmp"
    parent = try Directory(path: base)
    try parent.makeDirectory(name)
  }

  deinit { try? parent.removeTree(name) }

  var path: String { "\(base)/\(name)" }

  func site() throws -> Site {
    let options = try SpoolOptions.parse(["--spool", "\(path)/spool", "--keys", "\(path)/keys"])
    _ = try NewSite.make(at: options.path, options: options, group: nil)
    return try Site(options)
  }
}
