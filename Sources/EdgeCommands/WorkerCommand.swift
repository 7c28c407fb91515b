internal import ArgumentParser
internal import EdgeJob
internal import EdgeSpool
internal import EdgeSystem
internal import EdgeTrust
internal import EdgeWorker

/// `edgecoder worker`: has the sandbox, never opens the ledger.
struct WorkerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "worker",
    abstract: "Runs the jobs that the coordinator assigns to it.",
    discussion: """
      Example: edgecoder worker --id local --slots 2 --until-idle 5m

      It spares the machine: edgecoder power shows whether it would take jobs now, and why.
      """)

  @Option(help: "Its name; its folders are workers/ID.")
  var id = "local"

  @Option(help: "Jobs at the same time; else one for each processor.")
  var slots: Int?

  @Option(help: "Ends when there was nothing to do for this long.")
  var untilIdle: String?

  @Option(help: ArgumentHelp("Takes only jobs of this session.", visibility: .hidden))
  var session: String?

  @Flag(help: ArgumentHelp("Ends when standard input does.", visibility: .hidden))
  var untilEndOfInput = false

  @Flag(help: ArgumentHelp("Says on standard output that it lives.", visibility: .hidden))
  var heartbeat = false

  @Option(
    help: """
      How long the coordinator, maybe on another machine, waits for it: 2s to 1h, or off. \
      Else 60s where others can mount the spool's file system.
      """)
  var lease: String?

  @OptionGroup var host: HostOptions

  @Option(help: "The spool; else EDGECODER_SPOOL, else one in your state directory.")
  var spool: String?

  @Option(help: "The folder with worker.key; else the spool's own in your configuration.")
  var keys: String?

  func run() throws {
    guard Name.isValid(id) else {
      throw CommandFailure(.usage, "\(id) is no name", next: "use a-z, 0-9, dash and dot")
    }
    try NumberRange.check("--slots", slots, NumberRange.slots)
    let policy = try host.policy()
    var place = try SpoolOptions.parse([])
    place.spool = spool
    let open = try place.open()
    let key = try Site.workerKey(keys ?? place.keyFolder(open))
    if session == nil, Identity.user == open.owner { try open.makeWorkerFolders(id) }
    let stop = try StopSignal(signals: SignalSource(), input: untilEndOfInput ? 0 : nil)
    let worker = try Worker(
      open,
      Worker.Settings(
        id: id, slots: slots ?? Machine.processors, session: session, key: key,
        idleMilliseconds: try untilIdle.map(milliseconds), stop: stop.descriptor,
        version: Version.text, host: policy, heartbeat: heartbeat ? 1 : nil,
        lease: try lease(of: open)),
      archives: try ArchiveConfined.process())
    try worker.run()
  }

  /// Milliseconds; nil where this machine's kernel tells the coordinator who lives.
  private func lease(of spool: Spool) throws -> Int64? {
    switch lease {
    case "off": return nil
    case .some(let text):
      let length = try milliseconds(text)
      guard Renewal.leaseRange.contains(length) else {
        throw CommandFailure(
          .usage, "--lease is 2s to 1h, or off", next: "edgecoder worker --lease 60s")
      }
      return length
    case nil:
      // The worker of a run is started by its coordinator, here.
      return session == nil && spool.root.mayBeShared ? Renewal.standardLease : nil
    }
  }
}

/// One descriptor that becomes readable on a signal, or when standard input ends.
final class StopSignal: Sendable {
  private let raised: Signal
  var descriptor: Int32 { raised.descriptor }

  init(signals: SignalSource, input: Int32?) throws {
    raised = try Signal()
    let watched = [signals.descriptor] + (input.map { [$0] } ?? [])
    _ = WorkThread.start { [self] in
      _ = Poll.readable(watched, milliseconds: -1)
      _ = signals.take()
      raised.raise()
      // The next one comes from somebody who does not want to wait. The sandboxes end with us, and
      // the coordinator gives their jobs to others.
      while true {
        _ = Poll.readable([signals.descriptor], milliseconds: -1)
        if let signal = signals.take() { Standard.exit(128 + signal) }
      }
    }
  }
}

/// The machine's size.
enum Machine {
  static var processors: Int { Processors.available() }
}
