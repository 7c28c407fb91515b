internal import EdgeJob
internal import EdgeReport
internal import EdgeSystem

/// One `edgecoder daemon`: keeps coordinator and worker running, each in a process of its own, and
/// has neither ledger nor sandbox itself. Used by the main thread.
final class DaemonSession {
  private let kept: [KeptProcess]
  /// How long a worker may finish what it has begun, nanoseconds; nil is as long as that takes.
  private let patience: Int64?
  private let notice = ServiceNotice()
  private let watchdogPeriod = ServiceNotice.watchdogPeriod
  private var stage = Stage.running
  private var isAnnounced = false
  private var nextWatchdog: Int64 = 0
  private var code: Int32 = 0
  /// A coordinator that was asked to begin anew.
  private var isReloading = false

  /// What is to be done: a coordinator outlives the worker, to settle what that finishes.
  private enum Stage: Equatable {
    case running
    /// The worker finishes what it has, up to this time.
    case draining(until: Int64?)
    case closing
  }

  init(_ kept: [KeptProcess], patience: Int64?) {
    self.kept = kept
    self.patience = patience
  }

  /// Works until a signal comes, or a child ends in a way that a new start would not change.
  /// - Returns: the code with which the program ends.
  func run(_ signals: borrowing Signals) throws -> Int32 {
    while true {
      for one in kept { if let end = one.reap() { react(one, end) } }
      advance()
      if stage == .closing, !kept.contains(where: \.isRunning) { return code }
      try startDue()
      announce()
      let others = kept.flatMap(\.descriptors) + [signals.descriptor]
      _ = Poll.readable(others, milliseconds: pause())
      for one in kept { one.listen() }
      while let signal = signals.take() {
        if let code = obey(signal) { return code }
      }
    }
  }

  private func kept(_ power: KeptProcess.Power) -> KeptProcess? {
    kept.first { $0.power == power }
  }

  private func startDue() throws {
    let now = Clocks.bootNanoseconds()
    for one in kept where !one.isRunning && one.nextStart <= now {
      // While the worker finishes, somebody has to settle.
      if stage == .running || isDraining && one.power == .coordinator { try one.start() }
    }
  }

  private var isDraining: Bool {
    if case .draining = stage { true } else { false }
  }

  private func react(_ one: KeptProcess, _ end: Termination) {
    if one.power == .coordinator, isReloading {
      isReloading = false
      one.planAtOnce()
      return
    }
    let isAsked = stage == .closing || isDraining && one.power == .worker
    if isAsked {
      // What was cut off is told by the code; 143 is a coordinator's answer to SIGTERM.
      if one.power == .worker, end != .exited(0), code == 0 {
        code = EdgeJob.ExitCode.terminated.rawValue
      }
      return
    }
    if end.isFinal, case .exited(let status) = end {
      Console.note("the \(one.power.rawValue) ended with \(end.summary); it is not started again")
      code = status
      if !isDraining { drain() }
      if one.power == .coordinator { kept(.worker)?.signal(9) }
      return
    }
    let pause = one.plan()
    Console.note(
      "the \(one.power.rawValue) ended with \(end.summary), starting again in "
        + Amount.duration(pause))
  }

  /// Stops taking new jobs.
  private func drain() {
    let deadline = patience.map { Clocks.bootNanoseconds() + $0 }
    stage = .draining(until: deadline)
    notice.send("STOPPING=1\nSTATUS=finishing what runs")
    kept(.worker)?.signal(15)
  }

  /// From one stage to the next.
  private func advance() {
    guard case .draining(let deadline) = stage else { return }
    if let worker = kept(.worker), worker.isRunning {
      if let deadline, Clocks.bootNanoseconds() >= deadline { worker.signal(9) }
      return
    }
    stage = .closing
    kept(.coordinator)?.signal(15)
  }

  /// - Returns: the code, where the program is to end at once.
  private func obey(_ signal: Int32) -> Int32? {
    if signal == 1 {
      if stage == .running, let one = kept(.coordinator), one.isRunning {
        isReloading = true
        one.signal(15)
      }
      return nil
    }
    if stage == .running {
      drain()
      return nil
    }
    for one in kept { one.signal(9) }
    return 128 + signal
  }

  /// Says once that all are ready; then, while all live, that they do.
  private func announce() {
    if !isAnnounced, kept.allSatisfy(\.isReady) {
      isAnnounced = true
      let names = kept.map { "\($0.power.rawValue) \($0.process ?? 0)" }
      notice.send("READY=1\nSTATUS=\(names.joined(separator: ", "))")
      Console.note("ready: \(names.joined(separator: ", "))")
    }
    guard let watchdogPeriod else { return }
    let now = Clocks.bootNanoseconds()
    guard now >= nextWatchdog else { return }
    nextWatchdog = now + watchdogPeriod
    // Who is being started or finishes its jobs is not expected to tell.
    let isHung = kept.contains {
      $0.isReady && stage == .running && now - $0.lastBeat > 2 * watchdogPeriod
    }
    if !isHung { notice.send("WATCHDOG=1") }
  }

  /// How long there is nothing to do but to wait, milliseconds; −1 is for ever.
  private func pause() -> Int32 {
    var times: [Int64] = kept.filter { !$0.isRunning && stage != .closing }.map(\.nextStart)
    if case .draining(let deadline?) = stage { times.append(deadline) }
    if watchdogPeriod != nil { times.append(nextWatchdog) }
    guard let next = times.min() else { return -1 }
    return Int32(clamping: max(1, (next - Clocks.bootNanoseconds()) / 1_000_000 + 1))
  }
}
