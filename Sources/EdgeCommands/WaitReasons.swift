internal import EdgeCoordinator
internal import EdgeJob
internal import EdgeSpool

/// Why ready jobs wait: the scheduler's own answer, from what the spool shows now.
enum WaitReasons {
  static func find(_ site: Site) throws -> [JobID: String] {
    try Coordinator.reasons(site.spool, now: site.now())
  }
}
