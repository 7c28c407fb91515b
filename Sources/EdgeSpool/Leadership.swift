internal import EdgeSystem

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

  /// Waits for the lead; blocks the calling thread.
  package static func wait(_ spool: Spool) throws(SpoolError) -> Leadership {
    do throws(SystemError) {
      let ledger = try spool.root.directory(Layout.ledger)
      return Leadership(lock: try FileLock.wait(ledger, Layout.leaderLock))
    } catch {
      throw SpoolError(error)
    }
  }

  private init(lock: consuming FileLock) { self.lock = lock }

  /// Gives the lead back; without it the lead ends with the value's scope.
  package consuming func giveBack() {}

  /// True where some process leads now.
  package static func isHeld(_ spool: Spool) -> Bool {
    guard let ledger = try? spool.root.directory(Layout.ledger) else { return false }
    return (try? FileLock.isHeld(ledger, Layout.leaderLock)) ?? false
  }
}
