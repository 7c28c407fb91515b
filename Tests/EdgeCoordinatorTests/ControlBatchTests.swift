import EdgeCoordinator
import EdgeJob
import EdgeLedger
import EdgeSpool
import EdgeSystem
import Testing

/// Cancel, hold and release of whole batches, and of their jobs that have no ticket.
struct ControlBatchTests {
  private func ask(_ coordinator: Coordinator, _ verb: ControlRequest.Verb, _ jobs: [JobID])
    throws
  {
    coordinator.events = []
    try coordinator.obey(ControlRequest(verb, jobs, reason: "because"), of: Identity.user)
  }

  private func states(_ site: Site, _ jobs: [JobID]) throws -> [JobState: Int] {
    var states: [JobState: Int] = [:]
    for job in jobs { states[try #require(try site.spool.locate(job)).state, default: 0] += 1 }
    return states
  }

  @Test func cancelEndsAllThatIsLeft() throws {
    let site = try Site(grant: 1_000_000_000_000)
    let before = try site.available()
    let jobs = try site.submit(count: 600)
    let coordinator = try site.coordinator()
    let desk = try site.desk()
    try coordinator.settleDown()
    // Some have ended, one runs, some stand in the inbox, some are ready or held, most have none.
    let claims = try desk.claimAll()
    try desk.finish(claims.dropFirst().map { site.finished($0, .verdict(.passed)) })
    try ask(coordinator, .hold, [jobs[200]])
    try coordinator.settleDown()
    try ask(coordinator, .cancel, [jobs[0].batch])
    #expect(try desk.stopRequests() == [claims[0].job])
    try desk.finish([site.finished(claims[0], .cancelled, result: nil)])
    try coordinator.settleDown()
    #expect(try states(site, jobs) == [.cancelled: 601 - claims.count, .done: claims.count - 1])
    #expect(try site.ledger.openReservations().isEmpty)
    #expect(try site.available() == before - Int64(claims.count - 1) * 5000)
    #expect(try site.spool.openBatches().isEmpty && site.spool.orderedBatches().isEmpty)
    #expect(try site.ledger.verify().isClean)
    // Nothing of it comes back; a second time there is nothing to do.
    try ask(coordinator, .cancel, [jobs[0].batch])
    #expect(try site.work(coordinator, desk) == 0)
    // One that never had a ticket can be started anew.
    try ask(coordinator, .retry, [jobs[599]])
    #expect(coordinator.events.contains(.admitted(jobs[599])))
    #expect(try site.work(coordinator, desk) == 1)
    #expect(try site.spool.locate(jobs[599])?.state == .done)
    #expect(try site.ledger.verify().isClean)
  }

  /// Whoever leads next finishes what was asked, wherever it was cut short.
  @Test(arguments: [0, 1, 2, 3]) func cancelOutlivesItsLeader(step: Int) throws {
    let site = try Site(grant: 1_000_000_000_000)
    let before = try site.available()
    let jobs = try site.submit(count: 600)
    let batch = jobs[0].batch
    do {
      let coordinator = try site.coordinator()
      try coordinator.settleDown()
      if step == 1 { try ask(coordinator, .cancel, Array(jobs[0..<20] + jobs[300..<320])) }
      if step >= 2 { try ask(coordinator, .cancel, [batch]) }
    }
    let order = BatchOrder(.cancel, reason: "")
    try site.spool.put(order, of: batch)
    if step == 2 {
      // The rename of the batch was undone by a power cut.
      try site.spool.root.rename(
        "batches/admitted/\(batch)", to: site.spool.root, "batches/\(batch).256")
    }
    if step == 3 { try site.spool.root.remove(Layout.path(.cancelled, jobs[400])) }
    if step == 3 {
      try site.spool.root.rename(
        "batches/admitted/\(batch)", to: site.spool.root, "batches/\(batch).0")
    }
    let coordinator = try site.coordinator()
    let desk = try site.desk()
    #expect(try site.work(coordinator, desk) == 0)
    #expect(try states(site, jobs) == [.cancelled: 600])
    #expect(try site.ledger.openReservations().isEmpty && site.available() == before)
    #expect(try site.spool.openBatches().isEmpty && site.spool.orderedBatches().isEmpty)
    #expect(try site.ledger.verify().isClean)
  }

  /// A slice that an earlier leader reserved for and did not place is released too.
  @Test func cancelReleasesWhatHasNoTicket() throws {
    let site = try Site(grant: 1_000_000_000_000)
    let before = try site.available()
    let jobs = try site.submit(count: 300)
    do { try site.coordinator().settleDown() }
    for job in jobs[0..<256] {
      try site.spool.root.remove(Layout.ready(job, queue: "default"))
    }
    let batch = jobs[0].batch
    try site.spool.root.rename("batches/\(batch).256", to: site.spool.root, "batches/\(batch).0")
    try site.spool.put(BatchOrder(.cancel, reason: ""), of: batch)
    try site.coordinator().settleDown()
    #expect(try states(site, jobs) == [.cancelled: 300])
    #expect(try site.ledger.openReservations().isEmpty && site.available() == before)
    #expect(try site.ledger.verify().isClean)
  }

  @Test(arguments: [false, true]) func holdAndRelease(isNewLeader: Bool) throws {
    let site = try Site(grant: 1_000_000_000_000)
    let jobs = try site.submit(count: 600)
    let batch = jobs[0].batch
    let desk = try site.desk()
    var leader: Coordinator? = try site.coordinator()
    try leader?.settleDown()
    try ask(try #require(leader), .hold, [batch])
    if isNewLeader {
      leader = nil
      leader = try site.coordinator()
    }
    let coordinator = try #require(leader)
    #expect(try site.work(coordinator, desk) == 0)
    #expect(try states(site, jobs) == [.held: 256, .incoming: 344])
    #expect(try site.spool.record(.held, jobs[0]).ticket.hold == "because")
    // One alone goes on.
    try ask(coordinator, .release, [jobs[7]])
    #expect(try site.work(coordinator, desk) == 1)
    try ask(coordinator, .release, [batch])
    #expect(site.spool.orderedBatches().isEmpty)
    #expect(try site.work(coordinator, desk) == 599)
    #expect(try site.ledger.verify().isClean)
  }

  @Test func jobsWithoutATicket() throws {
    let site = try Site(grant: 1_000_000_000_000)
    let jobs = try site.submit(count: 600)
    let coordinator = try site.coordinator()
    let desk = try site.desk()
    try coordinator.settleDown()
    let reserved = try site.ledger.openReservations().count
    try ask(coordinator, .cancel, [jobs[599], jobs[598]])
    try ask(coordinator, .hold, [jobs[597]])
    #expect(!coordinator.events.contains { if case .notice = $0 { true } else { false } })
    #expect(try site.ledger.openReservations().count == reserved)
    #expect(try states(site, Array(jobs[597...])) == [.cancelled: 2, .held: 1])
    #expect(try site.work(coordinator, desk) == 597)
    #expect(try states(site, Array(jobs[597...])) == [.cancelled: 2, .held: 1])
    try ask(coordinator, .release, [jobs[597]])
    #expect(try site.work(coordinator, desk) == 1)
    #expect(try site.ledger.openReservations().isEmpty)
    #expect(try site.ledger.verify().isClean)
    // Somebody else may not, and what has no place cannot be retried.
    let more = try site.submit(command: "pwd", count: 300)
    try coordinator.settleDown()
    coordinator.events = []
    for id in [more[299], more[0].batch] {
      try coordinator.obey(ControlRequest(.cancel, [id], reason: ""), of: 60_999)
    }
    #expect(coordinator.events.count == 2, "\(coordinator.events)")
    try ask(coordinator, .retry, [more[299]])
    #expect(coordinator.events.count == 1)
    #expect(try site.spool.locate(more[299])?.state == .incoming)
  }

  /// A leader that dies between obeying and removing a request lets the next one obey it again.
  @Test(arguments: [ControlRequest.Verb.cancel, .hold, .release, .retry], [false, true])
  func obeyedTwiceIsObeyedOnce(verb: ControlRequest.Verb, whole: Bool) throws {
    let site = try Site(grant: 1_000_000_000_000)
    let jobs = try site.submit(count: 200)
    let named = whole ? jobs[0].batch : jobs[3]
    func setUp() throws -> Coordinator {
      let coordinator = try site.coordinator()
      try coordinator.settleDown()
      switch verb {
      case .cancel, .hold, .prune: break
      case .release: try ask(coordinator, .hold, [named])
      case .retry: try ask(coordinator, .cancel, [named])
      }
      return coordinator
    }
    let request = ControlRequest(verb, [named], reason: "because")
    do {
      let coordinator = try setUp()
      try coordinator.obey(request, of: Identity.user)
    }
    let states = try states(site, jobs)
    let open = try site.ledger.openReservations()
    let size = try site.ledger.head().size
    try site.spool.askFor(request)
    let coordinator = try site.coordinator()
    _ = try coordinator.pass()
    #expect(try self.states(site, jobs) == states)
    #expect(try site.ledger.openReservations() == open)
    #expect(try site.ledger.head().size == size + 1, "one entry for the lead, none for the jobs")
    #expect(try site.spool.controlRequests().isEmpty)
    #expect(try site.ledger.verify().isClean)
  }

  /// A request that comes before its batch was taken waits for that.
  @Test func aBatchThatNobodyHasTaken() throws {
    let site = try Site(grant: 1_000_000_000_000)
    let jobs = try site.submit(count: 300)
    try site.spool.askFor(ControlRequest(.cancel, [jobs[0].batch], reason: ""))
    let coordinator = try site.coordinator()
    try coordinator.settleDown()
    #expect(try states(site, jobs) == [.cancelled: 300])
    #expect(try site.ledger.openReservations().isEmpty)
  }
}
