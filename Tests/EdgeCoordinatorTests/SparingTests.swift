import EdgeCoordinator
import EdgeJob
import EdgeSpool
import EdgeTrust
import Testing

/// Workers that spare their machines.
struct SparingTests {
  private func say(_ desk: WorkerDesk, _ site: Site, _ accepts: Acceptance) throws {
    try desk.announce(
      WorkerFile(
        id: "w", slots: 4, session: nil, profiles: ["shell"], provides: ["language:shell"],
        key: site.key.publicKey.id, host: "h", process: 1, accepts: accepts,
        why: accepts == .all ? nil : "hot"))
  }

  /// What a worker was given before it stopped taking jobs comes back, and goes there again.
  @Test func whatItDoesNotTakeAnyMoreComesBack() throws {
    let site = try Site()
    let job = try site.submit()[0]
    let desk = try site.desk()
    let coordinator = try site.coordinator()
    try coordinator.settleDown()
    #expect(try site.spool.locate(job)?.state == .inbox)
    try say(desk, site, .nothing)
    try coordinator.settleDown()
    #expect(try site.spool.locate(job)?.state == .ready)
    #expect(try Coordinator.reasons(site.spool, now: site.now)[job]?.contains("hot") == true)
    try say(desk, site, .all)
    try coordinator.settleDown()
    #expect(try site.spool.locate(job)?.state == .inbox)
    #expect(try desk.claimAll().count == 1)
  }
}
