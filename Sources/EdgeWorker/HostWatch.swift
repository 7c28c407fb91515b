internal import EdgeJob
internal import EdgeSystem

/// What a worker knows of its machine from one moment to the next.
package struct HostWatch: Sendable {
  /// How old telemetry may be where nothing waits, milliseconds.
  package static let period: Int64 = 10_000
  /// How old it may be where a job waits to be claimed, milliseconds: asking a battery takes some
  /// machines long.
  package static let claimPeriod: Int64 = 1_000

  private let policy: HostPolicy
  private let reader: TelemetryReader
  private var telemetry: Telemetry
  private var times: ProcessorTimes?
  /// A job of ours ran since `times`: what the processors did then says nothing of others.
  private var hasWorked = false
  /// Since when a claim waits, nanoseconds since boot.
  private var deferredSince: Int64?
  /// The latest one.
  package private(set) var decision: PowerDecision

  /// Looks once.
  package init(_ policy: HostPolicy, _ reader: TelemetryReader = TelemetryReader()) {
    self.policy = policy
    self.reader = reader
    telemetry = reader.read()
    times = reader.processorTimes()
    decision = PowerPolicy.decide(telemetry, policy, now: Clocks.milliseconds())
  }

  /// Decides again.
  /// - Parameters:
  ///   - oldest: reads anew what is as old, milliseconds.
  ///   - isWorking: whether a job of ours runs.
  package mutating func look(oldest: Int64, isWorking: Bool) {
    hasWorked = hasWorked || isWorking
    // Also after a step of the clock, whichever way.
    if !(0..<oldest).contains(Clocks.milliseconds() - telemetry.readAt) {
      telemetry = reader.read()
      let now = reader.processorTimes()
      if !hasWorked, let now, let times { telemetry.busy = now.share(since: times) }
      times = now
      hasWorked = isWorking
    }
    decision = PowerPolicy.decide(telemetry, policy, now: Clocks.milliseconds())
  }

  /// A job waits, and nothing but the time that others were given keeps us from claiming it.
  package var isDeferring: Bool { deferredSince != nil }

  /// Whether a job that waits may be claimed now. A deferral is a wait, not a refusal: after it the
  /// job is claimed, however busy others are.
  /// - Parameter isWaiting: whether there is one.
  package mutating func mayClaim(isWaiting: Bool) -> Bool {
    guard isWaiting, decision.mayTakeJobs, decision.deferMilliseconds > 0 else {
      deferredSince = nil
      return isWaiting && decision.mayTakeJobs
    }
    let now = Clocks.bootNanoseconds()
    let since = deferredSince ?? now
    let isOver = now - since >= decision.deferMilliseconds * 1_000_000
    deferredSince = isOver ? nil : since
    return isOver
  }
}
