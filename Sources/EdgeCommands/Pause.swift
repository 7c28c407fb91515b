internal import ArgumentParser
internal import EdgeCoordinator
internal import EdgeSpool
internal import EdgeSystem

/// Waits while the spool's file system is full or may only be read: tells the reason once, tries
/// now and then, and lets its user go on when the disk takes files again.
struct Pause {
  private let spool: Spool
  private var since: Int64?

  init(_ spool: Spool) { self.spool = spool }

  /// Until the disk takes files again.
  /// - Throws: the exit code where a signal ends it.
  mutating func begin(_ error: CoordinatorError, _ signals: borrowing Signals) throws {
    start(error)
    while true {
      _ = Poll.readable([signals.descriptor], milliseconds: 500)
      if let signal = signals.take() { throw ArgumentParser.ExitCode(128 + signal) }
      if mayGoOn { return }
    }
  }

  /// Begins to pause; tells the reason the first time.
  mutating func start(_ error: CoordinatorError) {
    if since == nil { Console.note("paused: \(error); it goes on by itself") }
    since = Clocks.bootNanoseconds()
  }

  /// True where the disk takes files, and there is room enough to go on.
  var mayGoOn: Bool {
    guard (try? spool.checkWritable()) != nil else { return false }
    return spool.shortage() == nil
  }

  /// True between `start` and `end`.
  var isOn: Bool { since != nil }

  /// Tells that it goes on.
  mutating func end() {
    if since != nil { Console.note("the disk takes files again; going on") }
    since = nil
  }
}
