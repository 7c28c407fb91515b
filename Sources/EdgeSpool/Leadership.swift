package import EdgeSystem

/// The right to lead a spool: a lock that the kernel drops when its holder dies.
package struct Leadership: ~Copyable, Sendable {
  private let lock: FileLock

  /// Takes the lead, or answers nil where another process has it.
  package static func take(_ spool: Spool) throws(SpoolError) -> Leadership? {
    do throws(SystemError) {
      let ledger = try spool.root.directory(Layout.ledger)
      guard let lock = try FileLock.acquire(ledger, Layout.leaderLock) else { return nil }
      return Leadership(lock: lock)
    } catch {
      throw SpoolError(error)
    }
  }

  private init(lock: consuming FileLock) { self.lock = lock }

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

/// Waits for the end of whoever leads.
package struct LeaderWatch: ~Copyable {
  private let watch: Watch
  /// Short waits that are left: the kernel tells of the end before it drops the lock.
  private var short = 0

  package init(_ spool: Spool) throws(SpoolError) {
    self.init(try LeaderWatch.make(spool))
  }

  private init(_ watch: consuming Watch) { self.watch = watch }

  private static func make(_ spool: Spool) throws(SpoolError) -> Watch {
    do throws(SystemError) {
      let watch = try Watch()
      try Leadership.watch(spool, watch)
      return watch
    } catch {
      throw SpoolError(error)
    }
  }

  /// Returns when the lead may be free, one of `others` became readable, or the time passed.
  package mutating func wait(milliseconds: Int32, others: [Int32]) {
    let most = short > 0 ? min(5, milliseconds) : milliseconds
    let names = watch.waitForNames(milliseconds: most, others: others)
    short = names.map(\.isEmpty) ?? false ? max(0, short - 1) : 10
  }
}
