import EdgeCoordinator
import EdgeJob
import EdgeLedger
import EdgeSpool
import EdgeSystem
import EdgeTrust
import Testing

/// Faults: how often again, when, and where not.
struct RetryTests {
  private let launch = Fault.launchFailed(stage: "mount", errno: 12)

  /// Gives a job the same fault until it is dead or has had `most`.
  private func attempts(_ site: Site, _ job: JobID, _ fault: Fault, most: Int) throws -> Int {
    let coordinator = try site.coordinator()
    for attempt in 0..<most {
      let desk = try site.desk("w\(attempt)")
      try coordinator.settleDown()
      site.now += 3_600_000
      try coordinator.settleDown()
      if try site.spool.locate(job)?.state == .dead { return attempt }
      let claim = try #require(try desk.claimAll().first)
      if fault != .workerLost {
        let end = site.finished(claim, .fault(fault), worker: desk.id, result: nil)
        try desk.finish([end])
        try coordinator.settleDown()
      }
    }
    return most
  }

  @Test func eachKindHasItsBudget() throws {
    for (fault, retries) in [(Fault.archiveCorrupt, 2), (launch, 3), (.spoolFull, 5)] {
      let site = try Site()
      let before = try site.available()
      let job = try site.submit(Request(retries: 100))[0]
      #expect(try attempts(site, job, fault, most: 9) == retries + 1)
      let ticket = try site.spool.record(.dead, job).ticket
      #expect(ticket.why?.contains("budget") == true, "\(ticket.why ?? "")")
      #expect(try site.available() == before)
    }
    // The owner decides otherwise, and the request may allow less.
    let site = try Site()
    _ = try PolicyFile.change(site.spool) { $0.retries["spoolFull"] = 1 }
    let job = try site.submit(Request(retries: 100))[0]
    #expect(try attempts(site, job, .spoolFull, most: 9) == 2)
    let less = try Site()
    let other = try less.submit(Request(retries: 0))[0]
    #expect(try attempts(less, other, launch, most: 9) == 1)
    #expect(
      try less.spool.record(.dead, other).ticket.why?.contains("its request allows") == true)
  }

  /// A job whose workers die one after another is not given to the next one.
  @Test(arguments: [2, 3]) func poison(after: Int) throws {
    let site = try Site()
    let before = try site.available()
    _ = try PolicyFile.change(site.spool) { $0.poisonAfter = after }
    let job = try site.submit(Request(retries: 100))[0]
    #expect(try attempts(site, job, .workerLost, most: 9) == after)
    let ticket = try site.spool.record(.dead, job).ticket
    #expect(ticket.ending == .dead(.workerLost))
    #expect(ticket.why == "\(after) leases in a row ended with the death of their worker")
    #expect(try site.available() == before)
    #expect(try site.ledger.verify().isClean)
    // A person may try once more.
    let coordinator = try site.coordinator()
    try coordinator.obey(ControlRequest(.retry, [job], reason: ""), of: site.spool.owner)
    #expect(try site.spool.locate(job)?.state == .ready)
    #expect(try site.spool.ticket(at: Layout.ready(job, queue: "default")).why == nil)
  }

  /// A fault whose last attempt was given up before a crash is not tried again because the policy
  /// has become milder meanwhile: its credits are gone.
  @Test(arguments: [true, false]) func whatWasGivenUpStaysSo(isVoid: Bool) throws {
    let site = try Site()
    let job = try site.submit()[0]
    let desk = try site.desk()
    let coordinator = try site.coordinator()
    try coordinator.settleDown()
    let claim = try #require(try desk.claimAll().first)
    if isVoid {
      try site.ledger.write(epoch: coordinator.epoch, now: site.now, actor: "test") {
        (writer: borrowing LedgerWriter) throws(LedgerError) in
        _ = try writer.void(job: job, round: 1, reason: "dead")
      }
    }
    try desk.finish([site.finished(claim, .fault(launch), result: nil)])
    try coordinator.settleDown()
    #expect(try site.spool.locate(job)?.state == (isVoid ? .dead : .ready))
    #expect(try site.ledger.openReservations().isEmpty == isVoid)
    #expect(try site.ledger.verify().isClean)
  }

  /// The owner says how long they may get.
  @Test func pausesHaveAnEnd() throws {
    let site = try Site()
    _ = try PolicyFile.change(site.spool) { $0.pauseMax = 700 }
    let job = try site.submit(Request(retries: 100))[0]
    let coordinator = try site.coordinator()
    let desk = try site.desk()
    try coordinator.settleDown()
    for _ in 0..<4 {
      let claim = try #require(try desk.claimAll().first)
      try desk.finish([site.finished(claim, .fault(.hostOutOfMemory), result: nil)])
      try coordinator.settleDown()
      let ticket = try site.spool.ticket(at: Layout.ready(job, queue: "default"))
      #expect((350...700).contains(ticket.notBefore - site.now))
      site.now = ticket.notBefore
      try coordinator.settleDown()
    }
  }

  /// The pauses double, are drawn from the job and its attempt alone, and differ between jobs.
  @Test func pausesGrow() throws {
    var pauses: [[Int64]] = []
    for _ in 0..<2 {
      let site = try Site()
      // The same key on every spool gives other ids: the jobs of this test are different ones.
      let job = try site.submit(Request(key: "k", retries: 100))[0]
      let coordinator = try site.coordinator()
      let desk = try site.desk()
      try coordinator.settleDown()
      var own: [Int64] = []
      for _ in 0..<4 {
        let claim = try #require(try desk.claimAll().first)
        try desk.finish([site.finished(claim, .fault(.hostOutOfMemory), result: nil)])
        try coordinator.settleDown()
        let ticket = try site.spool.ticket(at: Layout.ready(job, queue: "default"))
        own.append(ticket.notBefore - site.now)
        #expect(ticket.backoff?.until == ticket.notBefore, "the test clock is both clocks")
        // Not a moment too early, and then at once.
        site.now = ticket.notBefore - 1
        try coordinator.settleDown()
        #expect(try desk.assigned().isEmpty)
        let why = try SchedulingState(site.spool, ledger: nil, now: site.now).reason(job)
        #expect(why?.hasPrefix("waits until") == true)
        site.now += 1
        try coordinator.settleDown()
        #expect(try desk.assigned().count == 1)
      }
      pauses.append(own)
      for (number, pause) in own.enumerated() {
        let full: Int64 = 5000 << Int64(number)
        #expect((full / 2...full).contains(pause), "\(number): \(pause)")
      }
    }
    #expect(pauses[0] != pauses[1])
  }

  /// A new leader knows the pause; a machine that was started anew goes by the wall clock.
  @Test(arguments: [false, true]) func pausesOutliveTheLeader(isRestarted: Bool) throws {
    let site = try Site()
    let desk = try site.desk()
    // Somebody has set the wall clock back by a day: the pause is none of that.
    try site.pause(desk) { ticket in
      ticket.notBefore += 86_400_000
      if isRestarted { ticket.backoff?.boot = "another start" }
    }
    site.now += 5000
    let coordinator = try site.coordinator()
    try coordinator.settleDown()
    #expect(try desk.assigned().isEmpty == isRestarted)
    site.now += 86_400_000
    try coordinator.settleDown()
    #expect(try desk.assigned().count == 1)
  }
}

extension Site {
  /// Gives a job a fault, and changes its ticket while it pauses and nobody leads.
  fileprivate func pause(_ desk: WorkerDesk, _ change: (inout Ticket) -> Void) throws {
    let job = try submit(Request(retries: 100))[0]
    let leader = try coordinator()
    try leader.settleDown()
    let claim = try #require(try desk.claimAll().first)
    try desk.finish([finished(claim, .fault(.spoolFull), result: nil)])
    try leader.settleDown()
    let path = Layout.ready(job, queue: "default")
    var ticket = try spool.ticket(at: path)
    #expect(ticket.backoff?.boot == (try Clocks.bootID()))
    change(&ticket)
    try spool.root.overwrite(path, ticket.json.canonical)
  }
}

/// Somebody sets the clock on the wall while a job pauses.
struct ClockStepTests {
  @Test(arguments: [true, false]) func noStepEndsAPause(hasBackoff: Bool) throws {
    let site = try Site(testClock: false)
    let desk = try site.desk()
    // The pause as it would be after the longest one, or as an earlier version wrote it.
    try site.pause(desk) { ticket in
      ticket.notBefore = site.now + 300_000
      ticket.backoff?.until += 300_000
      if !hasBackoff { ticket.backoff = nil }
    }
    let coordinator = try site.coordinator()
    try coordinator.settleDown()
    #expect(try desk.assigned().isEmpty)
    site.now += 86_400_000
    try coordinator.settleDown()
    #expect(try desk.assigned().isEmpty == hasBackoff)
    let steps = try site.ledger.entries(from: 0, limit: 1000).filter { $0.type == "clock-step" }
    #expect(steps.count == 1)
    site.now -= 86_400_000
    try coordinator.settleDown()
    #expect(try desk.assigned().isEmpty == hasBackoff)
    #expect(
      try site.ledger.entries(from: 0, limit: 1000).filter { $0.type == "clock-step" }.count == 2)
    #expect(try site.ledger.verify().isClean)
  }
}

/// Workers that cannot start anything.
struct DrainTests {
  private let launch = Outcome.fault(.launchFailed(stage: "mount", errno: 12))

  /// Lets a worker fail the launch of so many jobs.
  private func fail(_ site: Site, _ coordinator: Coordinator, _ desk: WorkerDesk, _ count: Int)
    throws
  {
    for _ in 0..<count {
      try coordinator.settleDown()
      let claim = try #require(try desk.assigned().first.flatMap { try desk.claim($0) })
      try desk.finish([site.finished(claim, launch, worker: desk.id, result: nil)])
      try coordinator.settleDown()
    }
  }

  @Test func aWorkerThatFailsLaunchesIsDrained() throws {
    let site = try Site()
    let bad = try site.desk("bad", slots: 2, started: 7)
    let jobs = try site.submit(count: 6)
    let coordinator = try site.coordinator()
    try fail(site, coordinator, bad, 3)
    let drain = try #require(site.spool.workerFile("bad").flatMap { site.spool.drain(of: $0) })
    #expect(drain.reason.contains("3 jobs in a row") && drain.started == 7)
    #expect(coordinator.events.contains { "\($0)".contains("worker bad is drained") })
    // What it was given comes back, and says why it waits.
    try coordinator.settleDown()
    #expect(try bad.assigned().isEmpty)
    site.now += 60_000
    try coordinator.settleDown()
    let reasons = try Coordinator.reasons(site.spool, now: site.now)
    #expect(reasons.count == 6)
    for reason in reasons.values { #expect(reason.contains("in a row failed"), "\(reason)") }
    // Elsewhere they run.
    let good = try site.desk("good", slots: 8)
    try coordinator.settleDown()
    #expect(try Set(good.claimAll().map(\.job.job)) == Set(jobs))
    #expect(try bad.assigned().isEmpty)
    // Its next process is another worker.
    try bad.announce(
      WorkerFile(
        id: "bad", slots: 2, session: nil, profiles: ["shell"], provides: ["language:shell"],
        key: site.key.publicKey.id, host: "h", process: 1, started: 8))
    _ = try site.submit(command: "pwd", count: 30)
    try coordinator.settleDown()
    #expect(try !bad.assigned().isEmpty)
  }

  /// One job that fails everywhere is the job's own affair; a verdict in between ends the row.
  @Test func whoIsNotDrained() throws {
    let site = try Site()
    let desk = try site.desk(slots: 1)
    let job = try site.submit(Request(priority: 1, retries: 9))[0]
    let coordinator = try site.coordinator()
    for _ in 0..<3 {
      try fail(site, coordinator, desk, 1)
      site.now += 600_000
    }
    #expect(site.spool.drainStatus("w") == nil)
    try coordinator.settleDown()
    let claim = try #require(try desk.claimAll().first)
    #expect(claim.job.job == job)
    try desk.finish([site.finished(claim, .verdict(.passed))])
    _ = try site.submit(command: "pwd", count: 8)
    try fail(site, coordinator, desk, 2)
    #expect(site.spool.drainStatus("w") == nil)
    try fail(site, coordinator, desk, 1)
    #expect(site.spool.drainStatus("w") != nil, "the third in a row")
    try site.spool.endDrain(on: "w")
    try coordinator.settleDown()
    #expect(try !desk.assigned().isEmpty)
    // What is no word of ours does not count.
    try site.spool.root.publish("workers/w/drain.json", Array("{}".utf8))
    try coordinator.settleDown()
    #expect(site.spool.workerFile("w").flatMap { site.spool.drain(of: $0) } == nil)
  }

  /// Only the owner's word makes it nobody's fault that a job comes back.
  @Test(arguments: [true, false]) func aWorkerCannotWaiveItsFaults(isOwners: Bool) throws {
    let site = try Site()
    let desk = try site.desk()
    let job = try site.submit()[0]
    try site.coordinator().settleDown()
    let claim = try #require(try desk.claimAll().first)
    if isOwners {
      try site.spool.put(Drain(since: 0, reason: ""), on: "w")
    } else {
      try site.spool.root.publish("workers/w/drain.json", Array("{}".utf8))
    }
    try desk.finish([site.finished(claim, .fault(.leaseExpired), result: nil)])
    // A new leader does not know that it has asked for the job.
    try site.coordinator().settleDown()
    let place = try #require(try site.spool.locate(job))
    #expect(try site.spool.ticket(at: place.path).faults == (isOwners ? [] : [.leaseExpired]))
  }

  @Test func theWorkerOfARunIsLeftAlone() throws {
    let site = try Site()
    let desk = try site.desk("run", session: "s")
    _ = try site.submit(Request(session: "s"), count: 6)
    let coordinator = try site.coordinator()
    try fail(site, coordinator, desk, 4)
    #expect(site.spool.drainStatus("run") == nil)
  }
}
