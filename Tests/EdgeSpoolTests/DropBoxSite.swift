import EdgeJob
import EdgeSpool
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// A shared spool of the coordinator's uid with a job in every state, submitted by two people, and
/// two workers with uids and groups of their own.
final class SharedSite: Sendable {
  let site: Site
  /// As root sees it; the files belong to the coordinator.
  let spool: Spool
  var path: String { spool.path }

  static let archive = Array("an archive".utf8)
  static let blob = Layout.blob(.of(archive))
  static let otherBlob = Layout.blob(.of([1, 2, 3]))
  static let ready = Layout.ready(.number(1), queue: "default")
  static let inbox = "workers/w1/inbox/\(right(2))"
  static let running = "workers/w1/running/\(right(3))"
  static let outbox = "workers/w1/outbox/\(right(3)).item"
  static let otherInbox = "workers/w2/inbox/\(right(4))"
  static let ownResult = "done/\(JobID.number(5))"
  static let otherResult = "done/\(JobID.number(6))"
  static let ownHeld = "held/\(JobID.number(7))"
  static let ownReason = "quarantine/\(JobID.number(8)).json"
  static let otherReason = "quarantine/\(JobID.number(9)).json"

  static func right(_ number: UInt8) -> FencedJob {
    FencedJob(job: .number(number), fence: Fence(epoch: 1, count: UInt32(number)))
  }

  init() throws {
    site = try Site(sharedWith: Person.members)
    chmod(site.temporary.path, 0o711)
    chown(site.path, Person.coordinator.uid, UInt32.max)
    spool = try Spool(path: site.path)
    #expect(spool.owner == Person.coordinator.uid)
    try site.write(Self.blob, Self.archive, mode: 0o440)
    try site.write(Self.otherBlob, [1, 2, 3], mode: 0o440)
    try fillWorkers()
    for (number, person) in [(UInt8(5), Person.submitter), (6, .neighbour)] {
      try spool.putDone(
        .some(.number(number), submitter: person.uid), receipts: [[1]], result: [2])
    }
    try spool.put(.some(.number(7), submitter: Person.submitter.uid), .held)
    for (number, person) in [(UInt8(8), Person.submitter), (9, .neighbour)] {
      let name = "\(JobID.number(number))"
      #expect(try person.do([["publish", "incoming", name]], in: path) == ["ok"])
      try spool.quarantine(name, job: .number(number), submitter: person.uid, reason: "bad")
      try spool.removeIncoming(name)
    }
    try spool.root.makeDirectory("ledger")
    try site.write("ledger/ledger.db", [1])
    let boxes = ["incoming", "control", "tmp"]
    #expect(
      try Person.submitter.do(boxes.map { ["publish", $0, "mine"] }, in: path)
        == ["ok", "ok", "ok"])
    #expect(
      try Person.neighbour.do(boxes.map { ["publish", $0, "theirs"] }, in: path)
        == ["ok", "ok", "ok"])
    let owned = try runProgram(
      "chown", ["-R", "--from=0", "\(Person.coordinator.uid)", path])
    #expect(owned.status == 0, "\(owned)")
  }

  private func fillWorkers() throws {
    try spool.putReady(.some(.number(1)))
    try spool.makeWorkerFolders("w1", group: Person.workers)
    try spool.makeWorkerFolders("w2", group: Person.workers + 1)
    try site.write("workers/w1/worker.json", WorkerFile.some("w1").json.canonical)
    chown(site.path("workers/w1/worker.json"), Person.worker.uid, Person.worker.uid)
    for (number, worker) in [(UInt8(2), "w1"), (3, "w1"), (4, "w2")] {
      let ticket = Ticket.some(.number(number), blob: .of(Self.archive))
      try spool.putReady(ticket)
      let path = Layout.ready(.number(number), queue: "default")
      #expect(try spool.assign(Self.right(number), at: path, to: worker))
    }
    try spool.root.rename(
      "workers/w1/inbox/\(Self.right(3))", to: spool.root, Self.running)
    try site.write(Self.outbox, Frame(.receipt, [1]).bytes)
    chown(site.path(Self.outbox), Person.worker.uid, Person.worker.uid)
  }

  /// Every name with mode, owner, group, size and time.
  func listing() throws -> String {
    let found = try runProgram("find", [path, "-printf", "%p %m %U %G %s %n %T@\n"])
    #expect(found.status == 0)
    return found.output.split(separator: "\n").sorted().joined(separator: "\n")
  }
}
