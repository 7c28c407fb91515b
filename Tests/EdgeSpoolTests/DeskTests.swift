import EdgeJob
import EdgeSpool
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// A worker's own side: its lock, its claims, its results.
struct DeskTests {
  let site: Site

  init() throws {
    site = try Site()
    try site.spool.makeWorkerFolders("w")
  }

  private func attempt(_ job: FencedJob, _ byte: UInt8 = 1) -> FinishedAttempt {
    FinishedAttempt(job: job, envelope: [byte], result: [byte, byte])
  }

  @Test func `a second worker of that name is refused`() throws {
    #expect(try !site.spool.isAlive("w"))
    let desk = try WorkerDesk(site.spool, id: "w")
    #expect(try site.spool.isAlive("w"))
    let again = kind { () throws(SpoolError) in _ = try WorkerDesk(site.spool, id: "w") }
    #expect(again == .unavailable)
    try site.spool.makeWorkerFolders("other")
    let other = kind { () throws(SpoolError) in _ = try WorkerDesk(site.spool, id: "other") }
    #expect(other == nil)
    withExtendedLifetime(desk) {}
    let missing = kind { () throws(SpoolError) in _ = try WorkerDesk(site.spool, id: "nobody") }
    #expect(missing == .unavailable)
  }

  /// A killed worker leaves no lock behind, although a program that it started lives on.
  @Test(.program("sleep")) func `its lock ends with its process`() async throws {
    let path = site.path
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
      let spool = try Spool(path: path)
      let desk = try WorkerDesk(spool, id: "w")
      let sleeper = try Spawn(path: try #require(programPath("sleep")), arguments: ["3600"]).start()
      try #require(try spool.isAlive("w"))
      try spool.root.publish("tmp/sleeper", Array("\(sleeper.process)".utf8))
      withExtendedLifetime(desk) { _ = kill(getpid(), SIGKILL) }
    }
    let text = String(decoding: try site.bytes("tmp/sleeper"), as: UTF8.self)
    let sleeper = try #require(Int32(text))
    defer { kill(sleeper, SIGKILL) }
    #expect(kill(sleeper, 0) == 0)
    #expect(try !site.spool.isAlive("w"))
    let again = kind { () throws(SpoolError) in _ = try WorkerDesk(site.spool, id: "w") }
    #expect(again == nil)
  }

  @Test func `it says what it offers, again and again`() throws {
    let desk = try WorkerDesk(site.spool, id: "w")
    #expect(site.spool.workerFile("w") == nil)
    var file = WorkerFile.some("w")
    try desk.announce(file)
    #expect(site.spool.workerFile("w") == file)
    file.draining = true
    try desk.announce(file)
    #expect(site.spool.workerFile("w") == file)
    #expect(try site.names("workers/w") == ["inbox", "lock", "outbox", "running", "worker.json"])
    try site.write("workers/w/worker.json", WorkerFile.some("x").json.canonical)
    #expect(site.spool.workerFile("w") == nil)
  }

  @Test func `jobs come in the order of their fences`() throws {
    let jobs = try [3, 1, 2].map { try site.assigned(to: "w", fence: $0) }
    try site.write("workers/w/inbox/stranger", [])
    let desk = try WorkerDesk(site.spool, id: "w")
    #expect(try desk.assigned() == [jobs[1], jobs[2], jobs[0]])
    let claim = try #require(try desk.claim(jobs[1]))
    #expect(claim.ticket.job == jobs[1].job)
    #expect(try desk.claim(jobs[1]) == nil)
    #expect(try desk.assigned() == [jobs[2], jobs[0]])
  }

  @Test func `a ticket of another job is not claimed`() throws {
    let job = try site.assigned(to: "w")
    let other = FencedJob(job: .new(), fence: job.fence)
    rename(site.path("workers/w/inbox/\(job)"), site.path("workers/w/inbox/\(other)"))
    let desk = try WorkerDesk(site.spool, id: "w")
    #expect(kind { () throws(SpoolError) in _ = try desk.claim(other) } == .badInput)
  }

  @Test func `a stop request reaches it and is forgotten`() throws {
    let job = try site.assigned(to: "w")
    let desk = try WorkerDesk(site.spool, id: "w")
    _ = try desk.claim(job)
    let item = try #require(try site.spool.workerItems(of: "w").first)
    try site.spool.askToStop(item)
    try site.spool.askToStop(item)
    #expect(try desk.stopRequests() == [job])
    #expect(try desk.assigned() == [])
    desk.clearStopRequest(job)
    #expect(try desk.stopRequests() == [])
  }

  @Test func `finished attempts are one file`() throws {
    let jobs = try [1, 2, 3].map { try site.assigned(to: "w", fence: $0) }
    let desk = try WorkerDesk(site.spool, id: "w")
    for job in jobs { _ = try desk.claim(job) }
    let item = try #require(try site.spool.workerItems(of: "w").first { $0.job == jobs[0] })
    try site.spool.askToStop(item)
    try desk.finish([
      attempt(jobs[0], 1), FinishedAttempt(job: jobs[1], envelope: [2], result: nil),
    ])
    let paths = try site.spool.outboxItems(of: "w")
    #expect(paths == ["workers/w/outbox/\(jobs[0]).item"])
    let attempts = try site.spool.takeOutbox(paths[0], of: "w").attempts
    #expect(attempts.map(\.envelope) == [[1], [2]])
    #expect(attempts.map(\.result) == [[1, 1], nil])
    #expect(try site.names("workers/w/running") == ["\(jobs[2])"])
    #expect(try site.names("workers/w/inbox").isEmpty)
    try desk.finish([])
  }

  @Test func `what it does to a result afterwards changes nothing`() throws {
    let job = try site.assigned(to: "w")
    let desk = try WorkerDesk(site.spool, id: "w")
    let ticket = try #require(try desk.claim(job)).ticket
    try desk.finish([attempt(job)])
    let path = try #require(try site.spool.outboxItems(of: "w").first)
    let taken = try site.spool.takeOutbox(path, of: "w").attempts[0]
    try site.spool.putDone(ticket, receipts: [taken.envelope], result: taken.result)
    try site.write(path, Frame(.receipt, [9]).bytes + Frame(.result, [9]).bytes)
    #expect(try site.spool.record(.done, job.job).result == [1, 1])
    #expect(try site.spool.record(.done, job.job).receipts == [[1]])
  }

  @Test func `what is no regular file with one link is not settled`() throws {
    try site.temporary.write("forged", Frame(.receipt, [9]).bytes)
    let outbox = site.path("workers/w/outbox")
    symlink(site.temporary.path("forged"), "\(outbox)/link.item")
    #expect(link(site.temporary.path("forged"), "\(outbox)/hard.item") == 0)
    mkfifo("\(outbox)/fifo.item", 0o600)
    mkdir("\(outbox)/folder.item", 0o700)
    let paths = try site.spool.outboxItems(of: "w")
    #expect(paths.count == 4)
    for path in paths {
      let refusal = kind { () throws(SpoolError) in _ = try site.spool.takeOutbox(path, of: "w") }
      #expect(refusal == .badInput, "\(path)")
      try site.spool.quarantineOutbox(path, reason: "no file")
    }
    #expect(try site.spool.outboxItems(of: "w").isEmpty)
    let gone = "workers/w/outbox/gone.item"
    #expect(
      kind { () throws(SpoolError) in _ = try site.spool.takeOutbox(gone, of: "w") } == .notFound)
    #expect(try site.temporary.read("forged") == Frame(.receipt, [9]).bytes)
  }

  @Test func `an empty worker's folders are removed`() throws {
    #expect(try site.spool.workerIDs() == ["w"])
    try site.spool.removeWorkerFolders("w")
    #expect(try site.spool.workerIDs() == [])
    #expect(try !site.spool.isAlive("w"))
  }
}
