internal import ArgumentParser
internal import EdgeCoordinator
internal import EdgeJob
internal import EdgeReport
internal import EdgeSpool
internal import EdgeSystem

/// What `schedule` and `settle` share.
struct CronOptions: ParsableArguments {
  @Flag(help: "Does what there is to do and ends; for cron.")
  var once = false

  @Flag(help: "Ends with code 75 where another process leads, instead of 0.")
  var failIfBusy = false

  @OptionGroup var place: SpoolOptions

  /// The lead, or nil where another process has it and that is fine.
  func lead(_ site: Site) throws -> Coordinator? {
    if let coordinator = try site.lead(waiting: !once) { return coordinator }
    if failIfBusy {
      throw CommandFailure(
        .temporary, "another process leads this spool", place: site.spool.path,
        next: "nothing: it does the same work")
    }
    return nil
  }
}

/// `edgecoder schedule`.
struct Schedule: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schedule",
    abstract: "Admits submissions and gives jobs to workers.",
    discussion: """
      Example: edgecoder schedule --once   (in a crontab: * * * * *)
      Example: edgecoder schedule --explain 01jd8w6k3m2v9c5x7r1t4b0n6q
      """)

  @Option(help: "Does nothing; shows what would be done with this job now, and why.")
  var explain: String?

  @OptionGroup var options: CronOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    if let explain {
      let job = try JobArguments.ids([explain])[0]
      return try output.render(Document(explaining: job, at: try Site(options.place)))
    }
    let signals = try Signals()
    let site = try Site(options.place)
    guard let coordinator = try options.lead(site) else { return }
    let watch = try coordinator.watch()
    var known = Set(try site.spool.workerIDs())
    while true {
      while try coordinator.pass() { EventLines.print(coordinator) }
      EventLines.print(coordinator)
      if options.once { return }
      for worker in try site.spool.workerIDs() where known.insert(worker).inserted {
        try coordinator.addWorker(worker, to: watch)
      }
      watch.wait(milliseconds: 1000, others: [signals.descriptor])
      if let signal = signals.take() { throw ArgumentParser.ExitCode(128 + signal) }
    }
  }
}

/// `edgecoder settle`.
struct Settle: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "settle",
    abstract: "Takes finished work in: results, costs, and what dead workers left.",
    discussion: "Example: edgecoder settle --once   (in a crontab: */5 * * * *)")

  @OptionGroup var options: CronOptions

  func run() throws {
    let site = try Site(options.place)
    guard let coordinator = try options.lead(site) else { return }
    while try coordinator.settlePass() { EventLines.print(coordinator) }
    EventLines.print(coordinator)
  }
}

/// Events of a coordinator as lines on standard error, where somebody looks: cron mails what is
/// printed, so only what needs attention is printed without a terminal.
enum EventLines {
  static func print(_ coordinator: Coordinator) {
    let isWatched = Standard.isTerminal(2)
    for event in coordinator.events {
      switch event {
      case .notice(let text): Console.note(text)
      case .ended(let job, let ending, let cost):
        if case .dead = ending {
          Console.note("job \(job) is \(ending.summary)")
        } else if isWatched {
          Console.note("\(job) \(ending.summary) \(Amount.credits(cost))")
        }
      case .fault(let job, let fault, let retrying):
        Console.note("job \(job): \(fault.summary)\(retrying ? ", again" : "")")
      case .held(let job, let reason): Console.note("job \(job) is held: \(reason)")
      case .admitted, .assigned: continue
      }
    }
    coordinator.events = []
  }
}
