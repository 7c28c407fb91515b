package import EdgeLedger
package import EdgeSpool

/// Why the coordinator stops. What concerns one job alone never comes here: that job is held,
/// rejected or put into quarantine.
package enum CoordinatorError: Error, Sendable, CustomStringConvertible {
  case spool(SpoolError)
  case ledger(LedgerError)
  /// Ledger and spool belong to different spools.
  case mismatch(String)

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
