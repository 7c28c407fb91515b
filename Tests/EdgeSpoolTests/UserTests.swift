import EdgeJob
import EdgeSpool
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// The spool's own code as three uids: every step from submit to the result, none of them as root.
@Suite(.enabled(if: Identity.user == 0, "needs root, to act as other users"))
struct UserTests {
  let temporary = TemporaryDirectory()
  private var path: String { temporary.path("spool") }

  init() throws {
    chmod(temporary.path, 0o711)
    mkdir(temporary.path("spool"), 0o700)
    chown(temporary.path("spool"), Person.coordinator.uid, Person.coordinator.uid)
  }

  @Test func `a job passes through the hands of three users`() async throws {
    let path = path
    await #expect(processExitsWith: .success) { [path = path as String] in
      try Person.coordinator.become()
      let spool = try Spool.create(at: path, sharedWith: Person.members, testClock: false)
      try spool.makeWorkerFolders("w", group: Person.workers)
    }
    await #expect(processExitsWith: .success) { [path = path as String] in
      let spool = try Spool(path: path)
      try Person.worker.become()
      try WorkerDesk(spool, id: "w").announce(.some("w"))
    }
    await #expect(processExitsWith: .success) { [path = path as String] in
      let spool = try Spool(path: path)
      try Person.submitter.become()
      let archive = try Descriptor.memory("archive", [1, 2, 3])
      try #require(try spool.submit([Request(key: "k")], as: .number(1), archive: archive.raw))
      try #require(try !spool.submit([Request(key: "k")], as: .number(1), archive: archive.raw))
      try #require(try spool.locate(.number(1))?.state == .incoming)
      try spool.askFor(ControlRequest(.hold, [.number(1)], reason: "wait"))
      let forbidden = kind { () throws(SpoolError) in _ = try spool.incoming(atMost: 1) }
      try #require(forbidden != nil)
    }
    await #expect(processExitsWith: .success) { [path = path as String] in
      try Person.coordinator.become()
      try Self.admitAndAssign(try Spool(path: path))
    }
    await #expect(processExitsWith: .success) { [path = path as String] in
      let spool = try Spool(path: path)
      try Person.worker.become()
      try Self.work(spool)
    }
    await #expect(processExitsWith: .success) { [path = path as String] in
      try Person.coordinator.become()
      try Self.settle(try Spool(path: path))
    }
    await #expect(processExitsWith: .success) { [path = path as String] in
      let spool = try Spool(path: path)
      try Person.submitter.become()
      try #require(try spool.locate(.number(1))?.state == .done)
      try #require(try spool.record(.done, .number(1)).result == [9])
      try #require(try spool.locate(.number(2)) == nil)
    }
    await #expect(processExitsWith: .success) { [path = path as String] in
      let spool = try Spool(path: path)
      try Person.neighbour.become()
      let forbidden = kind { () throws(SpoolError) in _ = try spool.record(.done, .number(1)) }
      try #require(forbidden == .notPermitted)
    }
  }

  private static func admitAndAssign(_ spool: Spool) throws {
    let control = try spool.controlRequests()
    try #require(control.map(\.uid) == [Person.submitter.uid])
    try #require(control.map(\.request.verb) == [.hold])
    for asked in control { try spool.removeControlRequest(asked) }
    let name = try #require(try spool.incoming(atMost: 9).first)
    let taken = try spool.take(name)
    try #require(taken.submitter == Person.submitter.uid)
    try #require(taken.requests == [Request(key: "k")])
    try #require(taken.blob == .of([1, 2, 3]))
    try spool.putReady(.some(.number(1), submitter: taken.submitter, blob: taken.blob))
    try spool.removeIncoming(name)
    try #require(try spool.incoming(atMost: 9) == [])
    try #require(try !spool.isAlive("w"))
    try #require(spool.workerFile("w") == .some("w"))
    let job = FencedJob(job: .number(1), fence: Fence(epoch: 1, count: 1))
    try #require(
      try spool.assign(job, at: Layout.ready(.number(1), queue: "default"), to: "w"))
    let item = try #require(try spool.workerItems().first)
    try #require(try spool.takeBack(item, queue: "default"))
    try #require(
      try spool.assign(job, at: Layout.ready(.number(1), queue: "default"), to: "w"))
  }

  private static func work(_ spool: Spool) throws {
    let desk = try WorkerDesk(spool, id: "w")
    try #require(try spool.isAlive("w"))
    let job = try #require(try desk.assigned().first)
    let ticket = try #require(try desk.claim(job)).ticket
    try #require(try spool.openBlob(ticket.blob).read(atMost: 10) == [1, 2, 3])
    try desk.finish([FinishedAttempt(job: job, envelope: [8], result: [9])])
  }

  private static func settle(_ spool: Spool) throws {
    let path = try #require(try spool.outboxItems(of: "w").first)
    let attempt = try #require(try spool.takeOutbox(path, of: "w").attempts.first)
    let item = try #require(try spool.workerItems(of: "w").first)
    try #require(item.state == .outbox)
    let ticket = try spool.ticket(at: item.path)
    try spool.putDone(ticket, receipts: [attempt.envelope], result: attempt.result)
    try spool.removeTicket(at: item.path)
    try spool.removeTicket(at: path)
    try #require(try spool.workerItems() == [])
  }

  @Test func `a spool of another user is trusted where he shares it`() async throws {
    let path = path
    await #expect(processExitsWith: .success) { [path = path as String] in
      try Person.coordinator.become()
      _ = try Spool.create(at: path, sharedWith: Person.members, testClock: false)
    }
    await #expect(processExitsWith: .success) { [path = path as String] in
      try Person.submitter.become()
      let spool = try Spool(path: path)
      let archive = try Descriptor.memory("archive", [4])
      try #require(try spool.submit([Request()], as: .number(2), archive: archive.raw))
    }
    // The twin: the same tree without the feature is not.
    let file = path + "/" + SpoolFile.name
    #expect(try runProgram("sed", ["-i", "s/\"shared\"//", file]).status == 0)
    await #expect(processExitsWith: .success) { [path = path as String] in
      try Person.submitter.become()
      let refusal = kind { () throws(SpoolError) in _ = try Spool(path: path) }
      try #require(refusal == .notPermitted)
    }
    #expect(try runProgram("sed", ["-i", "s/\\[\\]/[\"shared\"]/", file]).status == 0)
    chown(path, 0, Person.members)
    await #expect(processExitsWith: .success) { [path = path as String] in
      // Root's folder with another one's parts is not.
      try Person.submitter.become()
      let refusal = kind { () throws(SpoolError) in _ = try Spool(path: path) }
      try #require(refusal == .notPermitted)
    }
    #expect(try runProgram("chown", ["-R", "0", path]).status == 0)
    await #expect(processExitsWith: .success) { [path = path as String] in
      try Person.submitter.become()
      let spool = try Spool(path: path)
      let archive = try Descriptor.memory("archive", [4])
      try #require(try spool.submit([Request()], as: .number(1), archive: archive.raw))
    }
    let taken = try Spool(path: path).take("\(JobID.number(1))")
    #expect(taken.submitter == Person.submitter.uid)
    #expect(taken.blob == .of([4]))
  }

  /// The system calls of submit, made by another program.
  @Test(.program("python3")) func `what another program publishes is taken`() async throws {
    let shared = try SharedSite()
    let head = Submission.head([Request(key: "k")])
    let text = (head + [1, 2]).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
    let name = "\(JobID.number(20))"
    let publish = ["publish", "incoming", name, text.joined()]
    #expect(try Person.submitter.do([publish], in: shared.path) == ["ok"])
    #expect(try Person.submitter.do([publish], in: shared.path) == ["EEXIST"])
    let taken = try shared.spool.take(name)
    #expect(taken.submitter == Person.submitter.uid)
    #expect(taken.requests == [Request(key: "k")])
    #expect(taken.blob == .of([1, 2]))
  }

  @Test(.program("python3")) func `a coordinator that is not root outlives hostile submitters`()
    async throws
  {
    let shared = try SharedSite()
    let operations = [
      ["mkdir", "incoming/full"], ["create", "incoming/full/file"], ["mkdir", "control/full"],
      ["create", "control/full/file"], ["create", "incoming/unreadable"],
      ["create", "workers/w1/outbox/unreadable.item"], ["mkdir", "workers/w1/outbox/full.item"],
      ["create", "workers/w1/outbox/full.item/file"],
    ]
    #expect(
      try Person.submitter.do(Array(operations.prefix(5)), in: shared.path)
        == .init(repeating: "ok", count: 5))
    #expect(
      try Person.worker.do(Array(operations.suffix(3)), in: shared.path)
        == .init(repeating: "ok", count: 3))
    let path = shared.path
    await #expect(processExitsWith: .success) { [path = path as String] in
      try Person.coordinator.become()
      let spool = try Spool(path: path)
      for name in ["full", "unreadable"] {
        try #require(kind { () throws(SpoolError) in _ = try spool.take(name) } == .badInput)
        try spool.quarantine(name, job: nil, submitter: 0, reason: "bad")
        try spool.removeIncoming(name)
      }
      try #require(try spool.incoming(atMost: 9) == ["mine", "theirs"])
      _ = try spool.controlRequests()
      let left = try spool.root.directory("control").entries()
      try #require(left == [])
      for item in ["full", "unreadable"] {
        let item = "workers/w1/outbox/\(item).item"
        let refusal = kind { () throws(SpoolError) in _ = try spool.takeOutbox(item, of: "w1") }
        try #require(refusal == .badInput)
        try spool.quarantineOutbox(item, reason: "bad")
      }
      let isThere = spool.root.contains("workers/w1/outbox/full.item")
      try #require(!isThere)
    }
  }

  @Test(.program("python3")) func `a ticket that a worker wrote is refused`() throws {
    let shared = try SharedSite()
    #expect(try shared.spool.ticket(at: SharedSite.running).job == .number(3))
    let own = "workers/w1/running/\(SharedSite.right(3))"
    #expect(
      try Person.worker.do([["unlink", own], ["create", own]], in: shared.path) == ["ok", "ok"])
    let bytes = Ticket.some(.number(3)).json.canonical
    try shared.site.write(own, bytes)
    let refusal = kind { () throws(SpoolError) in _ = try shared.spool.ticket(at: own) }
    #expect(refusal == .badInput)
    // The twin: the same bytes from the coordinator.
    chown(shared.site.path(own), Person.coordinator.uid, Person.coordinator.uid)
    #expect(try shared.spool.ticket(at: own).job == .number(3))
  }

  @Test func `only a member of a group can give it a worker's folders`() async throws {
    let path = path
    await #expect(processExitsWith: .success) { [path = path as String] in
      try Person.coordinator.become()
      let spool = try Spool.create(at: path, sharedWith: Person.members, testClock: false)
      let refusal = kind { () throws(SpoolError) in
        try spool.makeWorkerFolders("w", group: Person.workers + 1)
      }
      try #require(refusal == .notPermitted)
    }
  }
}
