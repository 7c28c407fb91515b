package import EdgeLedger
package import EdgeSpool

/// Why the coordinator stops. What concerns one job alone never comes here: that job is held,
/// rejected or put into quarantine.
package enum CoordinatorError: Error, Sendable, CustomStringConvertible {
  case spool(SpoolError)
  case ledger(LedgerError)
  /// Ledger and spool belong to different spools.
  case mismatch(String)

  /// True where the file system is full or may only be read: all that was acknowledged is there,
  /// and whoever leads anew when that has ended goes on.
  package var isFull: Bool {
    switch self {
    case .spool(let error): error.kind == .full
    case .ledger(.full): true
    case .ledger, .mismatch: false
    }
  }

  package var description: String {
    switch self {
    case .spool(let error): error.description
    case .ledger(let error): "\(error)"
    case .mismatch(let what): what
    }
  }
}

/// Runs a body on the spool.
func onSpool<Result>(_ body: () throws(SpoolError) -> Result) throws(CoordinatorError) -> Result {
  do { return try body() } catch { throw .spool(error) }
}

/// Runs a body on the ledger.
func onLedger<Result>(_ body: () throws(LedgerError) -> Result) throws(CoordinatorError) -> Result {
  do { return try body() } catch { throw .ledger(error) }
}
