import EdgeCoordinator
import EdgeJob
import EdgeLedger
import EdgeScheduler
import EdgeSpool
import EdgeSystem
import EdgeTestSupport
import Testing

/// What the owner decides: parts and limits, changed while a coordinator leads.
struct PolicyTests {
  /// Runs so many jobs one after another; whose they were.
  private func serve(_ site: Site, _ coordinator: Coordinator, _ desk: WorkerDesk, _ count: Int)
    throws -> [String]
  {
    var accounts: [String] = []
    while accounts.count < count {
      try coordinator.settleDown()
      // One at a time, so that what was measured decides about the next.
      let claim = try #require(try desk.assigned().first.flatMap { try desk.claim($0) })
      accounts.append(claim.ticket.account)
      try desk.finish([
        site.finished(claim, .verdict(.passed), cpuMilliseconds: 5000, took: 5000)
      ])
    }
    return accounts
  }

  @Test func partsFollowTheWeights() throws {
    let site = try Site()
    try site.open("a", "b")
    _ = try site.submit(Request(account: "user:a"), count: 60)
    _ = try site.submit(Request(account: "user:b"), count: 60)
    let coordinator = try site.coordinator()
    let desk = try site.desk(slots: 1)
    let even = try serve(site, coordinator, desk, 40)
    #expect(abs(even.filter { $0 == "user:a" }.count - 20) <= 2, "\(even)")
    _ = try PolicyFile.change(site.spool) { $0.weights["user:a"] = 3 }
    // What is in the inbox was chosen before, and what was used counts by the new parts.
    let uneven = try serve(site, coordinator, desk, 40)
    let both = even + uneven
    #expect(abs(both.filter { $0 == "user:a" }.count - 60) <= 21, "\(uneven)")
    #expect(uneven.filter { $0 == "user:a" }.count >= 28, "\(uneven)")
  }

  @Test func aLimitHolds() throws {
    let site = try Site()
    _ = try PolicyFile.change(site.spool) {
      $0.queues["default"] = 2
      $0.groups = 1
    }
    let jobs = try site.submit(count: 6)
    let group = JobGroup(name: "g", most: 5)
    let grouped = try site.submit(Request(queue: "other", group: group), command: "pwd", count: 3)
    let coordinator = try site.coordinator()
    let desk = try site.desk(slots: 8)
    var running = 0
    for _ in 0..<3 {
      try coordinator.settleDown()
      let claims = try desk.claimAll()
      running += claims.count
      #expect(claims.filter { jobs.contains($0.job.job) }.count == 2)
      #expect(claims.filter { grouped.contains($0.job.job) }.count == 1)
      let reasons = try Coordinator.reasons(site.spool, now: site.now)
      for reason in reasons.values { #expect(reason.contains("has its"), "\(reason)") }
      try desk.finish(claims.map { site.finished($0, .verdict(.passed)) })
    }
    #expect(running == 9)
    // Without the limit all run at once.
    _ = try PolicyFile.change(site.spool) { $0.queues["default"] = nil }
    _ = try site.submit(command: "id", count: 6)
    try coordinator.settleDown()
    #expect(try desk.claimAll().count == 6)
  }

  @Test func aWrongPolicyLeavesTheLastOneInForce() throws {
    let site = try Site()
    _ = try PolicyFile.change(site.spool) { $0.queues["default"] = 1 }
    _ = try site.submit(count: 3)
    let coordinator = try site.coordinator()
    let desk = try site.desk()
    try coordinator.settleDown()
    try site.folder.write(
      "spool/\(PolicyFile.path)", text: #"{"schema":"edgecoder.policy/1","quotas":{}}"#)
    coordinator.events = []
    try coordinator.settleDown()
    let notices = coordinator.events.filter { "\($0)".contains("quotas") }
    #expect(notices.count == 1, "\(coordinator.events)")
    #expect(try desk.claimAll().count == 1)
    // Who has no earlier one does not start.
    do {
      _ = try SitePolicy(json: ["schema": "edgecoder.policy/1", "quotas": .object([])])
      Issue.record("an unknown member was read")
    } catch {
      #expect(error.problem.contains("quotas"))
    }
    do throws(SpoolError) {
      _ = try PolicyFile.read(site.spool)
      Issue.record("an unknown member was read")
    } catch {
      #expect(error.kind == .unknownFormat)
    }
  }

  @Test func onlyTheOwnersFileCounts() throws {
    let site = try Site()
    _ = try PolicyFile.change(site.spool) { $0.queues["default"] = 1 }
    let ledger = try site.spool.directory(Layout.ledger)
    #expect(try ledger.status("policy.json").mode == 0o600)
    try ledger.open("policy.json", 0).set(mode: 0o622)
    do throws(SpoolError) {
      _ = try PolicyFile.read(site.spool)
      Issue.record("a file that anybody could have written was read")
    } catch {
      #expect(error.kind == .notPermitted)
    }
  }

  @Test func itsJSONIsRead() throws {
    var policy = SitePolicy()
    policy.weights = ["user:ci": 3, "user:x": 1000]
    policy.accounts = ["user:ci": 8]
    policy.queues = ["slow": 0]
    policy.groups = 50
    policy.retries = ["workerLost": 0]
    policy.poisonAfter = 2
    #expect(try SitePolicy(json: policy.json) == policy)
    #expect(try SitePolicy(json: SitePolicy().json) == SitePolicy())
    let wrong: [JSON] = [
      ["schema": "edgecoder.policy/2"],
      ["schema": "edgecoder.policy/1", "accounts": ["a": ["weight": 0]]],
      ["schema": "edgecoder.policy/1", "queues": ["../x": ["maxRunning": 1]]],
      ["schema": "edgecoder.policy/1", "retries": ["bad": 1]],
      ["schema": "edgecoder.policy/1", "poisonAfter": 0],
    ]
    for json in wrong { #expect(throws: JSONError.self) { try SitePolicy(json: json) } }
  }
}

/// What the accounts have used outlives the leader.
struct RestoredShareTests {
  /// Two accounts of which one has used more: the next job is the other one's, whoever leads.
  @Test(arguments: [false, true]) func aNewLeaderGivesTheSameOrder(isNew: Bool) throws {
    let site = try Site()
    try site.open("a", "b")
    let desk = try site.desk(slots: 1)
    var coordinator: Coordinator? = try site.coordinator()
    // The first jobs are all of one account, and end.
    _ = try site.submit(Request(account: "user:b"), command: "pwd", count: 9)
    for _ in 0..<9 {
      try coordinator?.settleDown()
      let claims = try desk.claimAll()
      try desk.finish(
        claims.map { site.finished($0, .verdict(.passed), cpuMilliseconds: 5000, took: 5000) })
    }
    try coordinator?.settleDown()
    site.now += 600_000
    if isNew {
      coordinator = nil
      coordinator = try site.coordinator()
    }
    _ = try site.submit(Request(account: "user:b"), count: 20)
    _ = try site.submit(Request(account: "user:a"), count: 20)
    try coordinator?.settleDown()
    let order = try desk.claimAll().map(\.ticket.account)
    // Four ahead: all of them of the account that has used nothing.
    #expect(order == ["user:a", "user:a", "user:a", "user:a"], "\(order)")
  }

  /// What is derived is what was counted.
  @Test func theLedgerTellsTheSameUse() throws {
    let site = try Site()
    let desk = try site.desk()
    let coordinator = try site.coordinator()
    for _ in 0..<3 {
      _ = try site.submit(count: 4)
      for _ in 0..<2 {
        try coordinator.settleDown()
        let claims = try desk.claimAll()
        try desk.finish(claims.map { site.finished($0, .verdict(.passed)) })
      }
      try coordinator.settleDown()
      site.now += 1_800_000
    }
    let sums = try site.ledger.postedSums(of: "price.cpuMs", least: 1, since: 0)
    #expect(sums.map(\.jobs) == [4, 4, 4] && sums.map(\.sum) == [20, 20, 20])
    let late = try site.ledger.postedSums(
      of: "price.cpuMs", least: 1, since: site.now - 2_000_000)
    #expect(late.count == 1)
    _ = try site.submit()
    try coordinator.settleDown()
    let job = try #require(try desk.assigned().first).job
    #expect(try site.spool.locate(job)?.state == .inbox)
    let state = try SchedulingState(site.spool, ledger: site.ledger, now: site.now)
    // 20 ms after 1.5 h, after 1 h, and after half an hour.
    let expected = 20_000.0 * (0.3535534 + 0.5 + 0.7071068)
    let use = Double(state.use(of: "user:local"))
    #expect(abs(use - expected) < expected / 500, "\(use), not \(expected)")
  }
}

/// `schedule --explain` and `status --why` say the same.
struct ExplainTests {
  @Test func theOneReasonIsTheSame() throws {
    let site = try Site()
    _ = try PolicyFile.change(site.spool) { $0.queues["slow"] = 0 }
    let parent = try site.submit(Request(queue: "slow"))[0]
    let child = try site.submit(Request(after: [parent]), command: "pwd")[0]
    let later = try site.submit(Request(notBefore: site.now + 5000), command: "id")[0]
    let free = try site.submit(command: "date")[0]
    let small = try site.submit(Request(priority: 3), command: "ls")[0]
    let coordinator = try site.coordinator()
    try coordinator.settleDown()
    let desk = try site.desk()
    let state = try SchedulingState(site.spool, ledger: site.ledger, now: site.now)
    let reasons = state.reasons()
    for job in [parent, child, later, free, small] {
      #expect(state.reason(job) == reasons[job] && reasons[job] != nil, "\(job)")
    }
    #expect(reasons[parent]?.contains("queue slow has its 0 running") == true)
    #expect(reasons[child] == "waits for job \(parent)")
    #expect(reasons[later]?.hasPrefix("waits until") == true)
    #expect(reasons[free]?.contains("worker w gets it") == true, "\(reasons)")
    let first = try #require(state.explain(small))
    let second = try #require(state.explain(free))
    #expect(first.ahead == 0 && second.ahead == 1 && first.worker == "w")
    #expect(first.effectivePriority == 3000)
    #expect(state.explain(parent)?.worker == nil && state.explain(parent)?.ahead == nil)
    #expect(state.explain(parent)?.caps.map(\.most) == [0])
    // The same files give the same answer.
    let again = try SchedulingState(site.spool, ledger: site.ledger, now: site.now)
    #expect(again.explain(free) == second && again.reasons() == reasons)
    // It is also what is done.
    #expect(try desk.assigned().isEmpty)
    try coordinator.settleDown()
    for (job, reason) in reasons {
      let isGiven = try site.spool.locate(job)?.state == .inbox
      #expect(isGiven == reason.contains("gets it"), "\(job) \(reason)")
    }
  }
}
