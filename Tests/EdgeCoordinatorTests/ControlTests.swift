import EdgeCoordinator
import EdgeJob
import EdgeLedger
import EdgeSpool
import EdgeSystem
import Testing

struct ControlTests {
  private func ask(
    _ site: Site, _ coordinator: Coordinator, _ verb: ControlRequest.Verb, _ job: JobID
  )
    throws
  {
    try site.spool.askFor(ControlRequest(verb, [job], reason: "because"))
    try coordinator.settleDown()
  }

  @Test func holdReleaseCancelAndRetryMoveAReadyJob() throws {
    let site = try Site()
    let before = try site.available()
    let coordinator = try site.coordinator()
    let job = try site.submit()[0]
    try coordinator.settleDown()
    try ask(site, coordinator, .hold, job)
    #expect(try site.spool.locate(job)?.state == .held)
    #expect(try site.spool.record(.held, job).ticket.hold == "because")
    try ask(site, coordinator, .release, job)
    #expect(try site.spool.locate(job)?.state == .ready)
    try ask(site, coordinator, .cancel, job)
    #expect(try site.spool.locate(job)?.state == .cancelled)
    #expect(try site.available() == before)
    try ask(site, coordinator, .retry, job)
    #expect(try site.spool.locate(job)?.state == .ready)
    #expect(try site.available() < before)
    #expect(try site.ledger.verify().isClean)
  }

  /// A job that fell with another one starts anew, also where the removal of its end was cut short.
  @Test func retryOfAJobThatFell() throws {
    let site = try Site()
    let before = try site.available()
    var coordinator: Coordinator? = try site.coordinator()
    let parent = try site.submit(Request(hold: "first"))[0]
    let child = try site.submit(Request(after: [parent]))[0]
    try coordinator?.settleDown()
    try ask(site, try #require(coordinator), .cancel, parent)
    #expect(try site.spool.record(.done, child).ticket.ending == .dependencyFailed)
    let end = try site.spool.root.read("done/\(child)", atMost: 1 << 20)
    try ask(site, try #require(coordinator), .retry, child)
    #expect(try site.spool.locate(child)?.state == .done, "it would fall again")
    try ask(site, try #require(coordinator), .retry, parent)
    try ask(site, try #require(coordinator), .retry, child)
    #expect(try site.spool.locate(child)?.state == .ready)
    coordinator = nil
    try site.spool.root.publish("done/\(child)", end, mode: 0o400)
    let next = try site.coordinator()
    try next.settleDown()
    #expect(try site.spool.locate(child)?.state == .ready)
    try ask(site, next, .cancel, parent)
    #expect(try site.spool.record(.done, child).ticket.ending == .dependencyFailed)
    #expect(try site.spool.record(.done, child).ticket.round == 2)
    #expect(try site.available() == before)
    #expect(try site.ledger.verify().isClean)
  }

  @Test func cancelReachesARunningJobThroughItsWorker() throws {
    let site = try Site()
    let before = try site.available()
    let coordinator = try site.coordinator()
    let desk = try site.desk()
    let job = try site.submit()[0]
    try coordinator.settleDown()
    let claim = try #require(try desk.claimAll().first)
    try ask(site, coordinator, .cancel, job)
    #expect(try desk.stopRequests() == [claim.job])
    try desk.finish([site.finished(claim, .cancelled, result: nil)])
    try coordinator.settleDown()
    #expect(try site.spool.locate(job)?.state == .cancelled)
    #expect(try site.available() == before)
  }

  @Test func somebodyElseMayNotCancel() throws {
    let site = try Site()
    let coordinator = try site.coordinator()
    let job = try site.submit()[0]
    try coordinator.settleDown()
    try coordinator.obey(ControlRequest(.cancel, [job], reason: ""), of: 60_999)
    #expect(try site.spool.locate(job)?.state == .ready)
    try coordinator.obey(ControlRequest(.cancel, [job], reason: ""), of: Identity.user)
    #expect(try site.spool.locate(job)?.state == .cancelled)
  }

  @Test func childrenWaitForTheirParentAndFallWithIt() throws {
    let site = try Site()
    let coordinator = try site.coordinator()
    let desk = try site.desk()
    let parent = try site.submit()[0]
    let child = try site.submit(Request(after: [parent]), command: "echo")[0]
    let grandchild = try site.submit(Request(after: [child]), command: "pwd")[0]
    try coordinator.settleDown()
    var claims = try desk.claimAll()
    #expect(claims.map(\.job.job) == [parent])
    try desk.finish([site.finished(claims[0], .verdict(.passed))])
    try coordinator.settleDown()
    claims = try desk.claimAll()
    #expect(claims.map(\.job.job) == [child])
    try desk.finish([site.finished(claims[0], .verdict(.failed(exit: 1)))])
    try coordinator.settleDown()
    #expect(try site.spool.record(.done, grandchild).ticket.ending == .dependencyFailed)
  }

  @Test func aJobThatMayNoLongerStartExpires() throws {
    let site = try Site()
    let before = try site.available()
    let coordinator = try site.coordinator()
    let job = try site.submit(Request(notAfter: site.now + 1000))[0]
    try coordinator.settleDown()
    site.now += 5000
    try coordinator.settleDown()
    #expect(try site.spool.record(.done, job).ticket.ending == .expired)
    #expect(try site.available() == before)
  }

  @Test func onlyOneLeads() throws {
    let site = try Site()
    let first = try site.coordinator()
    #expect(throws: SystemError.self) { _ = try site.coordinator() }
    _ = first.epoch
  }
}
