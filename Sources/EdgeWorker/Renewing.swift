internal import EdgeSpool
internal import EdgeSystem

/// Keeps the lease of a worker whose coordinator may be on another machine, in a thread of its own.
///
/// Each renewal sets the time when the kernel kills this process, half a lease after the
/// renewal began: before anybody may run its jobs elsewhere, it and its sandboxes are gone,
/// also where it was stopped, its disk hangs, or the machine slept.
final class Renewing: Sendable {
  private let desk: WorkerDesk
  private let first: Renewal
  private let timer: KillTimer
  private let stop: Signal
  /// Raised when nothing is renewed any more.
  private let stopped: Signal

  /// Begins the lease.
  /// - Parameter lease: milliseconds.
  /// - Throws: `SpoolError` where the worker lives on another machine, or nothing can be written.
  static func begin(_ desk: WorkerDesk, lease: Int64) throws -> Renewing {
    guard Identity.process != 1 else {
      throw SpoolError(
        .unavailable, "process 1 of a namespace is not killed by the end of its lease",
        hint: "start the worker under an init, as docker run --init does")
    }
    let boot = try Clocks.bootID()
    try desk.outliveOthers(boot: boot)
    let renewing = try Renewing(desk, Renewal(lease: lease, boot: boot))
    _ = WorkThread.start { renewing.renew() }
    return renewing
  }

  private init(_ desk: WorkerDesk, _ first: Renewal) throws {
    self.desk = desk
    self.first = first
    timer = try KillTimer()
    stop = try Signal()
    stopped = try Signal()
    let begun = Clocks.bootNanoseconds()
    try desk.begin(first)
    try timer.set(deadline(begun))
  }

  private func deadline(_ begun: Int64) -> Int64 {
    begun + first.lease * 1_000_000 / Renewal.margin
  }

  private func renew() {
    defer { stopped.raise() }
    var renewal = first
    var isFailing = false
    let pause = Int32(clamping: renewal.lease / Renewal.renewalsPerLease)
    while Poll.readable([stop.descriptor], milliseconds: pause).isEmpty {
      renewal.count += 1
      let begun = Clocks.bootNanoseconds()
      do {
        try desk.renew(renewal)
        try timer.set(deadline(begun))
        isFailing = false
      } catch {
        if !isFailing {
          Diagnostics.note(
            "worker \(desk.id): its lease is not renewed: \(error); it ends itself "
              + "\(renewal.lease / Renewal.margin / 1000) s after the last renewal")
        }
        isFailing = true
        // Somebody else is this worker, and may be about to give its jobs away.
        if (error as? SpoolError)?.kind == .conflict { try? timer.set(begun) }
      }
    }
  }

  /// Ends the lease: nothing of this worker is at work any more.
  func end() throws {
    stop.raise()
    _ = Poll.readable([stopped.descriptor], milliseconds: -1)
    var last = first
    last.hasEnded = true
    try desk.renew(last)
    try timer.set(nil)
  }
}
