import EdgeCoordinator
import EdgeJob
import EdgeLedger
import EdgeSpool
import EdgeSystem
import Testing

/// Batches: tickets a bounded number ahead, nothing lost on the way.
struct BatchTests {
  @Test func onlySomeStandInReady() throws {
    let site = try Site(grant: 1_000_000_000_000)
    let jobs = try site.submit(count: 1000)
    let coordinator = try site.coordinator()
    try coordinator.settleDown()
    let ready = try site.spool.readyJobs()
    #expect(ready.count == 256)
    #expect(try site.ledger.openReservations().count == 256)
    #expect(try site.spool.locate(jobs[255])?.state == .ready)
    #expect(try site.spool.locate(jobs[256])?.state == .incoming)
    #expect(coordinator.unfinished == 1000)
    #expect(try site.work(coordinator, try site.desk()) == 1000)
    #expect(try site.spool.jobs(.done) == jobs.sorted())
    #expect(try site.spool.openBatches().isEmpty)
    #expect(site.spool.place(ofBatch: jobs[0].batch)?.next == nil)
    #expect(try site.ledger.openReservations().isEmpty)
    #expect(try site.ledger.verify().isClean)
  }

  /// Whoever leads next goes on where the last one was, also where its last step was undone.
  @Test(arguments: [false, true]) func aNewLeaderGoesOn(undoing: Bool) throws {
    let site = try Site(grant: 1_000_000_000_000)
    let jobs = try site.submit(count: 600)
    do { try site.coordinator().settleDown() }
    if undoing {
      let id = jobs[0].batch
      try site.spool.root.rename(
        "batches/\(id).256", to: site.spool.root, "batches/\(id).0")
    }
    let coordinator = try site.coordinator()
    #expect(try site.work(coordinator, try site.desk()) == 600)
    #expect(try site.spool.jobs(.done) == jobs.sorted())
    #expect(try site.ledger.verify().isClean)
  }

  /// A batch for which the credits do not last goes on when some come back.
  @Test func credits() throws {
    let probe = try Site()
    _ = try probe.submit()
    try probe.coordinator().settleDown()
    let price = try #require(try probe.ledger.openReservations().first).amount.micro
    let site = try Site(grant: price * 10)
    let jobs = try site.submit(count: 40)
    let coordinator = try site.coordinator()
    try coordinator.settleDown()
    #expect(try site.spool.readyJobs().count == 10)
    #expect(coordinator.events.contains { "\($0)".contains("batch") })
    let desk = try site.desk()
    for _ in 0..<40 where try site.spool.jobs(.done).count < 40 {
      _ = try site.work(coordinator, desk)
      site.now += 1001
    }
    #expect(try site.spool.jobs(.done) == jobs.sorted())
    #expect(try site.ledger.verify().isClean)
  }

  @Test func aBatchThatCannotBePaidIsRejectedWhole() throws {
    let site = try Site(grant: 1000)
    let jobs = try site.submit(count: 300)
    try site.coordinator().settleDown()
    for job in [jobs[0], jobs[299]] {
      #expect(try site.spool.locate(job)?.state == .quarantine)
      #expect(site.spool.quarantineReason(job)?.contains("credits") == true)
    }
    #expect(try site.spool.directory(Layout.quarantine).entries().count == 2)
    #expect(try site.available() == 1000)
  }

  @Test func theSameKeyIsTheSameBatch() throws {
    let site = try Site(grant: 1_000_000_000_000)
    let first = try site.submit(Request(key: "k"), count: 300)
    let coordinator = try site.coordinator()
    try coordinator.settleDown()
    #expect(try site.submit(Request(key: "k"), count: 300) == first)
    try coordinator.settleDown()
    #expect(try site.ledger.openReservations().count == 256)
    #expect(try site.spool.incoming(atMost: 1).isEmpty)
    // Other content under the same key is put aside, and changes nothing.
    _ = try site.submit(Request(key: "k"), command: "false", count: 300)
    try coordinator.settleDown()
    #expect(try site.spool.openBatches().map(\.id) == [first[0].batch])
    #expect(try site.spool.directory(Layout.quarantine).entries().count == 2)
    #expect(try site.work(coordinator, try site.desk()) == 300)
  }

  /// A batch whose file a disk spoiled, and one whose account was closed to its submitter, stop
  /// neither the coordinator nor the batch behind them.
  @Test func oneBadBatchStopsNoOther() throws {
    let site = try Site(grant: 1_000_000_000_000)
    let spoiled = try site.submit(count: 300)
    let refused = try site.submit(Request(account: "local"), count: 300)
    do { try site.coordinator().settleDown() }
    let path = "batches/\(spoiled[0].batch).256"
    var bytes = try site.spool.root.read(path, atMost: 1 << 20)
    bytes[bytes.count - 1] ^= 1
    try site.spool.root.remove(path)
    try site.spool.root.publish(path, bytes)
    _ = try site.ledger.takeEpoch(now: site.now, actor: "test")
    try site.ledger.write(epoch: try site.ledger.currentEpoch(), now: site.now, actor: "test") {
      [owner = site.spool.owner] (writer: borrowing LedgerWriter) throws(LedgerError) in
      _ = try writer.openAccount("user:other", kind: .user)
      _ = try writer.issue(Credits(micro: 1_000_000_000_000), reason: "test")
      _ = try writer.grant("user:other", Credits(micro: 1_000_000_000_000), reason: "test")
      _ = try writer.allow(uid: owner, account: "user:other", makeDefault: true)
      _ = try writer.revoke(uid: owner, account: "user:local")
    }
    let good = try site.submit(Request(account: "other"), count: 300)
    let coordinator = try site.coordinator()
    let desk = try site.desk()
    _ = try site.work(coordinator, desk)
    #expect(try good.allSatisfy { try site.spool.locate($0)?.state == .done })
    #expect(try site.spool.locate(refused[299])?.state == .quarantine)
    // Its first jobs had their tickets; the rest waits for a person.
    #expect(try site.spool.locate(spoiled[0])?.state == .done)
  }
}
