import EdgeCoordinator
import EdgeJob
import EdgeSpool
import EdgeSystem
import Testing

/// The numbers of `counts.json` against the names that they count.
struct CountsTests {
  /// Sure to be right, and right.
  private func areRight(_ spool: Spool) throws -> Bool {
    var real = try spool.countEnded()
    real.isSettled = true
    return spool.settledCounts == real
  }

  /// One done, one cancelled, one dead and tried again.
  private func end(_ site: Site, _ coordinator: Coordinator) throws {
    let desk = try site.desk()
    let jobs = try site.submit(Request(retries: 0), count: 3)
    try coordinator.settleDown()
    for claim in try desk.claimAll() {
      let isFirst = claim.job.job == jobs[0]
      let outcome: Outcome =
        isFirst ? .verdict(.passed) : .fault(.launchFailed(stage: "exec", errno: 2))
      try desk.finish([site.finished(claim, outcome, result: isFirst ? [1] : nil)])
    }
    try coordinator.settleDown()
    try coordinator.obey(ControlRequest(.retry, [jobs[1]], reason: ""), of: Identity.user)
    try coordinator.obey(ControlRequest(.cancel, [jobs[1]], reason: ""), of: Identity.user)
    try coordinator.settleDown()
  }

  @Test func followWhatEnds() throws {
    let site = try Site()
    let coordinator = try site.coordinator()
    try end(site, coordinator)
    #expect(try areRight(site.spool))
    let counts = try #require(site.spool.counts)
    #expect([counts.done, counts.cancelled, counts.dead] == [1, 1, 1])
  }

  @Test func areTakenOverFromALeaderThatHadFinished() throws {
    let site = try Site()
    do { try end(site, try site.coordinator()) }
    var counts = try #require(site.spool.counts)
    counts.done += 100
    site.spool.put(counts)
    let coordinator = try site.coordinator()
    try end(site, coordinator)
    #expect(site.spool.counts?.done == 102, "nothing was counted that need not be")
    #expect(try !areRight(site.spool))
  }

  /// What a leader, a power cut or somebody's editor left that cannot be relied on.
  @Test(arguments: ["unsettled", "another boot", "spoiled", "removed"])
  func areCountedAnewAfter(_ what: String) throws {
    let site = try Site()
    do { try end(site, try site.coordinator()) }
    var counts = try #require(site.spool.counts)
    counts.done += 100
    switch what {
    case "unsettled": counts.isSettled = false
    case "another boot": counts.boot = "b"
    default: break
    }
    site.spool.put(what == "removed" ? nil : counts)
    if what == "spoiled" { try site.spool.root.overwrite("counts.json", Array("{".utf8)) }
    #expect(try site.spool.endedCounts().done == 1)
    let coordinator = try site.coordinator()
    try end(site, coordinator)
    #expect(try areRight(site.spool))
    #expect(site.spool.counts?.done == 2)
  }

  /// A leader says that its numbers are not settled before the first of them is wrong.
  @Test func areNotSettledWhileSomethingIsDone() throws {
    let site = try Site()
    let coordinator = try site.coordinator()
    let desk = try site.desk()
    _ = try site.submit()
    try coordinator.settleDown()
    #expect(try areRight(site.spool))
    let claim = try #require(try desk.claimAll().first)
    try desk.finish([site.finished(claim, .verdict(.passed))])
    #expect(try coordinator.pass())
    #expect(site.spool.settledCounts == nil)
    #expect(try site.spool.endedCounts().done == 0, "the leader's word, until it has looked again")
    #expect(try !coordinator.pass())
    #expect(try areRight(site.spool))
  }
}

/// `prune` beside a coordinator that leads: it is asked to do it itself.
struct PruneTests {
  @Test func whoLeadsPrunes() throws {
    let site = try Site()
    let coordinator = try site.coordinator()
    let desk = try site.desk()
    let jobs = try site.submit(count: 3)
    try coordinator.settleDown()
    var third: Claim?
    for claim in try desk.claimAll() {
      if claim.job.job == jobs[2] {
        third = claim
      } else {
        try desk.finish([site.finished(claim, .verdict(.passed))])
      }
    }
    try coordinator.settleDown()
    let later = Clocks.milliseconds() + 60_000
    let request = ControlRequest(pruning: .init(since: later, last: 1))
    try coordinator.obey(request, of: 60_999)
    #expect(try site.spool.jobs(.done).count == 2, "only the owner may")
    try site.spool.askFor(request)
    try coordinator.settleDown()
    #expect(try site.spool.jobs(.done).count == 1)
    #expect(site.spool.settledCounts?.done == 1)
    let blobs = { try site.spool.directory(Layout.blobs).entries().count }
    #expect(try blobs() == 1, "the third job needs it")
    let last = try #require(third)
    try desk.finish([site.finished(last, .verdict(.passed))])
    try coordinator.settleDown()
    try site.spool.askFor(ControlRequest(pruning: .init(since: later, last: nil)))
    try coordinator.settleDown()
    #expect(try site.spool.jobs(.done).isEmpty)
    #expect(try blobs() == 0)
  }

  /// Who cannot tell what a job needs removes no archive.
  @Test func anArchiveStaysWhileSomethingCannotBeRead() throws {
    let site = try Site()
    let job = try site.submit(Request(hold: "later"))[0]
    try site.coordinator().settleDown()
    let later = Clocks.milliseconds() + 60_000
    let archives = {
      try Pruning(site.spool, keeping: .init(since: later, last: nil), now: later).archives.count
    }
    #expect(try archives() == 0, "the job needs it")
    try site.spool.root.overwrite(Layout.path(.held, job), Array("junk".utf8))
    #expect(try archives() == 0)
    try site.spool.root.remove(Layout.path(.held, job))
    #expect(try archives() == 1)
  }
}
