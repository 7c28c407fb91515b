import EdgeJob
import EdgeSpool
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// Three uids and the table of who may write: the kernel refuses what it forbids.
///
/// Each refusal has its twin: the same operation in a copy whose modes are loosened goes through.
@Suite(.enabled(if: Identity.user == 0, "needs root, to act as other users"), .program("python3"))
struct PermissionTests {
  private static let state = [
    "ready", "held", "workers", "done", "dead", "cancelled", "quarantine", "blobs", "ledger",
  ]
  private static let all = [".", "tmp", "incoming", "control"] + state

  private func check(_ person: Person, refused operations: [[String]]) throws {
    let shared = try SharedSite()
    let before = try shared.listing()
    let refusals = try person.do(operations, in: shared.path)
    #expect(try shared.listing() == before)
    let twins = try person.do(operations, in: shared.path, loosened: true)
    try #require(refusals.count == operations.count && twins.count == operations.count)
    for (index, operation) in operations.enumerated() {
      let text = "\(person): \(operation.joined(separator: " "))"
      #expect(["EACCES", "EPERM"].contains(refusals[index]), "\(text) gave \(refusals[index])")
      #expect(twins[index] == "ok", "\(text), loosened, gave \(twins[index])")
    }
  }

  private func check(_ person: Person, allowed operations: [[String]]) throws {
    let shared = try SharedSite()
    let answers = try person.do(operations, in: shared.path)
    try #require(answers.count == operations.count)
    for (index, operation) in operations.enumerated() where answers[index] != "ok" {
      Issue.record("\(person): \(operation.joined(separator: " ")) gave \(answers[index])")
    }
  }

  @Test func `a submitter sees and touches only what is his`() throws {
    var operations: [[String]] = []
    for folder in ["tmp", "incoming", "control"] {
      operations.append(["list", folder])
      operations.append(["read", "\(folder)/theirs"])
      operations.append(["write", "\(folder)/theirs"])
      operations.append(["truncate", "\(folder)/theirs"])
      operations.append(["unlink", "\(folder)/theirs"])
      operations.append(["rename", "\(folder)/theirs", "\(folder)/stolen"])
      operations.append(["rename", "\(folder)/mine", "\(folder)/theirs"])
      operations.append(["link", "\(folder)/theirs", "\(folder)/linked"])
      operations.append(["give", "\(folder)/mine", "59104"])
      operations.append(["chmod", folder])
    }
    for folder in Self.state {
      operations.append(["list", folder])
      operations.append(["create", "\(folder)/new"])
      operations.append(["publish", folder, "new"])
      operations.append(["mkdir", "\(folder)/new"])
      operations.append(["rename", "incoming/mine", "\(folder)/mine"])
      operations.append(["link", "incoming/mine", "\(folder)/mine"])
      operations.append(["chmod", folder])
    }
    try check(.submitter, refused: operations)
  }

  @Test func `a submitter reads neither tickets, archives, the ledger nor others' results`() throws
  {
    var operations: [[String]] = [
      ["unlink", "spool.json"], ["write", "spool.json"], ["create", "x"],
    ]
    operations += [["chmod", "spool.json"], ["chmod", "."], ["rename", "ready", "gone"]]
    for path in [
      SharedSite.ready, SharedSite.inbox, SharedSite.running, SharedSite.outbox, SharedSite.blob,
      SharedSite.otherResult, SharedSite.otherReason, "ledger/ledger.db",
      "workers/w1/worker.json", "workers/w1/lock",
    ] {
      operations += [["read", path], ["write", path], ["unlink", path]]
      operations.append(["rename", path, "tmp/stolen"])
    }
    for path in [SharedSite.ownResult, SharedSite.ownHeld, SharedSite.ownReason] {
      operations += [["write", path], ["truncate", path], ["unlink", path], ["chmod", path]]
    }
    operations.append(["list", "workers/w1/inbox"])
    operations.append(["create", "workers/w1/inbox/\(SharedSite.right(9))"])
    operations.append(["create", "workers/w1/inbox/\(SharedSite.right(2)).cancel"])
    operations.append(["publish", "workers/w1/outbox", "forged.item"])
    operations.append(["create", "\(SharedSite.ready).new"])
    operations.append(["lock", "workers/w1/lock"])
    try check(.submitter, refused: operations)
  }

  @Test func `a submitter may do what submitting needs`() throws {
    try check(
      .submitter,
      allowed: [
        ["list", "."], ["read", "spool.json"], ["publish", "incoming", "new"],
        ["publish", "control", "new"], ["publish", "tmp", "new"], ["create", "incoming/bare"],
        ["create", "tmp/half"], ["rename", "tmp/half", "incoming/dropped"],
        ["read", "incoming/mine"], ["unlink", "incoming/mine"], ["read", SharedSite.ownResult],
        ["read", SharedSite.ownHeld], ["read", SharedSite.ownReason],
      ])
  }

  @Test func `a worker renames nothing outside its own folder`() throws {
    var operations: [[String]] = []
    for target in [
      SharedSite.ready + ".new", "done/new", "held/new", "dead/new", "cancelled/new",
      "quarantine/new", "blobs/new", "ledger/new", "workers/w3", "workers/w2/inbox/new",
      "workers/w2/running/new", "workers/w2/outbox/new.item",
    ] {
      operations.append(["rename", SharedSite.running, target])
      operations.append(["rename", SharedSite.outbox, target])
      operations.append(["create", target])
      operations.append(["mkdir", target])
    }
    operations.append(["rename", SharedSite.otherInbox, "workers/w1/inbox/stolen"])
    operations.append(["rename", SharedSite.ready, "workers/w1/inbox/stolen"])
    operations.append(["rename", "workers/w2", "workers/w4"])
    operations.append(["rename", "workers/w1", "workers/w5"])
    for name in ["inbox", "running", "outbox", "lock"] {
      operations.append(["rename", "workers/w1/\(name)", "workers/w1/gone"])
      operations.append(["chmod", "workers/w1/\(name)"])
    }
    operations += [["unlink", "workers/w1/lock"], ["chmod", "workers/w1"]]
    for folder in Self.state { operations.append(["list", folder]) }
    try check(.worker, refused: operations)
  }

  @Test func `a worker changes neither tickets nor archives, and reads only its own`() throws {
    var operations: [[String]] = []
    for path in [SharedSite.inbox, SharedSite.running, SharedSite.blob] {
      operations += [["write", path], ["truncate", path], ["chmod", path]]
    }
    operations.append(["unlink", SharedSite.blob])
    for path in [
      SharedSite.otherBlob, SharedSite.ready, SharedSite.otherInbox, SharedSite.ownResult,
      SharedSite.ownHeld, SharedSite.ownReason, "ledger/ledger.db", "ledger/leader.lock",
      "incoming/mine", "control/theirs", "workers/w2/lock",
    ] where !path.hasSuffix("leader.lock") {
      operations += [["read", path], ["write", path], ["unlink", path]]
    }
    operations.append(["create", "ledger/leader.lock"])
    operations.append(["list", "workers/w2"])
    operations.append(["list", "workers/w2/outbox"])
    operations.append(["lock", "workers/w2/lock"])
    try check(.worker, refused: operations)
  }

  @Test func `a worker may do what working needs`() throws {
    let claimed = "workers/w1/running/\(SharedSite.right(2))"
    try check(
      .worker,
      allowed: [
        ["read", "spool.json"], ["list", "workers/w1"], ["lock", "workers/w1/lock"],
        ["create", "workers/w1/.worker.json.new"],
        ["rename", "workers/w1/.worker.json.new", "workers/w1/worker.json"],
        ["list", "workers/w1/inbox"], ["read", SharedSite.inbox], ["read", SharedSite.blob],
        ["rename", SharedSite.inbox, claimed], ["read", claimed],
        ["publish", "workers/w1/outbox", "\(SharedSite.right(2)).item"],
        ["rename", claimed, "workers/w1/outbox/\(SharedSite.right(2))"],
      ])
  }

  @Test func `the coordinator may do its part, without being root`() throws {
    let claimed = "workers/w1/running/\(SharedSite.right(2))"
    var operations = Self.all.map { ["list", $0] }
    operations += [
      ["rename", SharedSite.ready, "workers/w1/inbox/\(SharedSite.right(1))"],
      ["rename", "workers/w1/inbox/\(SharedSite.right(1))", SharedSite.ready],
      ["rename", SharedSite.inbox, claimed], ["unlink", claimed], ["unlink", SharedSite.outbox],
      ["create", "workers/w1/inbox/\(SharedSite.right(3)).cancel"],
      ["lock", "workers/w1/lock"], ["read", SharedSite.ownResult], ["unlink", "incoming/theirs"],
      ["unlink", "control/theirs"], ["unlink", "tmp/mine"], ["publish", "blobs", "new"],
      ["publish", "done", "new"], ["create", "ledger/new"],
    ]
    try check(.coordinator, allowed: operations)
  }

  @Test func `who is not in the group does not come in`() throws {
    var operations: [[String]] = [
      ["read", "spool.json"], ["publish", "incoming", "new"], ["publish", "control", "new"],
      ["create", "tmp/new"], ["read", SharedSite.ownResult], ["read", "workers/w1/worker.json"],
    ]
    for folder in Self.all { operations.append(["list", folder]) }
    try check(.stranger, refused: operations)
  }

  @Test func `nobody else comes into a spool of one user`() throws {
    let site = try Site()
    chmod(site.temporary.path, 0o711)
    try site.submit(.number(1))
    let operations = [
      ["list", "."], ["read", "spool.json"], ["publish", "incoming", "new"],
      ["create", "control/new"], ["read", "incoming/\(JobID.number(1))"],
    ]
    for person in [Person.submitter, .worker, .stranger] {
      #expect(
        try person.do(operations, in: site.path) == .init(repeating: "EACCES", count: 5))
      #expect(
        try person.do(operations, in: site.path, loosened: true)
          == .init(repeating: "ok", count: 5))
    }
  }
}
