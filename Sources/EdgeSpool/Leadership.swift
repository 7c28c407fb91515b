package import EdgeSystem
internal import Glibc

/// The right to lead a spool: a lock that the kernel drops when its holder dies.
package struct Leadership: ~Copyable, Sendable {
  private let lock: FileLock
  private var mark: LeaderMark
  private var lastBeat: Int64

  /// Takes the lead, or answers nil where another process has it.
  package static func take(_ spool: Spool) throws(SpoolError) -> Leadership? {
    do throws(SystemError) {
      let ledger = try spool.root.directory(Layout.ledger)
      guard let lock = try FileLock.acquire(ledger, Layout.leaderLock) else { return nil }
      return try Leadership(lock: lock)
    } catch {
      throw SpoolError(error)
    }
  }

  /// Waits for the lead. Who dies is followed at once; who lives and does not get on is killed
  /// first, because nobody else could ever go on.
  /// - Parameters:
  ///   - hang: how long a leader may go without a sign that it gets on, milliseconds; nil waits for
  ///     ever.
  ///   - others: borrowed descriptors; when one becomes readable, waiting ends.
  ///   - told: gets a line for people where a leader is killed, or should be and cannot.
  /// - Returns: nil where one of `others` ended it.
  package static func wait(
    _ spool: Spool, hang: Int64? = nil, others: [Int32] = [], told: (String) -> Void = { _ in }
  ) throws(SpoolError) -> Leadership? {
    var hanging = Hanging(after: hang)
    while true {
      if let taken = try take(spool) { return taken }
      let ended = hanging.wait(for: LeaderMark.read(spool), others: others, told: told)
      if ended { return nil }
    }
  }

  private init(lock: consuming FileLock) throws(SystemError) {
    self.lock = lock
    mark = try LeaderMark.ofThisProcess()
    lastBeat = Clocks.bootNanoseconds()
    // On a disk that is full the lock still counts.
    try? self.lock.write(mark.bytes)
  }

  /// Says that the leader gets on; costs nothing more often than once a second.
  package mutating func beat() {
    let now = Clocks.bootNanoseconds()
    guard now - lastBeat > 1_000_000_000 else { return }
    lastBeat = now
    mark.beat += 1
    try? lock.write(mark.bytes)
  }

  // Nobody must wait for, or kill, a process that leads no more.
  deinit { try? lock.write([0x0A] + .init(repeating: 0x20, count: 118) + [0x0A]) }

  /// Gives the lead back; without it the lead ends with the value's scope.
  package consuming func giveBack() {}

  /// Also watches for the end of whoever leads, by events without a name.
  package static func watch(_ spool: Spool, _ watch: borrowing Watch) throws(SystemError) {
    do throws(SystemError) {
      try watch.add(lock: Layout.leaderLock, in: try spool.root.directory(Layout.ledger))
    } catch  where error.isNotFound {
      // Nobody has led yet, and so nobody leads.
    }
  }

  /// True where some process leads now.
  package static func isHeld(_ spool: Spool) -> Bool {
    guard let ledger = try? spool.root.directory(Layout.ledger) else { return false }
    return (try? FileLock.isHeld(ledger, Layout.leaderLock)) ?? false
  }
}

/// Watches a leader that somebody waits for.
private struct Hanging {
  private let after: Int64?
  private var last: LeaderMark?
  private var since = Clocks.bootNanoseconds()
  private var isTold = false

  init(after: Int64?) { self.after = after }

  /// Until the leader has ended, a second has passed, or one of `others` is readable.
  /// - Returns: true for the last.
  mutating func wait(for mark: LeaderMark?, others: [Int32], told: (String) -> Void) -> Bool {
    if mark != last {
      last = mark
      since = Clocks.bootNanoseconds()
      isTold = false
    }
    guard let mark, mark.boot == (try? Clocks.bootID()) else {
      // On another machine, or not yet said: asked again soon, for want of something to wait for.
      return !Poll.readable(others, milliseconds: mark == nil ? 20 : 1000).isEmpty
    }
    guard let leader = RunningProcess(mark.process, started: mark.started) else {
      // It has ended, and the next one has not said who it is.
      return !Poll.readable(others, milliseconds: 5).isEmpty
    }
    let ready = Poll.readable([leader.descriptor] + others, milliseconds: 1000)
    if ready.contains(where: others.contains) { return true }
    if let after, ready.isEmpty, Clocks.bootNanoseconds() - since > after * 1_000_000 {
      end(leader, mark, told)
    }
    return false
  }

  private mutating func end(
    _ leader: borrowing RunningProcess, _ mark: LeaderMark, _ told: (String) -> Void
  ) {
    let seconds = (after ?? 0) / 1000
    do throws(SystemError) {
      try leader.signal(SIGKILL)
      told("the leader, process \(mark.process), gave no sign for \(seconds) s and was killed")
      _ = Poll.readable([leader.descriptor], milliseconds: 5000)
    } catch {
      if !isTold {
        told(
          "the leader, process \(mark.process), gives no sign for \(seconds) s "
            + "and cannot be killed: \(error)")
      }
      isTold = true
    }
  }
}
