internal import ArgumentParser
internal import EdgeCoordinator
internal import EdgeJob
internal import EdgeLedger
internal import EdgeReport
internal import EdgeSpool
internal import EdgeSystem

/// What `schedule` and `settle` share.
struct CronOptions: ParsableArguments {
  @Flag(help: "Does what there is to do and ends; for cron.")
  var once = false

  @Flag(help: "Ends with code 75 where another process leads, instead of 0.")
  var failIfBusy = false

  @Option(help: "Kills a leader that gives no sign for so long, and leads instead of it.")
  var hang = "60s"

  @OptionGroup var place: SpoolOptions

  /// The lead: at once with `--once` or `--fail-if-busy`, else when whoever has it has ended.
  /// - Parameter stop: descriptors; when one becomes readable there is no need to wait any more.
  /// - Returns: nil where another process has it, and that is fine.
  func lead(_ site: Site, stop: [Int32]) throws -> Coordinator? {
    let spool = site.spool
    let hang = try milliseconds(hang)
    let waiting = { () throws(SpoolError) -> Leadership? in
      try Leadership.wait(spool, hang: hang, others: stop, told: Console.note)
    }
    let isWaiting = !once && !failIfBusy
    if let coordinator = try site.lead(waiting: isWaiting ? waiting : nil) { return coordinator }
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

  @Flag(help: ArgumentHelp("Ends when standard input does.", visibility: .hidden))
  var untilEndOfInput = false

  @Flag(help: ArgumentHelp("Says on standard output that it lives.", visibility: .hidden))
  var heartbeat = false

  func run() throws {
    if let explain {
      let job = try JobArguments.ids([explain])[0]
      return try output.render(Document(explaining: job, at: try Site(options.place)))
    }
    let signals = try Signals()
    let site = try Site(options.place)
    let stop = [signals.descriptor] + (untilEndOfInput ? [0] : [])
    var pause = Pause(site.spool)
    while true {
      do {
        guard let coordinator = try options.lead(site, stop: stop) else {
          if let signal = signals.take() { throw ArgumentParser.ExitCode(128 + signal) }
          return
        }
        pause.end()
        try serve(coordinator, site, signals, stop)
        return
      } catch let error as CoordinatorError where error.isFull && !options.once {
        // The coordinator is gone with all it knew: another one reads what the disk says.
        try pause.begin(error, signals)
      } catch let error as LedgerError where CoordinatorError.ledger(error).isFull && !options.once
      {
        try pause.begin(.ledger(error), signals)
      }
    }
  }

  private func serve(
    _ coordinator: Coordinator, _ site: Site, _ signals: borrowing Signals, _ stop: [Int32]
  ) throws {
    var heart = Heartbeat(heartbeat ? 1 : nil)
    let watch = try coordinator.watch()
    var known: Set<String> = []
    while true {
      while try coordinator.pass() {
        EventLines.print(coordinator)
        heart.beat()
      }
      EventLines.print(coordinator)
      if options.once { return }
      heart.beat()
      for worker in try site.spool.workerIDs() where !known.contains(worker) {
        if try coordinator.addWorker(worker, to: watch) { known.insert(worker) }
      }
      watch.wait(milliseconds: 1000, others: stop)
      if Poll.readable(stop, milliseconds: 0).isEmpty { continue }
      // What a worker has finished by now waits for nobody.
      while try coordinator.settlePass() {}
      EventLines.print(coordinator)
      if let signal = signals.take() { throw ArgumentParser.ExitCode(128 + signal) }
      return
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
    let signals = try Signals()
    let site = try Site(options.place)
    guard let coordinator = try options.lead(site, stop: [signals.descriptor]) else {
      if let signal = signals.take() { throw ArgumentParser.ExitCode(128 + signal) }
      return
    }
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
      case .unpaid(let job, let reason): Console.note("job \(job) does not start anew: \(reason)")
      case .admitted, .assigned: continue
      }
    }
    coordinator.events = []
  }
}
