internal import EdgeJob
internal import EdgeSystem

/// One of the two powers as a child of `daemon`: this program again, with a pipe on standard input
/// that ends when we do, and one on standard output that tells that it lives. Started anew when it
/// dies.
final class KeptProcess {
  enum Power: String { case coordinator, worker }

  let power: Power
  private let arguments: [String]
  private let environment: [String]
  private var child: Child?
  private var lifeline: Descriptor?
  private var heartbeat: Descriptor?
  /// Its process id while it runs.
  private(set) var process: Int32?
  /// True when it has made its first round since it was started.
  private(set) var isReady = false
  /// When it last made a round, or was started, nanoseconds of the boot clock.
  private(set) var lastBeat: Int64 = 0
  /// When it is to be started.
  private(set) var nextStart: Int64 = 0
  private var startedAt: Int64 = 0
  private var failures = 0

  /// One that lived so long begins again with the shortest pause.
  private static let soundLife: Int64 = 60_000_000_000

  init(_ power: Power, arguments: [String], environment: [String]) {
    self.power = power
    self.arguments = arguments
    self.environment = environment
  }

  var isRunning: Bool { process != nil }

  /// What becomes readable when there is something to `listen` to or to `reap`; borrowed.
  var descriptors: [Int32] {
    var raw: [Int32] = []
    if let own = child?.descriptor { raw.append(own) }
    if let own = heartbeat?.raw { raw.append(own) }
    return raw
  }

  func start() throws {
    precondition(!isRunning, "a child runs once")
    let input = try Descriptor.pipe()
    let output = try Descriptor.pipe()
    var spawn = Spawn(
      path: try Executable.path(), arguments: arguments, environment: environment,
      descriptors: [0: input.reading.raw, 1: output.writing.raw, 2: 2])
    spawn.hasOwnGroup = true
    let started = try spawn.start()
    process = started.process
    child = consume started
    lifeline = input.closeReading()
    heartbeat = output.closeWriting()
    startedAt = Clocks.bootNanoseconds()
    lastBeat = startedAt
    isReady = false
  }

  /// Takes note of what it says.
  func listen() {
    guard let raw = heartbeat?.raw, !Poll.readable([raw], milliseconds: 0).isEmpty else { return }
    guard let bytes = heartbeat?.readSome(atMost: 4096), !bytes.isEmpty else {
      // It has closed its end, or ends.
      heartbeat = nil
      return
    }
    isReady = true
    lastBeat = Clocks.bootNanoseconds()
  }

  /// How it ended, where it has, once.
  func reap() -> Termination? {
    guard isRunning, let end = child?.poll() else { return nil }
    child = nil
    lifeline = nil
    heartbeat = nil
    process = nil
    isReady = false
    return end
  }

  /// To be started again after a pause that doubles with every short life: ½ s … 30 s.
  /// - Returns: the pause, milliseconds.
  func plan() -> Int64 {
    let now = Clocks.bootNanoseconds()
    failures = now - startedAt >= KeptProcess.soundLife ? 1 : failures + 1
    let pause = min(30_000, Int64(500) << min(Int64(failures - 1), 10))
    nextStart = now + pause * 1_000_000
    return pause
  }

  /// To be started again at once: it ended because we asked it to.
  func planAtOnce() { nextStart = 0 }

  func signal(_ number: Int32) { child?.signal(number) }
}

extension Termination {
  /// For people: `status 69`, `signal 9`.
  var summary: String {
    switch self {
    case .exited(let status): "status \(status)"
    case .signalled(let signal): "signal \(signal)"
    }
  }

  /// True where starting the same program again would end in the same way: somebody has to change
  /// something first.
  var isFinal: Bool {
    guard case .exited(let status) = self, let code = EdgeJob.ExitCode(rawValue: status) else {
      return false
    }
    let codes: Set<EdgeJob.ExitCode> = [
      .tampered, .splitHistory, .usage, .badInput, .notFound, .notPermitted, .configuration,
    ]
    return codes.contains(code)
  }
}
