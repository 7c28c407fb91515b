import EdgeJob
import EdgeSpool
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// Several hands reach for one job; one has it.
struct RaceTests {
  let site: Site

  init() throws { site = try Site() }

  @Test func `one of eight claims a job`() throws {
    try site.spool.makeWorkerFolders("w")
    let desk = try WorkerDesk(site.spool, id: "w")
    for _ in 0..<200 {
      let job = try site.assigned(to: "w")
      let wins = race(8) { _ in ((try? desk.claim(job)) ?? nil) != nil }
      #expect(wins == 1)
      #expect(try site.spool.workerItems(of: "w").map(\.state) == [.running])
      try site.spool.removeTicket(at: "\(Layout.worker("w", .running))/\(job)")
    }
  }

  @Test func `one of eight processes claims a job`() async throws {
    let jobs = try (0..<40).map { _ in try site.assigned(to: "w").description }
    let path = site.path
    let names = jobs.joined(separator: " ")
    // Each process renames as claim does; a desk would take the lock that only one can have.
    await withTaskGroup(of: Void.self) { group in
      for process in 0..<8 {
        group.addTask {
          await #expect(processExitsWith: .success) {
            [path = path as String, names = names as String, process = process as Int] in
            try Self.claim(names.split(separator: " ").map(String.init), path, process)
          }
        }
      }
    }
    let won = try (0..<8).flatMap {
      String(decoding: try site.bytes("done/\($0)"), as: UTF8.self).split(separator: "\n")
    }
    #expect(won.map(String.init).sorted() == jobs.sorted())
    #expect(try site.names("workers/w/running") == jobs.sorted())
  }

  /// Claims what it can of these jobs, after the starting line that eight processes form.
  private static func claim(_ jobs: [String], _ path: String, _ process: Int) throws {
    let spool = try Spool(path: path)
    try spool.root.publish("tmp/\(process)", [], durable: false)
    while try spool.root.directory("tmp").names().count < 8 { usleep(200) }
    var won: [String] = []
    for job in jobs {
      do {
        try spool.root.rename("workers/w/inbox/\(job)", to: spool.root, "workers/w/running/\(job)")
        won.append(job)
      } catch {
        try #require(error.isNotFound)
      }
    }
    try spool.root.publish("done/\(process)", Array(won.joined(separator: "\n").utf8))
  }

  @Test func `one of eight workers gets a job`() throws {
    for worker in 0..<8 { try site.spool.makeWorkerFolders("w\(worker)") }
    for _ in 0..<100 {
      let ticket = Ticket.some()
      try site.spool.putReady(ticket)
      let path = Layout.ready(ticket.job, queue: "default")
      let wins = race(8) { [site] worker in
        let job = FencedJob(job: ticket.job, fence: Fence(epoch: 1, count: UInt32(worker)))
        return (try? site.spool.assign(job, at: path, to: "w\(worker)")) == true
      }
      #expect(wins == 1)
      let items = try site.spool.workerItems()
      #expect(items.map(\.job.job) == [ticket.job])
      // The fence in the name is that of the worker who has it.
      #expect("w\(items[0].job.fence.count)" == items[0].worker)
      try site.spool.removeTicket(at: items[0].path)
    }
  }

  @Test func `a job is taken back or claimed, not both`() throws {
    try site.spool.makeWorkerFolders("w")
    let desk = try WorkerDesk(site.spool, id: "w")
    var claims = 0
    for _ in 0..<300 {
      let job = try site.assigned(to: "w")
      let item = try #require(try site.spool.workerItems(of: "w").first)
      let wins = race(2) { [site] hand in
        hand == 0
          ? ((try? desk.claim(job)) ?? nil) != nil
          : (try? site.spool.takeBack(item, queue: "default")) == true
      }
      #expect(wins == 1)
      let place = try #require(try site.spool.locate(job.job))
      #expect(place.state == .running || place.state == .ready)
      claims += place.state == .running ? 1 : 0
      try site.spool.removeTicket(at: place.path)
    }
    // Both happen, or it was no race.
    #expect((1..<300).contains(claims))
  }

  @Test func `a ticket is put into ready once`() throws {
    let ticket = Ticket.some()
    let wins = race(8) { [site] _ in (try? site.spool.putReady(ticket)) != nil }
    #expect(wins == 1)
    let again = kind { () throws(SpoolError) in try site.spool.putReady(ticket) }
    #expect(again == .conflict)
    #expect(try site.spool.readyJobs().map(\.job) == [ticket.job])
  }

  @Test func `one of many leads`() throws {
    try site.spool.root.ensureDirectory(Layout.ledger)
    let losers = Channel<Void>()
    let wins = race(8) { [site] _ in (try? Self.leads(site.spool, losers)) == true }
    #expect(wins == 1)
    #expect(!Leadership.isHeld(site.spool))
  }

  /// Leads until seven others have tried.
  private static func leads(_ spool: Spool, _ losers: Channel<Void>) throws -> Bool {
    let lead = try Leadership.take(spool)
    let hasLead = lead != nil
    if hasLead {
      for _ in 0..<7 { _ = losers.receive() }
    } else {
      losers.send(())
    }
    drop(lead)
    return hasLead
  }
}
