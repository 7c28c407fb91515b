internal import ArgumentParser
internal import EdgeCoordinator
internal import EdgeJob
internal import EdgeLedger
internal import EdgeReport
internal import EdgeSpool
internal import EdgeSystem

/// One `edgecoder run`: the jobs that it handed over, a worker of its own, and the lead over the
/// spool where nobody else has it. Used by the main thread.
final class RunSession {
  private let site: Site
  private let options: WaitOptions
  private let slots: Int
  /// Names this run in requests and in its worker's file.
  let id = Hex16.random()
  private let isSharing: Bool
  private var coordinator: Coordinator?
  private var coordinatorWatch: SharedWatch?
  private var pause: Pause
  private var knownWorkers: Set<String> = []
  private var endings: Endings
  private var costs: [JobID: Credits] = [:]
  private var total = 0
  private var passed = 0
  private var names: [JobID: String] = [:]
  /// Whether somebody tells us what ends while we do not lead, and what he told; nil may be
  /// anything.
  private var isWatched = false
  private var changed: Set<String>?
  private var lastLook: Int64 = 0
  /// Short waits that are left, since the leader has ended.
  private var shortWaits = 0

  /// A watch in a box, since a class cannot give a noncopyable property away.
  private final class SharedWatch {
    let watch: Watch
    init(_ watch: consuming Watch) { self.watch = watch }
  }

  init(site: Site, options: WaitOptions, slots: Int, isSharing: Bool) {
    self.site = site
    self.options = options
    self.slots = slots
    self.isSharing = isSharing
    endings = Endings([], spool: site.spool)
    pause = Pause(site.spool)
  }

  /// Runs the jobs to their end.
  /// - Returns: how each ended.
  func run(_ jobs: [SubmittedJob], signals: borrowing Signals) throws -> Endings {
    endings = Endings(jobs.map(\.job), spool: site.spool)
    total = jobs.count
    for job in jobs { names[job.job] = job.name }
    let worker = try startWorker()
    let watch = try Watch()
    isWatched = FinalDirectories.watch(site.spool, watch)
    if site.isOurs { try Leadership.watch(site.spool, watch) }
    if let drain = site.spool.drain { Console.note("\(drain.text); nothing starts before undrain") }
    let started = Clocks.bootNanoseconds()
    let limit = try options.timeout.map { try milliseconds($0) * 1_000_000 }
    do {
      while !endings.open.isEmpty {
        try drive()
        if endings.open.isEmpty { break }
        if let limit, Clocks.bootNanoseconds() - started > limit {
          throw CommandFailure(
            .waitTimedOut, "\(endings.open.count) of \(total) jobs have not ended",
            next: "they stay in the spool; edgecoder wait --all")
        }
        if worker.hasEnded {
          throw CommandFailure(
            .unavailable, "the worker of this run ended before its jobs",
            next: "edgecoder doctor shows what this machine lacks")
        }
        if let drain {
          throw CommandFailure(
            .unavailable, "the worker of this run is drained", why: drain.reason,
            next: "edgecoder doctor shows what this machine lacks; edgecoder run --resume")
        }
        wait(watch, worker.descriptor, signals.descriptor)
        if let signal = signals.take() { throw try stop(signal, worker) }
      }
    } catch {
      worker.stop()
      _ = try? drive()
      throw error
    }
    worker.stop()
    try drive()
    try removeWorker()
    return endings
  }

  /// The folders of our worker go with it: whoever leads removes them, which may be another run
  /// that is about to end and looks no more.
  private func removeWorker() throws {
    let deadline = Clocks.bootNanoseconds() + 2_000_000_000
    while try site.spool.workerIDs().contains("run-\(id)"), Clocks.bootNanoseconds() < deadline {
      _ = Poll.readable([], milliseconds: 10)
      try drive()
    }
  }

  /// Leads where nobody does, and takes note of what ended. While the disk is full nothing is
  /// done, and what the coordinator knew is forgotten: the next one reads what the disk says.
  private func drive() throws {
    if pause.isOn, !pause.mayGoOn { return }
    do {
      try lead()
      pause.end()
    } catch let error as CoordinatorError where error.isFull {
      coordinator = nil
      coordinatorWatch = nil
      pause.start(error)
    } catch let error as LedgerError where CoordinatorError.ledger(error).isFull {
      pause.start(.ledger(error))
    }
  }

  private func lead() throws {
    if coordinator == nil, site.isOurs, let taken = try site.lead() {
      coordinator = taken
      coordinatorWatch = SharedWatch(try taken.watch())
      knownWorkers = []
      // What an earlier leader has ended gives no event here.
      changed = nil
      lookForEnded()
    }
    guard let coordinator else { return lookForEnded() }
    while try coordinator.pass() { report(coordinator) }
    report(coordinator)
    for worker in try site.spool.workerIDs() where !knownWorkers.contains(worker) {
      guard let shared = coordinatorWatch else { continue }
      if try coordinator.addWorker(worker, to: shared.watch) { knownWorkers.insert(worker) }
    }
  }

  /// Why our worker gets no jobs, where somebody drained it.
  private var drain: Drain? {
    guard site.spool.drainStatus("run-\(id)") != nil else { return nil }
    return site.spool.workerFile("run-\(id)").flatMap { site.spool.drain(of: $0) }
  }

  private func lookForEnded() {
    // All of them now and then: an event can be lost.
    let now = Clocks.bootNanoseconds()
    if !isWatched || now - lastLook > 2_000_000_000 { changed = nil }
    if changed == nil { lastLook = now }
    for job in endings.look(changed) { tell(job, endings.ended[job]) }
  }

  private func report(_ coordinator: Coordinator) {
    for event in coordinator.events {
      switch event {
      case .ended(let job, let ending, let cost):
        costs[job] = cost
        if endings.note(job, ending) { tell(job, ending) }
      case .fault(let job, let fault, let retrying) where names[job] != nil:
        Console.note("\(name(job)): \(fault.summary)\(retrying ? ", trying again" : "")")
      case .held(let job, let reason) where names[job] != nil:
        Console.note("\(name(job)): held, \(reason)")
        endings.setAside(job)
      case .unpaid(let job, let reason) where names[job] != nil:
        Console.note("\(name(job)): \(reason)")
      case .notice(let text): Console.note(text)
      default: continue
      }
    }
    coordinator.events = []
    showProgress()
  }

  private func showProgress() {
    Progress.show("\(total - endings.open.count) of \(total) ended, \(passed) passed")
  }

  private func tell(_ job: JobID, _ ending: Ending?) {
    if ending == .verdict(.passed) { passed += 1 }
    guard let ending, total <= 50 || ending != .verdict(.passed) else { return }
    Console.note("\(name(job)): \(ending.summary)")
  }

  private func name(_ job: JobID) -> String { names[job] ?? job.description }

  private func wait(_ watch: borrowing Watch, _ worker: Int32, _ signals: Int32) {
    let others = [worker, signals]
    if pause.isOn {
      _ = Poll.readable(others, milliseconds: 500)
    } else if let shared = coordinatorWatch {
      shared.watch.wait(milliseconds: 1000, others: others)
    } else {
      // An event without a name: the leader ends, and in a moment the lead is free.
      let most: Int32 = shortWaits > 0 ? 5 : 1000
      changed = watch.waitForNames(milliseconds: most, others: others)
      shortWaits = changed?.contains("") ?? true ? 10 : max(0, shortWaits - 1)
    }
  }

  /// A signal: leaves the jobs in the spool, or cancels them; done within five seconds.
  /// - Returns: how the program then ends.
  private func stop(_ signal: Int32, _ worker: borrowing WorkerProcess) throws -> any Error {
    if options.onSignal == .cancel {
      let request = ControlRequest(
        .cancel, endings.open.sorted(), reason: "signal \(signal)")
      if let coordinator {
        try coordinator.obey(request, of: Identity.user)
        let deadline = Clocks.bootNanoseconds() + 3_000_000_000
        while !endings.open.isEmpty, Clocks.bootNanoseconds() < deadline {
          try drive()
          coordinatorWatch?.watch.wait(milliseconds: 50)
        }
      } else {
        try site.spool.askFor(request)
      }
      Console.note("cancelled what had not ended")
    } else {
      Console.note(
        "\(Amount.count(endings.open.count, "job")) left in the spool; go on with: "
          + "edgecoder run --resume")
    }
    worker.kill()
    return ArgumentParser.ExitCode(128 + signal)
  }

  private func startWorker() throws -> WorkerProcess {
    try WorkerProcess(
      site: site, id: "run-\(id)", slots: slots, session: isSharing ? nil : id)
  }
}

/// The worker that a `run` starts: this program again, all descriptors closed, no ledger.
struct WorkerProcess: ~Copyable {
  private var child: Child
  private let lifeline: Descriptor

  init(site: Site, id: String, slots: Int, session: String?) throws {
    try site.spool.makeWorkerFolders(id)
    let pipe = try Descriptor.pipe()
    var arguments = [
      "worker", "--spool", try Executable.absolute(site.spool.path), "--id", id, "--slots",
      String(slots), "--until-end-of-input", "--keys", site.options.keyFolder(site.spool),
    ]
    if let session { arguments += ["--session", session] }
    let spawn = Spawn(
      path: try Executable.path(), arguments: arguments, environment: WorkerProcess.environment,
      descriptors: [0: pipe.reading.raw, 2: 2])
    child = try spawn.start()
    lifeline = pipe.closeReading()
  }

  /// Where compiled filters are kept, and nothing else of ours.
  private static var environment: [String] {
    ["PATH=/usr/bin:/bin"]
      + ["HOME", "XDG_CACHE_HOME"].compactMap { name in
        Identity.environment(name).map { "\(name)=\($0)" }
      }
  }

  var descriptor: Int32 { child.descriptor }

  var hasEnded: Bool { !Poll.readable([child.descriptor], milliseconds: 0).isEmpty }

  /// Lets it finish what it runs, five seconds at most; it has ended when this returns, so that
  /// what it leaves can be given to others.
  func stop() {
    child.signal(15)
    if !Poll.readable([child.descriptor], milliseconds: 5000).isEmpty { return }
    kill()
    _ = Poll.readable([child.descriptor], milliseconds: 5000)
  }

  func kill() { child.signal(9) }
}

/// `edgecoder run`.
struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Submits tasks, runs them here, waits, and reports.",
    discussion: "Example: edgecoder run queue/examples/hello.shell --junit report.xml")

  @Argument(help: "Task directories or archives.")
  var tasks: [String] = []

  @Option(help: "Jobs at the same time; else one for each processor.")
  var slots: Int?

  @Flag(help: "The worker of this run also takes other people's jobs.")
  var share = false

  @Flag(help: "Runs what an earlier, interrupted run left, too.")
  var resume = false

  @OptionGroup var place: SpoolOptions
  @OptionGroup var request: RequestOptions
  @OptionGroup var batch: BatchOptions
  @OptionGroup var waiting: WaitOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    try waiting.check()
    try NumberRange.check("--slots", slots, NumberRange.slots)
    let signals = try Signals()
    let site = try Site(place, making: true)
    // Before anything is handed over: who may not lead and has no worker here can run nothing.
    try site.requireOwner()
    let session = RunSession(
      site: site, options: waiting, slots: slots ?? Machine.processors,
      isSharing: share || resume)
    var jobs = try Submitter(site: site, request: request, session: session.id)
      .submit(tasks, list: batch.requests)
    if resume {
      let open: Set<JobState> = [.incoming, .ready, .inbox, .running, .outbox]
      let left = try JobList(JobView(site), states: open).rows
      let known = Set(jobs.map(\.job))
      jobs += left.filter { !known.contains($0.job) }
        .map { SubmittedJob(job: $0.job, name: $0.task) }
    }
    if jobs.isEmpty {
      if resume { return }
      throw CommandFailure(.usage, "no task is named", next: "edgecoder run DIRECTORY")
    }
    let endings = try session.run(jobs, signals: signals)
    let waiter = Waiter(site: site, options: waiting)
    try waiter.finish(jobs.map(\.job), endings, output: output)
    throw ArgumentParser.ExitCode(waiter.code(endings, jobs.map(\.job)).rawValue)
  }
}
