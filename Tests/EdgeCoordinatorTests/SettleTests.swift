import EdgeCoordinator
import EdgeJob
import EdgeLedger
import EdgeSpool
import EdgeSystem
import EdgeTrust
import Testing

struct SettleTests {
  /// A job that a worker has claimed.
  private func claimed(_ site: Site, _ coordinator: Coordinator, _ desk: WorkerDesk) throws -> Claim
  {
    _ = try site.submit()
    try coordinator.settleDown()
    return try #require(try desk.claimAll().first)
  }

  @Test func aVerdictIsPaidOnceAndTheRestIsReleased() throws {
    let site = try Site()
    let before = try site.available()
    let coordinator = try site.coordinator()
    let desk = try site.desk()
    let claim = try claimed(site, coordinator, desk)
    try desk.finish([site.finished(claim, .verdict(.passed))])
    try coordinator.settleDown()
    #expect(try site.available() == before - 5000)
    #expect(try site.ledger.openReservations().isEmpty)
    let record = try site.spool.record(.done, claim.job.job)
    #expect(record.ticket.ending == .verdict(.passed))
    #expect(record.result == Array("result".utf8))
    #expect(try site.ledger.verify().isClean)
  }

  /// A worker that was started anew tells of a claim that was taken from it while it came.
  @Test func aFaultOfAJobThatIsBackChangesNothing() throws {
    let site = try Site()
    let coordinator = try site.coordinator()
    var desk: WorkerDesk? = try site.desk()
    let claim = try claimed(site, coordinator, try #require(desk))
    try site.spool.put(Drain(since: 0, reason: "so that nobody gets it"))
    desk = nil
    try coordinator.settleDown()
    #expect(try site.spool.locate(claim.job.job)?.state == .ready)
    let again = try site.desk()
    try again.finish([site.finished(claim, .fault(.workerLost), result: nil)])
    try coordinator.settleDown()
    #expect(try site.spool.locate(claim.job.job)?.state == .ready)
    try site.spool.endDrain()
    try coordinator.settleDown()
    let second = try #require(try again.claimAll().first)
    #expect(second.ticket.faults == [.workerLost], "counted once")
    try again.finish([site.finished(second, .verdict(.passed))])
    try coordinator.settleDown()
    #expect(try site.spool.locate(claim.job.job)?.state == .done)
    #expect(try site.ledger.verify().isClean)
  }

  /// Nobody has to look again and again whether a worker lives.
  @Test func theEndOfAWorkerIsAnEvent() throws {
    let site = try Site()
    let coordinator = try site.coordinator()
    var desk: WorkerDesk? = try site.desk()
    let claim = try claimed(site, coordinator, try #require(desk))
    let watch = try coordinator.watch()
    #expect(watch.waitForNames(milliseconds: 0)?.isEmpty == true)
    desk = nil
    #expect(watch.waitForNames(milliseconds: 20_000) == [""])
    try coordinator.settleDown()
    #expect(try site.spool.locate(claim.job.job)?.state == .ready)
  }

  @Test func settlingTheSameReceiptAgainPaysNothing() throws {
    let site = try Site()
    let coordinator = try site.coordinator()
    let desk = try site.desk()
    let claim = try claimed(site, coordinator, desk)
    let attempt = site.finished(claim, .verdict(.passed))
    try desk.finish([attempt])
    try coordinator.settleDown()
    let after = try site.available()
    // As after a crash before the removals: ticket and receipt are there again.
    try site.spool.root.publish(
      "workers/w/outbox/\(claim.job)", claim.ticket.json.canonical, mode: 0o440)
    try desk.finish([attempt])
    try coordinator.settleDown()
    #expect(try site.available() == after)
    #expect(try site.spool.workerItems().isEmpty)
  }

  @Test(arguments: ["key", "worker", "result", "spool file"])
  func aForgedReceiptIsNotPaid(_ forgery: String) throws {
    let site = try Site()
    let before = try site.available()
    let coordinator = try site.coordinator()
    let desk = try site.desk()
    let claim = try claimed(site, coordinator, desk)
    var attempt = site.finished(claim, .verdict(.passed))
    switch forgery {
    case "key": attempt = site.finished(claim, .verdict(.passed), key: .generate())
    case "worker": attempt = site.finished(claim, .verdict(.passed), worker: "other")
    case "result":
      attempt = site.finished(claim, .verdict(.passed), signedResult: Array("better".utf8))
    default:
      attempt = FinishedAttempt(job: claim.job, envelope: Array("{}".utf8), result: nil)
    }
    try desk.finish([attempt])
    try coordinator.settleDown()
    #expect(try site.ledger.acceptedResult(job: claim.job.job) == nil)
    #expect(try site.available() < before)
    #expect(try !site.spool.directory(Layout.quarantine).entries().isEmpty)
    #expect(try site.spool.locate(claim.job.job)?.state != .done)
  }

  @Test func faultsAreFreeAndRetriedUntilTheBudgetIsUsedUp() throws {
    let site = try Site()
    let before = try site.available()
    let coordinator = try site.coordinator()
    let desk = try site.desk()
    let job = try site.submit(Request(retries: 2))[0]
    for attempt in 1...3 {
      try coordinator.settleDown()
      // Past the back-off of the fault that was just settled.
      site.now += 1_000_000
      try coordinator.settleDown()
      let claim = try #require(try desk.claimAll().first, "attempt \(attempt)")
      #expect(claim.ticket.attempt == Int64(attempt))
      try desk.finish([site.finished(claim, .fault(.archiveCorrupt), result: nil)])
    }
    try coordinator.settleDown()
    #expect(try site.spool.locate(job)?.state == .dead)
    #expect(try site.available() == before)
    #expect(try site.ledger.verify().isClean)
  }

  @Test func whatADeadWorkerHadIsGivenToAnother() throws {
    let site = try Site()
    let coordinator = try site.coordinator()
    let right: FencedJob
    do {
      let desk = try site.desk()
      right = try claimed(site, coordinator, desk).job
    }
    site.now += 1_000_000
    let other = try site.desk("other")
    try coordinator.settleDown()
    let claim = try #require(try other.claimAll().first)
    #expect(claim.job.job == right.job)
    #expect(claim.job.fence > right.fence)
    #expect(claim.ticket.faults == [.workerLost])
  }

  @Test func anOldRightIsNotPaidAfterANewerOne() throws {
    let site = try Site()
    let coordinator = try site.coordinator()
    var old: Claim?
    do {
      let desk = try site.desk()
      old = try claimed(site, coordinator, desk)
    }
    let late = try #require(old)
    site.now += 1_000_000
    let other = try site.desk("other")
    try coordinator.settleDown()
    let claim = try #require(try other.claimAll().first)
    // The dead worker comes back with its result.
    let again = try site.desk()
    try again.finish([site.finished(late, .verdict(.failed(exit: 1)))])
    try coordinator.settleDown()
    #expect(try site.ledger.acceptedResult(job: claim.job.job) == nil)
    try other.finish([site.finished(claim, .verdict(.passed), worker: "other")])
    try coordinator.settleDown()
    #expect(try site.ledger.acceptedResult(job: claim.job.job)?.fence == claim.job.fence)
  }

  @Test func fencesGrowOverLeaders() throws {
    let site = try Site()
    let desk = try site.desk()
    var last = Fence(epoch: 0, count: 0)
    for _ in 0..<3 {
      _ = try site.submit()
      let coordinator = try site.coordinator()
      try coordinator.settleDown()
      for claim in try desk.claimAll() {
        #expect(claim.job.fence > last)
        last = claim.job.fence
        try desk.finish([site.finished(claim, .verdict(.passed))])
      }
      try coordinator.settleDown()
    }
  }
}
