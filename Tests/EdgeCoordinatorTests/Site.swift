import EdgeArchive
import EdgeCoordinator
import EdgeJob
import EdgeLedger
import EdgeSpool
import EdgeSystem
import EdgeTestSupport
import EdgeTrust

/// A real spool, ledger and archive; the worker's side is played by the test with the worker's own
/// functions and a real key.
final class Site {
  let folder: TemporaryDirectory
  let spool: Spool
  let ledger: Ledger
  let key = SigningKey.generate()
  /// Milliseconds UTC.
  var now: Int64 = 1_800_000_000_000

  init(grant: Int64 = 1_000_000_000, testClock: Bool = true) throws {
    folder = TemporaryDirectory()
    spool = try Spool.create(at: folder.path("spool"), sharedWith: nil, testClock: testClock)
    ledger = try Ledger.create(
      at: folder.path("spool/ledger"), spool: spool.id, now: now, actor: "test")
    let enrolled = key.publicKey
    let owner = spool.owner
    try ledger.write(epoch: 0, now: now, actor: "test") {
      (writer: borrowing LedgerWriter) throws(LedgerError) in
      _ = try writer.addKey(
        id: enrolled.id, algorithm: "ed25519", publicKey: enrolled.bytes, purpose: "worker",
        holder: "local")
      _ = try writer.openAccount("worker:local", kind: .worker)
      _ = try writer.openAccount("user:local", kind: .user)
      _ = try writer.allow(uid: owner, account: "user:local", makeDefault: true)
      if grant > 0 {
        try writer.issue(Credits(micro: grant), reason: "test")
        try writer.grant("user:local", Credits(micro: grant), reason: "test")
      }
    }
  }

  /// Inspects in this process: the archives of these tests are our own.
  private struct Inspector: ArchiveInspector {
    func inspect(_ descriptor: Int32) throws(Refusal) -> Inspection {
      try inspectTask(descriptor, limits: .task)
    }
  }

  /// A new leader.
  func coordinator() throws -> Coordinator {
    let led = try Coordinator.lead(
      spool, ledger: try Ledger(at: folder.path("spool/ledger")), policy: Policy(),
      inspector: Inspector(), actor: "test", now: { [unowned self] in now })
    guard let led else { throw SystemError("lead", errno: 11, subject: "somebody else leads") }
    return led
  }

  /// Hands a task that runs `true` over.
  func submit(
    _ request: Request = Request(), command: String = "true", count: Int = 1, more: String = ""
  ) throws -> [JobID] {
    let task = TemporaryDirectory()
    try task.write(
      "task.toml",
      text: """
        [task]
        name = "t"
        [edgecoder]
        format = 1
        kind = "run"
        language = "shell"
        command = ["\(command)"]
        \(more)
        """)
    let archive = try Descriptor.memory("task")
    _ = try packTask(try task.open(), to: archive.raw)
    let requests = RequestList(request, count: count)
    let naming = JobNaming(spool: spool, uid: Identity.user)
    let file = naming.file(of: requests)
    _ = try spool.submit(requests, as: file, archive: archive.raw)
    return (0..<count).map { naming.id(of: requests[$0], index: $0, file: file, count: count) }
  }

  /// A worker that lives as long as the value.
  func desk(
    _ id: String = "w", slots: Int64 = 4, cpus: Int64? = nil, memory: Int64? = nil,
    session: String? = nil, started: Int64? = nil
  ) throws -> WorkerDesk {
    try spool.makeWorkerFolders(id)
    let desk = try WorkerDesk(spool, id: id)
    try desk.announce(
      WorkerFile(
        id: id, slots: slots, session: session, profiles: ["shell"], provides: ["language:shell"],
        key: key.publicKey.id, host: "h", process: 1, processors: cpus, memoryBytes: memory,
        started: started))
    return desk
  }

  /// The receipt of a claim, signed.
  /// - Parameter took: a worker of short attempts gets many jobs ahead; milliseconds.
  func finished(
    _ claim: Claim, _ outcome: Outcome, worker: String = "w", key: SigningKey? = nil,
    result: [UInt8]? = Array("result".utf8), signedResult: [UInt8]? = nil,
    cpuMilliseconds: Int64 = 5, took: Int64 = 0
  ) -> FinishedAttempt {
    let signed = signedResult ?? result
    let receipt = Receipt(
      spool: spool.id, job: claim.job.job, attempt: claim.ticket.attempt, fence: claim.job.fence,
      worker: worker, blob: claim.ticket.blob, task: claim.ticket.task, profile: "shell",
      profileDigest: nil, result: signed.map { Digest(bytes: Hash.sha256($0)) }, outcome: outcome,
      usage: Usage(cpuMilliseconds: cpuMilliseconds), enforced: [:], tools: [:],
      started: now - took, finished: now)
    let envelope = Envelope.seal(
      receipt.statement.canonical, type: Receipt.payloadType, by: key ?? self.key)
    return FinishedAttempt(job: claim.job, envelope: envelope, result: result)
  }

  /// Opens accounts that the submitter may charge, each with credits enough.
  func open(_ accounts: String...) throws {
    let owner = spool.owner
    let grant = Credits(micro: 1_000_000_000)
    try ledger.write(epoch: try ledger.currentEpoch(), now: now, actor: "test") {
      (writer: borrowing LedgerWriter) throws(LedgerError) in
      for account in accounts.map({ "user:\($0)" }) {
        _ = try writer.openAccount(account, kind: .user)
        _ = try writer.allow(uid: owner, account: account, makeDefault: false)
        try writer.issue(grant, reason: "test")
        try writer.grant(account, grant, reason: "test")
      }
    }
  }

  func available() throws -> Int64 { try ledger.balance("user:local").available.micro }
}

extension Coordinator {
  /// Rounds until there is nothing to do.
  func settleDown() throws { while try pass() {} }
}

extension WorkerDesk {
  /// Claims everything in the inbox.
  func claimAll() throws -> [Claim] { try assigned().compactMap { try claim($0) } }
}

extension Site {
  /// Runs everything that is assigned, until nothing is.
  func work(_ coordinator: Coordinator, _ desk: WorkerDesk) throws -> Int {
    var ended = 0
    while true {
      try coordinator.settleDown()
      let claims = try desk.claimAll()
      if claims.isEmpty { return ended }
      try desk.finish(claims.map { finished($0, .verdict(.passed)) })
      ended += claims.count
    }
  }
}
