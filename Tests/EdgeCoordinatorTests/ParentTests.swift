import EdgeCoordinator
import EdgeJob
import EdgeLedger
import EdgeSpool
import EdgeSystem
import EdgeTestSupport
import Testing

/// Jobs that wait for others: for whole batches, for ones that are rejected, and held where those
/// fell.
struct ParentTests {
  private func ending(_ site: Site, _ job: JobID) throws -> Ending? {
    guard let place = try site.spool.locate(job), place.state.isFinal, place.state != .quarantine
    else { return nil }
    return try site.spool.record(place.state, job).ticket.ending
  }

  private func ask(
    _ site: Site, _ coordinator: Coordinator, _ verb: ControlRequest.Verb, _ jobs: JobID...
  ) throws {
    try site.spool.askFor(ControlRequest(verb, jobs, reason: "because"))
    try coordinator.settleDown()
  }

  private func unpaid(_ coordinator: Coordinator) -> [JobID] {
    coordinator.events.compactMap { if case .unpaid(let job, _) = $0 { job } else { nil } }
  }

  /// Whoever is admitted first: the other one is in `incoming/` still, and is rejected later.
  @Test func childrenOfARejectedJobDoNotWaitForEver() throws {
    let site = try Site()
    let coordinator = try site.coordinator()
    for index in 0..<8 {
      let key = "parent-\(index)"
      let request = Request(account: "nobody", key: key)
      let parent = site.spool.jobID(account: "nobody", key: key)
      let needs = try site.submit(Request(key: "needs-\(index)", after: [parent]))[0]
      let takes = try site.submit(Request(key: "takes-\(index)", afterAny: [parent]))[0]
      #expect(try site.submit(request)[0] == parent)
      try coordinator.settleDown()
      #expect(try site.spool.locate(parent)?.state == .quarantine)
      #expect(try ending(site, needs) == .dependencyFailed)
      #expect(try site.spool.locate(takes)?.state == .ready)
    }
  }

  /// What lies in `incoming/` may bear any name, also that of somebody else's job or batch.
  @Test func whatIsRejectedUnderTheNameOfAnotherFellsNobody() throws {
    let site = try Site(grant: 1_000_000_000_000)
    let coordinator = try site.coordinator()
    let parent = try site.submit(Request(hold: "x"))[0]
    let jobs = try site.submit(count: 300)
    try coordinator.settleDown()
    #expect(try site.spool.locate(jobs[299])?.state == .incoming)
    let parents = [parent, jobs[0], jobs[0].batch, jobs[299]]
    let children = try parents.map { try site.submit(Request(after: [$0]), command: "echo")[0] }
    try coordinator.settleDown()
    for name in parents {
      try site.folder.write("spool/incoming/\(name)", text: "no archive")
      try coordinator.settleDown()
    }
    let later = try parents.map { try site.submit(Request(after: [$0]), command: "echo")[0] }
    try coordinator.settleDown()
    for job in children + later { #expect(try site.spool.locate(job)?.state == .ready) }
    try ask(site, coordinator, .release, parent)
    let desk = try site.desk(slots: 64)
    #expect(try site.work(coordinator, desk) == 309)
    for job in children + later { #expect(try ending(site, job) == .verdict(.passed)) }
  }

  /// A leader died after it had reserved for jobs and before their tickets; then they are
  /// cancelled and held.
  @Test func whatIsSetAsideAfterItsReservationDoesNotStart() throws {
    let site = try Site(grant: 1_000_000_000_000)
    var coordinator: Coordinator? = try site.coordinator()
    let jobs = try site.submit(count: 300)
    try coordinator?.settleDown()
    let made = try site.spool.ticket(at: Layout.ready(jobs[0], queue: "default"))
    try site.ledger.write(epoch: try site.ledger.currentEpoch(), now: site.now, actor: "test") {
      (writer: borrowing LedgerWriter) throws(LedgerError) in
      for job in [jobs[298], jobs[299]] {
        _ = try writer.reserve(job: job, account: made.account, amount: made.reserved)
      }
    }
    let before = try site.available()
    try ask(site, try #require(coordinator), .cancel, jobs[299])
    #expect(try site.available() == before + made.reserved.micro)
    try ask(site, try #require(coordinator), .hold, jobs[298])
    coordinator = nil
    let next = try site.coordinator()
    let desk = try site.desk(slots: 64)
    #expect(try site.work(next, desk) == 298)
    #expect(try ending(site, jobs[299]) == .cancelled)
    #expect(try site.spool.locate(jobs[298])?.state == .held)
    try ask(site, next, .release, jobs[298])
    #expect(try site.work(next, desk) == 1)
    #expect(try site.ledger.verify().isClean)
  }

  @Test(arguments: [3, 600])
  func aBatchIsWaitedForAsAWhole(_ count: Int) throws {
    let site = try Site(grant: 1_000_000_000_000)
    let coordinator = try site.coordinator()
    let desk = try site.desk(slots: 64)
    let jobs = try site.submit(count: count)
    let batch = jobs[0].batch
    let child = try site.submit(Request(after: [batch]), command: "echo")[0]
    let stranger = try site.submit(Request(afterNotOk: [batch]), command: "pwd")[0]
    var ended = 0
    while ended < count {
      try coordinator.settleDown()
      #expect(try site.spool.locate(child)?.state == .ready)
      let claims = try desk.claimAll()
      try #require(claims.allSatisfy { jobs.contains($0.job.job) } && !claims.isEmpty)
      try desk.finish(claims.map { site.finished($0, .verdict(.passed)) })
      ended += claims.count
    }
    try coordinator.settleDown()
    #expect(try desk.claimAll().map(\.job.job) == [child])
    #expect(try ending(site, stranger) == .dependencyFailed)
    #expect(try site.spool.record(.done, stranger).ticket.why?.hasPrefix("batch \(batch)") == true)
    // Who comes late, and who leads later, find the same.
    let late = try site.submit(Request(afterAny: [batch]), command: "echo")[0]
    try coordinator.settleDown()
    #expect(try desk.claimAll().map(\.job.job) == [late])
    #expect(try site.ledger.verify().isClean)
  }

  @Test func aJobOfABatchMayStartAnewWhileTheOthersRun() throws {
    let site = try Site()
    let coordinator = try site.coordinator()
    let desk = try site.desk()
    let jobs = try site.submit(count: 2)
    let child = try site.submit(Request(after: [jobs[0].batch]), command: "echo")[0]
    let mender = try site.submit(Request(afterNotOk: [jobs[0].batch]), command: "pwd")[0]
    try coordinator.settleDown()
    let claims = try desk.claimAll()
    try desk.finish([site.finished(claims[0], .cancelled, result: nil)])
    try coordinator.settleDown()
    #expect(try site.spool.locate(child)?.state == .ready, "the other one runs still")
    try ask(site, coordinator, .retry, claims[0].job.job)
    try desk.finish([site.finished(claims[1], .verdict(.passed))])
    try coordinator.settleDown()
    let again = try desk.claimAll()
    #expect(again.map(\.job.job) == [claims[0].job.job])
    try desk.finish(again.map { site.finished($0, .verdict(.passed)) })
    try coordinator.settleDown()
    #expect(try desk.claimAll().map(\.job.job) == [child])
    #expect(try ending(site, mender) == .dependencyFailed)
  }

  /// A batch that is not admitted yet, one that is rejected, and one that a new leader finds.
  @Test func aBatchInAnyState() throws {
    let site = try Site()
    var coordinator: Coordinator? = try site.coordinator()
    let children = try (0..<4).map { index in
      let key = "batch-\(index)"
      let batch = site.spool.jobID(account: "uid:\(Identity.user)", key: key).batch
      return try site.submit(Request(key: "child-\(index)", after: [batch]))[0]
    }
    for index in 0..<4 { _ = try site.submit(Request(key: "batch-\(index)"), count: 2) }
    try coordinator?.settleDown()
    for child in children { #expect(try site.spool.locate(child)?.state == .ready) }
    coordinator = nil
    let next = try site.coordinator()
    let desk = try site.desk()
    #expect(try site.work(next, desk) == 12)
    for child in children { #expect(try ending(site, child) == .verdict(.passed)) }
    let bad = site.spool.jobID(account: "nobody", key: "bad").batch
    let fallen = try site.submit(Request(key: "late", after: [bad]))[0]
    _ = try site.submit(Request(account: "nobody", key: "bad"), count: 2)
    try next.settleDown()
    #expect(try ending(site, fallen) == .dependencyFailed)
  }

  @Test func whoAsksIsHeldWhereHisParentFell() throws {
    let site = try Site()
    let coordinator = try site.coordinator()
    let parent = try site.submit(Request(hold: "first"))[0]
    let child = try site.submit(Request(after: [parent], onDependencyFailed: .hold))[0]
    let grandchild = try site.submit(Request(after: [child]), command: "echo")[0]
    try coordinator.settleDown()
    try ask(site, coordinator, .cancel, parent)
    let reason =
      "its dependency failed: job \(parent), which it waits for, did not end as it had to"
    #expect(try site.spool.record(.held, child).ticket.hold == reason)
    #expect(try site.spool.locate(grandchild)?.state == .ready, "it may still be met")
    // Nothing has changed: it is held again, or not let go at all.
    try ask(site, coordinator, .release, child)
    #expect(try site.spool.record(.held, child).ticket.hold == reason)
    coordinator.events = []
    try ask(site, coordinator, .retry, child)
    #expect(try site.spool.locate(child)?.state == .held)
    #expect(
      coordinator.events.contains {
        if case .notice(let text) = $0 { text.contains("would fall again") } else { false }
      })
    try ask(site, coordinator, .retry, parent, child)
    #expect(try site.spool.locate(child)?.state == .ready)
    let desk = try site.desk()
    #expect(try site.work(coordinator, desk) == 3)
    #expect(try ending(site, grandchild) == .verdict(.passed))
    #expect(try site.ledger.verify().isClean)
  }

  /// Parents and children of one batch in one request; those that would fall again stay.
  @Test func retryOfABatchBringsBackWhatFell() throws {
    let site = try Site(grant: 1_000_000_000_000)
    let coordinator = try site.coordinator()
    let outside = try site.submit(Request(hold: "outside"))[0]
    let jobs = try site.submit(Request(after: [outside]), count: 300)
    try coordinator.settleDown()
    try ask(site, coordinator, .cancel, outside)
    for job in jobs { #expect(try ending(site, job) == .dependencyFailed) }
    try ask(site, coordinator, .retry, jobs[0].batch)
    for job in jobs { #expect(try ending(site, job) == .dependencyFailed) }
    let before = try site.available()
    try ask(site, coordinator, .retry, outside, jobs[0].batch)
    for job in jobs { #expect(try site.spool.locate(job)?.state == .ready) }
    #expect(try site.available() < before)
    #expect(unpaid(coordinator).isEmpty)
    #expect(try site.ledger.verify().isClean)
  }

  @Test func whatCannotBePaidForStays() throws {
    let rich = try Site()
    let all = try rich.available()
    _ = try rich.submit()
    try rich.coordinator().settleDown()
    let price = all - (try rich.available())
    let site = try Site(grant: price * 5 / 2)
    let coordinator = try site.coordinator()
    let jobs = try site.submit(
      Request(hold: "x"), count: 2)
    try coordinator.settleDown()
    try ask(site, coordinator, .cancel, jobs[0], jobs[1])
    let third = try site.submit(command: "pwd")[0]
    try coordinator.settleDown()
    #expect(try site.spool.locate(third)?.state == .ready)
    try ask(site, coordinator, .retry, jobs[0], jobs[1])
    let states = try jobs.map { try site.spool.locate($0)?.state }
    #expect(states == [.ready, .cancelled])
    #expect(unpaid(coordinator) == [jobs[1]])
  }

  /// The same key with other requests; the client of somebody who may not look does not see that.
  @Test func aKeyOfABatchNamesItsRequests() throws {
    let site = try Site()
    let coordinator = try site.coordinator()
    let jobs = try site.submit(Request(key: "k"), count: 2)
    try coordinator.settleDown()
    coordinator.events = []
    #expect(try site.submit(Request(key: "k", notBefore: 5, session: "s"), count: 2) == jobs)
    try coordinator.settleDown()
    #expect(coordinator.events.isEmpty, "the same again: \(coordinator.events)")
    _ = try site.submit(Request(key: "k", priority: 7), count: 2)
    try coordinator.settleDown()
    let refused = coordinator.events.contains {
      if case .notice(let text) = $0 { text.contains("with other content") } else { false }
    }
    #expect(refused, "\(coordinator.events)")
    #expect(
      try site.spool.ticket(at: Layout.ready(jobs[0], queue: "default")).request.priority == 0)
  }

  @Test func fsckKnowsWhoIsWaitedFor() throws {
    let site = try Site()
    let nobody = try #require(JobID("00000000000000000000000001"))
    var jobs: [JobID] = []
    do {
      let coordinator = try site.coordinator()
      jobs = try (0..<3).map { try site.submit(Request(priority: Int64($0)))[0] }
      try coordinator.settleDown()
    }
    // Written over by hand: no submission of ours could say that.
    let parents = [[jobs[1]], [jobs[0]], [nobody]]
    for (job, parents) in zip(jobs, parents) {
      let path = Layout.ready(job, queue: "default")
      var ticket = try site.spool.ticket(at: path)
      ticket.request.after = parents
      try site.spool.removeTicket(at: path)
      try site.spool.putReady(ticket)
    }
    var examination = Examination(site.spool, ledger: site.ledger, withArchives: false)
    let found = try examination.run()
    #expect(Set(found.map(\.kind)) == [.circle, .unknownParent])
    #expect(found.first { $0.kind == .unknownParent }?.job == jobs[2])
    #expect(found.first { $0.kind == .circle }?.problem.contains("\(jobs[0]) →") == true)
    let coordinator = try site.coordinator()
    try coordinator.repair(found)
    #expect(try ending(site, jobs[2]) == .dependencyFailed)
    examination = Examination(site.spool, ledger: site.ledger, withArchives: false)
    let left = try examination.run()
    #expect(left.map(\.kind) == [.circle], "somebody must choose: \(left)")
    try ask(site, coordinator, .cancel, jobs[0])
    #expect(try ending(site, jobs[1]) == .dependencyFailed)
  }
}
