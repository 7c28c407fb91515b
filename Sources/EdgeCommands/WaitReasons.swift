internal import EdgeCoordinator
internal import EdgeJob
internal import EdgeSpool

/// Why ready jobs wait: the scheduler's own answer, from what the spool shows now.
enum WaitReasons {
  static func find(_ site: Site) throws -> [JobID: String] { try state(site).reasons() }

  /// What the scheduler would decide from.
  static func state(_ site: Site) throws -> SchedulingState {
    try SchedulingState(
      site.spool, ledger: site.isOurs ? try? site.ledger() : nil, now: site.now())
  }
}
