import EdgeJob
import EdgeSpool
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// Where a job is, and what its files hold.
struct StateTests {
  let site: Site

  init() throws { site = try Site() }

  private func state(_ job: JobID) throws -> JobState? { try site.spool.locate(job)?.state }

  @Test func `a job is found in every state`() throws {
    let spool = site.spool
    #expect(try state(.number(1)) == nil)
    let job = try site.submit(.number(1))
    #expect(try state(job) == .incoming)
    try spool.removeIncoming("\(job)")
    let ticket = Ticket.some(job)
    let right = try site.assigned(to: "w", ticket, fence: 7)
    let inbox = try #require(try spool.locate(job))
    #expect(
      inbox
        == Place(
          state: .inbox, path: "workers/w/inbox/\(right)", worker: "w", fence: right.fence))
    let item = try #require(try spool.workerItems(of: "w").first)
    #expect(try spool.takeBack(item, queue: "default"))
    #expect(try !spool.takeBack(item, queue: "default"))
    #expect(try state(job) == .ready)
    #expect(try spool.locate(job)?.path == "ready/default/\(job.shard)/\(job)")
    #expect(try spool.assign(right, at: Layout.ready(job, queue: "default"), to: "w"))
    #expect(try !spool.assign(right, at: Layout.ready(job, queue: "default"), to: "w"))
    let desk = try WorkerDesk(spool, id: "w")
    _ = try desk.claim(right)
    #expect(try state(job) == .running)
    try desk.finish([FinishedAttempt(job: right, envelope: [1], result: nil)])
    #expect(try state(job) == .outbox)
    #expect(try spool.locate(job)?.fence == right.fence)
    try spool.putDone(ticket, receipts: [[1]], result: [2])
    #expect(try state(job) == .done)
    for (number, state) in [(UInt8(2), JobState.held), (3, .dead), (4, .cancelled)] {
      try spool.put(.some(.number(number)), state)
      #expect(try self.state(.number(number)) == state)
      #expect(try spool.jobs(state) == [.number(number)])
    }
    try site.submit(.number(5))
    try spool.quarantine("\(JobID.number(5))", job: .number(5), submitter: 0, reason: "bad")
    try spool.removeIncoming("\(JobID.number(5))")
    #expect(try state(.number(5)) == .quarantine)
    #expect(spool.quarantineReason(.number(5)) == "bad")
    #expect(spool.quarantineReason(.number(6)) == nil)
  }

  @Test func `a record is replaced as a whole`() throws {
    var ticket = Ticket.some(.number(1))
    try site.spool.put(ticket, .held)
    ticket.hold = "why"
    try site.spool.put(ticket, .held, receipts: [[1], [2]])
    let record = try site.spool.record(.held, ticket.job)
    #expect(record.ticket == ticket)
    #expect(record.receipts == [[1], [2]])
    #expect(record.result == nil)
    #expect(try site.names("held") == ["\(ticket.job)"])
    let missing = kind { () throws(SpoolError) in _ = try site.spool.record(.done, .number(9)) }
    #expect(missing == .notFound)
  }

  @Test func `a ticket comes back as it was`() throws {
    let ticket = Ticket.some()
    try site.spool.putReady(ticket)
    let path = Layout.ready(ticket.job, queue: "default")
    #expect(try site.spool.ticket(at: path) == ticket)
    #expect(try site.spool.root.status(path).mode == 0o440)
    try site.spool.removeTicket(at: path)
    try site.spool.removeTicket(at: path)
    #expect(kind { () throws(SpoolError) in _ = try site.spool.ticket(at: path) } == .notFound)
    try site.write(path, Array("{}".utf8))
    #expect(kind { () throws(SpoolError) in _ = try site.spool.ticket(at: path) } == .badInput)
    unlink(site.path(path))
    symlink("/etc/passwd", site.path(path))
    #expect(kind { () throws(SpoolError) in _ = try site.spool.ticket(at: path) } == .badInput)
    unlink(site.path(path))
    mkfifo(site.path(path), 0o600)
    #expect(kind { () throws(SpoolError) in _ = try site.spool.ticket(at: path) } == .badInput)
  }

  @Test(arguments: [
    "plain", "with space", "..\u{2215}..\u{2215}b", "\u{1B}[2J", "-rf", "x.json", "%s%n", "über",
    "\n",
    "longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong",
  ])
  func `quarantine keeps the bytes and the reason under a safe name`(name: String) throws {
    let bytes = Array("bad bytes".utf8)
    try site.write("incoming/\(name)", bytes)
    try site.spool.quarantine(name, job: nil, submitter: Identity.user, reason: "it \"was\" bad\n")
    try site.spool.removeIncoming(name)
    let names = try site.names("quarantine")
    try #require(names.count == 2)
    let safe = names[0]
    #expect(names[1] == "\(safe).json")
    #expect(safe.hasPrefix("dropped-"))
    #expect(safe.utf8.count < 120)
    #expect(safe.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x2F && $0 != 0x25 })
    #expect(try site.bytes("quarantine/\(safe)") == bytes)
    let note = try JSON.parse(site.bytes("quarantine/\(names[1])"))
    #expect(note["reason"]?.text == "it \"was\" bad\n")
    #expect(note["name"]?.text == name)
    #expect(note["schema"]?.text == "edgecoder.quarantine/1")
  }

  @Test func `nothing in quarantine is replaced`() throws {
    // Two names that look the same when made safe, and one that looks like the other's reason.
    for (name, byte) in [("a b", UInt8(1)), ("a?b", 2), ("a?b.json", 3)] {
      try site.write("incoming/\(name)", [byte])
      try site.spool.quarantine(name, job: nil, submitter: 0, reason: "\(byte)")
    }
    #expect(try site.names("quarantine").count == 6)
    for byte: UInt8 in [4, 5] {
      try site.write("incoming/\(JobID.number(1))", [byte])
      try site.spool.quarantine(
        "\(JobID.number(1))", job: .number(1), submitter: 0, reason: "\(byte)")
    }
    var kept: [UInt8] = []
    for name in try site.names("quarantine") {
      let bytes = try site.bytes("quarantine/\(name)")
      if bytes.count == 1 { kept += bytes }
    }
    let all: [UInt8] = [1, 2, 3, 4, 5]
    #expect(kept.sorted() == all)
    #expect(site.spool.quarantineReason(.number(1)) == "4")
  }

  @Test func `an outbox file is put aside as a copy`() throws {
    try site.spool.makeWorkerFolders("w")
    let name = String(repeating: "é", count: 110) + "\u{1B}.item"
    try site.write("workers/w/outbox/\(name)", [1, 2])
    let file = try site.spool.root.open("workers/w/outbox/\(name)", O_RDWR)
    try site.spool.quarantineOutbox("workers/w/outbox/\(name)", reason: "torn")
    #expect(try site.names("workers/w/outbox").isEmpty)
    let names = try site.names("quarantine")
    try #require(names.count == 2)
    try file.write([9])
    #expect(try site.bytes("quarantine/\(names[0])") == [1, 2])
    #expect(try JSON.parse(site.bytes("quarantine/\(names[1])"))["reason"]?.text == "torn")
  }

  @Test func `a control request says whose it is`() throws {
    let request = ControlRequest(.hold, [.number(1), .number(2)], reason: "later")
    try site.spool.askFor(request)
    try site.spool.askFor(ControlRequest(.cancel, [.number(3)], reason: ""))
    if Identity.user == 0 {
      let name = try #require(try site.names("control").last)
      #expect(chown(site.path("control/\(name)"), 59103, 59103) == 0)
    }
    let taken = try site.spool.controlRequests()
    #expect(Set(taken.map(\.request.verb)) == [.hold, .cancel])
    #expect(taken.first { $0.request.verb == .hold }?.request == request)
    let owners: Set<UInt32> = Identity.user == 0 ? [0, 59103] : [Identity.user]
    #expect(Set(taken.map(\.uid)) == owners)
    // They stay until they were obeyed.
    #expect(try site.spool.controlRequests() == taken)
    for asked in taken { try site.spool.removeControlRequest(asked) }
    #expect(try site.names("control").isEmpty)
    #expect(try site.spool.controlRequests().isEmpty)
  }

  @Test func `what is no control request is removed`() throws {
    let good = ControlRequest(.retry, [.number(1)], reason: "").json.canonical
    try site.write("control/1", [1, 2, 3])
    try site.write("control/2", .init(repeating: 0x20, count: 2 << 20))
    try site.temporary.write("outside", good)
    symlink(site.temporary.path("outside"), site.path("control/3"))
    #expect(link(site.temporary.path("outside"), site.path("control/4")) == 0)
    mkfifo(site.path("control/5"), 0o600)
    mkdir(site.path("control/6"), 0o700)
    try site.write("control/6/inner", good)
    for (index, verb) in ["settle", "CANCEL", ""].enumerated() {
      let json: JSON = [
        "schema": "edgecoder.control/1", "verb": .string(verb), "jobs": .texts([]), "reason": "",
      ]
      try site.write("control/7\(index)", json.canonical)
    }
    try site.write("control/8", good)
    #expect(try site.spool.controlRequests().map(\.request.verb) == [.retry])
    #expect(try site.names("control") == ["8"])
    #expect(try site.temporary.read("outside") == good)
  }
}
