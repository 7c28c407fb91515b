import EdgeCoordinator
import EdgeJob
import EdgeLedger
import EdgeSpool
import EdgeSystem
import Testing

struct AdmitTests {
  @Test func aSubmissionBecomesAReadyJobWithAReservation() throws {
    let site = try Site()
    let before = try site.available()
    let job = try site.submit()[0]
    let coordinator = try site.coordinator()
    try coordinator.settleDown()
    #expect(try site.spool.locate(job)?.state == .ready)
    let ticket = try site.spool.ticket(at: Layout.ready(job, queue: "default"))
    #expect(try site.available() == before - ticket.reserved.micro)
    #expect(ticket.reserved > .zero)
    #expect(try site.spool.incoming(atMost: 10).isEmpty)
  }

  @Test func whoCannotPayIsRejectedWithAReason() throws {
    let site = try Site(grant: 1000)
    let job = try site.submit()[0]
    let coordinator = try site.coordinator()
    try coordinator.settleDown()
    #expect(try site.spool.locate(job)?.state == .quarantine)
    #expect(site.spool.quarantineReason(job)?.contains("credits") == true)
    #expect(try site.available() == 1000)
  }

  @Test func anAccountOfOthersIsRefused() throws {
    let site = try Site()
    let job = try site.submit(Request(account: "treasure"))[0]
    try site.coordinator().settleDown()
    #expect(site.spool.quarantineReason(job)?.contains("may not charge") == true)
  }

  @Test func theSameKeyWithAnotherTaskChangesNothing() throws {
    let site = try Site()
    let first = try site.submit(Request(key: "k"))[0]
    let coordinator = try site.coordinator()
    try coordinator.settleDown()
    let second = try site.submit(Request(key: "k"), command: "false")[0]
    #expect(first == second)
    try coordinator.settleDown()
    let ticket = try site.spool.ticket(at: Layout.ready(first, queue: "default"))
    #expect(ticket.manifest.command == ["true"])
    #expect(try site.ledger.openReservations().count == 1)
  }

  @Test func theSameKeyWithTheSameTaskIsOneJob() throws {
    let site = try Site()
    let coordinator = try site.coordinator()
    for _ in 0..<3 {
      _ = try site.submit(Request(key: "k"))
      try coordinator.settleDown()
    }
    #expect(try site.spool.readyJobs().count == 1)
    #expect(try site.ledger.openReservations().count == 1)
    #expect(try site.spool.incoming(atMost: 10).isEmpty)
  }

  @Test func aBatchIsAdmittedWhole() throws {
    let site = try Site()
    let jobs = try site.submit(count: 50)
    let coordinator = try site.coordinator()
    try coordinator.settleDown()
    #expect(coordinator.events.count == 50, "\(coordinator.events)")
    #expect(Set(try site.spool.readyJobs().map(\.job)) == Set(jobs))
  }

  @Test func garbageGoesIntoQuarantineAndTheCoordinatorLives() throws {
    let site = try Site()
    try site.spool.root.publish("incoming/garbage", Array("no archive".utf8))
    let job = try site.submit()[0]
    let coordinator = try site.coordinator()
    try coordinator.settleDown()
    #expect(try site.spool.locate(job)?.state == .ready)
    #expect(try site.spool.directory(Layout.quarantine).entries().count == 2)
  }
}
