import EdgeCoordinator
import EdgeJob
import EdgeLedger
import EdgeSpool
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// A worker of another uid owns what lies in its folders: it can remove, replace or spoil tickets.
struct LostTicketTests {
  enum Damage: CaseIterable, Sendable { case removed, replaced, directory, fifo, socket, link }

  private func damage(_ site: Site, _ path: String, _ how: Damage) throws {
    let file = site.folder.path("spool/\(path)")
    #expect(unlink(file) == 0)
    switch how {
    case .removed: break
    case .replaced: try site.folder.write("spool/\(path)", text: "{}")
    case .directory: try #require(mkdir(file, 0o700) == 0)
    case .fifo: try #require(mkfifo(file, 0o600) == 0)
    case .socket: try #require(mknod(file, S_IFSOCK | 0o600, 0) == 0)
    case .link: try #require(symlink("/etc/passwd", file) == 0)
    }
  }

  /// The worker dies after it has done that; the leader that assigned the job gives it to another.
  @Test(arguments: Damage.allCases, [true, false])
  func theJobGoesOnWithAnotherWorker(how: Damage, isClaimed: Bool) throws {
    let site = try Site()
    let coordinator = try site.coordinator()
    let job = try site.submit()[0]
    do {
      let desk = try site.desk("bad")
      try coordinator.settleDown()
      let assigned = try #require(try desk.assigned().first)
      if isClaimed { _ = try desk.claim(assigned) }
      let folder = isClaimed ? "running" : "inbox"
      try damage(site, "workers/bad/\(folder)/\(assigned)", how)
    }
    try coordinator.settleDown()
    // A claimed one waits for its next attempt.
    site.now += 3_600_000
    try finish(job, site, coordinator)
  }

  /// The next leader knows only what the files and the ledger say.
  @Test func aNewLeaderMakesTheTicketAnew() throws {
    let site = try Site()
    let job = try site.submit(Request(priority: 7))[0]
    let before: Ticket
    do {
      let coordinator = try site.coordinator()
      let desk = try site.desk("bad")
      try coordinator.settleDown()
      let claim = try #require(try desk.claimAll().first)
      before = claim.ticket
      try damage(site, "workers/bad/running/\(claim.job)", .replaced)
    }
    let next = try site.coordinator()
    try next.settleDown()
    site.now += 3_600_000
    let after = try finish(job, site, next)
    #expect(after.request == before.request && after.manifest == before.manifest)
    #expect(after.account == before.account && after.reserved == before.reserved)
    #expect(after.submitter == before.submitter && after.admitted == before.admitted)
    #expect(next.events.contains { "\($0)".contains("quarantine") })
  }

  /// Nothing of the job is left but its reservation and its archive.
  @Test(arguments: ["running", "inbox", "ready"]) func aJobThatStandsNowhereIsFound(
    folder: String
  ) throws {
    let site = try Site()
    let job = try site.submit()[0]
    do {
      let coordinator = try site.coordinator()
      let desk = folder == "ready" ? nil : try site.desk("bad")
      try coordinator.settleDown()
      if folder == "running" { _ = try desk?.claimAll() }
    }
    let place = try #require(try site.spool.locate(job))
    #expect(place.state.rawValue == folder)
    try damage(site, place.path, .removed)
    #expect(try site.spool.locate(job) == nil)
    let next = try site.coordinator()
    try next.settleDown()
    #expect(next.events.contains { "\($0)".contains("made anew") })
    #expect(try site.spool.locate(job)?.state == .ready)
    try finish(job, site, next)
  }

  /// A held job, and one of a batch that is not admitted yet, are not lost.
  @Test func whatIsSomewhereIsLeftAlone() throws {
    let site = try Site()
    let held = try site.submit(Request(hold: "later"))[0]
    do { try site.coordinator().settleDown() }
    let waiting = try site.submit(count: 3)
    let next = try site.coordinator()
    try next.settleDown()
    #expect(!next.events.contains { "\($0)".contains("anew") || "\($0)".contains("nowhere") })
    #expect(try site.spool.locate(held)?.state == .held)
    for job in waiting { #expect(try site.spool.locate(job)?.state == .ready) }
  }

  /// What has ended is not begun again, whatever appears in a worker's folder.
  @Test func anEndedJobStaysEnded() throws {
    let site = try Site()
    let coordinator = try site.coordinator()
    let job = try site.submit()[0]
    do {
      let desk = try site.desk("bad")
      try coordinator.settleDown()
      let claim = try #require(try desk.claimAll().first)
      try desk.finish([site.finished(claim, .verdict(.passed), worker: "bad")])
      try coordinator.settleDown()
      #expect(try site.spool.locate(job)?.state == .done)
      try site.folder.write("spool/workers/bad/running/\(claim.job)", text: "{}")
    }
    try coordinator.settleDown()
    #expect(try site.spool.locate(job)?.state == .done)
    #expect(try site.ledger.verify().isClean)
  }

  /// A request is obeyed although the file of the job is spoiled.
  @Test func aSpoiledTicketStopsNoRequest() throws {
    let site = try Site()
    let coordinator = try site.coordinator()
    let desk = try site.desk("bad")
    let job = try site.submit()[0]
    try coordinator.settleDown()
    let claim = try #require(try desk.claimAll().first)
    try damage(site, "workers/bad/running/\(claim.job)", .replaced)
    try site.spool.askFor(ControlRequest(.cancel, [job], reason: "because"))
    try coordinator.settleDown()
    #expect(try desk.stopRequests() == [claim.job])
  }

  /// Another worker runs the job to its end, which is paid once.
  @discardableResult
  private func finish(_ job: JobID, _ site: Site, _ coordinator: Coordinator) throws -> Ticket {
    let desk = try site.desk("good")
    try coordinator.settleDown()
    let claim = try #require(try desk.claimAll().first)
    #expect(claim.job.job == job)
    try desk.finish([site.finished(claim, .verdict(.passed), worker: "good")])
    try coordinator.settleDown()
    #expect(try site.spool.locate(job)?.state == .done)
    #expect(try site.ledger.verify().isClean)
    return claim.ticket
  }
}
