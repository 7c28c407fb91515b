internal import ArgumentParser
internal import EdgeJob
internal import EdgeReport
internal import EdgeSpool
internal import EdgeSystem

/// `edgecoder daemon`.
struct Daemon: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "daemon",
    abstract: "Keeps a coordinator and a worker running, in the foreground.",
    discussion: """
      Example: edgecoder daemon --mode all-in-one --slots 2 -- --hours 22:00-06:00

      The mode is --mode, else EDGE_RUNTIME_MODE, else all-in-one. On SIGTERM it takes nothing new,
      finishes what runs, settles it, and ends; on a second one it ends at once. SIGHUP starts the
      coordinator anew.
      """)

  /// What of a site this daemon runs.
  enum Mode: String, CaseIterable {
    case coordinator, worker
    case allInOne = "all-in-one"

    static let list = allCases.map(\.rawValue).joined(separator: ", ")
  }

  @Option(help: "coordinator, worker or all-in-one.")
  var mode: String?

  @Option(help: "The worker's name; its folders are workers/ID.")
  var id = "local"

  @Option(help: "Jobs of the worker at the same time; else one for each processor.")
  var slots: Int?

  @Option(help: "What runs may take this long to finish when a signal came; else as it takes.")
  var deadline: String?

  @OptionGroup var place: SpoolOptions

  @Argument(
    parsing: .postTerminator,
    help: ArgumentHelp("Behind --, what is passed on to the worker.", valueName: "worker flags"))
  var more: [String] = []

  func run() throws {
    let mode = try chosenMode()
    let patience = try deadline.map(milliseconds)
    let signals = try Signals(hangup: true)
    let spool = try place.open()
    if mode != .worker, Identity.user != spool.owner, Identity.user != 0 {
      throw CommandFailure(
        .notPermitted, "the spool belongs to uid \(spool.owner), not to you", place: spool.path,
        next: "--mode worker is for other users; see Operating")
    }
    // Before the worker is born in our group.
    if mode != .coordinator { ServiceGroup.enter("daemon") }
    var kept: [KeptProcess] = []
    if mode != .worker { kept.append(try coordinator(spool)) }
    if mode != .coordinator { kept.append(try worker(spool)) }
    let code = try DaemonSession(kept, patience: patience.map { $0 * 1_000_000 }).run(signals)
    throw ArgumentParser.ExitCode(code)
  }

  private func chosenMode() throws -> Mode {
    if let mode {
      if let known = Mode(rawValue: mode) { return known }
      throw CommandFailure(
        .usage, "there is no mode \(mode) here", next: "choose one of \(Mode.list)")
    }
    guard let mode = Identity.environment("EDGE_RUNTIME_MODE") else { return .allInOne }
    if let known = Mode(rawValue: mode) { return known }
    throw CommandFailure(
      .configuration, "there is no mode \(mode) here", place: "EDGE_RUNTIME_MODE",
      next: "choose one of \(Mode.list)")
  }

  private func coordinator(_ spool: Spool) throws -> KeptProcess {
    var arguments = [
      "schedule", "--spool", try Executable.absolute(spool.path), "--until-end-of-input",
      "--heartbeat",
    ]
    if let keys = place.keys { arguments += ["--keys", try Executable.absolute(keys)] }
    if let now = place.now { arguments += ["--now", String(now)] }
    return KeptProcess(.coordinator, arguments: arguments, environment: Daemon.environment)
  }

  private func worker(_ spool: Spool) throws -> KeptProcess {
    var arguments = [
      "worker", "--spool", try Executable.absolute(spool.path), "--id", id,
      "--until-end-of-input", "--heartbeat",
      "--keys", try Executable.absolute(place.keyFolder(spool)),
    ]
    if let slots { arguments += ["--slots", String(slots)] }
    return KeptProcess(.worker, arguments: arguments + more, environment: Daemon.environment)
  }

  /// Where things lie, and nothing else of ours.
  private static var environment: [String] {
    let names = ["HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "EDGECODER_KEYS"]
    return ["PATH=/usr/bin:/bin"]
      + names.compactMap { name in Identity.environment(name).map { "\(name)=\($0)" } }
  }
}
