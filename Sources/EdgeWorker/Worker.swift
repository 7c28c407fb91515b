package import EdgeArchive
internal import EdgeJob
internal import EdgeSandbox
package import EdgeSpool
internal import EdgeSystem
package import EdgeTrust
internal import Synchronization

/// The only runner of task code. It has a sandbox for each slot, and no ledger: what it leaves is a
/// signed receipt.
package final class Worker: Sendable {
  /// How a worker is set up.
  package struct Settings: Sendable {
    package var id: String
    /// Jobs that it runs at once.
    package var slots: Int
    /// Takes only jobs of this session.
    package var session: String?
    package var key: SigningKey
    /// Ends when there has been nothing to do for this long, milliseconds; nil never does.
    package var idleMilliseconds: Int64?
    /// A borrowed descriptor; when it becomes readable or its other end closes, the worker finishes
    /// what it runs, takes nothing new, and ends.
    package var stop: Int32?
    /// The version of this program, for the receipts.
    package var version: String
    /// What the owner of the machine allows.
    package var host: HostPolicy
    /// A borrowed pipe that gets a byte when the worker is ready, and one a second while it takes
    /// jobs.
    package var heartbeat: Int32?
    /// How long its coordinator waits for a renewal where it may be on another machine,
    /// milliseconds; nil where the lock of one kernel tells both.
    package var lease: Int64?

    package init(
      id: String, slots: Int, session: String?, key: SigningKey, idleMilliseconds: Int64?,
      stop: Int32?, version: String, host: HostPolicy = HostPolicy(), heartbeat: Int32? = nil,
      lease: Int64? = nil
    ) {
      self.id = id
      self.slots = slots
      self.session = session
      self.key = key
      self.idleMilliseconds = idleMilliseconds
      self.stop = stop
      self.version = version
      self.host = host
      self.heartbeat = heartbeat
      self.lease = lease
    }
  }

  private let spool: Spool
  private let settings: Settings
  private let desk: WorkerDesk
  private let host: SandboxHost
  private let offering: Offering
  private let preparation: Preparation
  private let started = Clocks.milliseconds()
  private let memoryBytes = MachineMemory.bytes()
  private let claims = Channel<Running>()
  private let finished = Channel<FinishedAttempt>()
  /// Raised when a slot became free.
  private let freed: Signal

  /// A claimed job on its way to a slot.
  private final class Running: Sendable {
    let claim: Claim
    let stop: Signal
    private let done = Atomic(false)
    /// Milliseconds from SIGTERM to SIGKILL when it is stopped.
    let grace = Atomic<Int64>(0)

    init(_ claim: Claim) throws(SystemError) {
      self.claim = claim
      stop = try Signal()
    }

    var isDone: Bool { done.load(ordering: .acquiring) }
    func finish() { done.store(true, ordering: .releasing) }
  }

  /// Takes the worker's folders; looks at the machine.
  /// - Throws: `LaunchFailure` where no sandbox can be had, `SpoolError`.
  package init(_ spool: Spool, _ settings: Settings, archives: ArchiveProcess) throws {
    preparation = Preparation(archives: archives)
    self.spool = spool
    self.settings = settings
    host = try SandboxHost.probe()
    offering = Offering.probe()
    desk = try WorkerDesk(spool, id: settings.id, patience: 2000)
    freed = try Signal()
  }

  /// Works until it is told to stop.
  package func run() throws {
    let renewing = try settings.lease.map { try Renewing.begin(desk, lease: $0) }
    if renewing == nil {
      try desk.outliveOthers(boot: try Clocks.bootID())
      try desk.endLeases()
    }
    desk.removeLiveFiles()
    let watch = try Watch()
    try desk.watch(watch)
    try reportLost()
    var machine = HostWatch(settings.host)
    try announce(machine.decision)
    let slots = (0..<settings.slots).map { _ in WorkThread.start { [self] in serve() } }
    let writer = WorkThread.start { [self] in writeOutbox() }
    let failure = Swift.Result { try take(watch, &machine) }
    claims.close()
    for slot in slots { slot.join() }
    finished.close()
    writer.join()
    try renewing?.end()
    try failure.get()
  }

  /// Gives back what an earlier process of this worker had claimed when it died.
  private func reportLost() throws {
    let lost = try Leftovers.find(desk).map { claim in
      let now = Clocks.milliseconds()
      let attempt = Attempt(outcome: .fault(.workerLost))
      let receipt = receipt(claim, attempt, result: nil, started: now)
      let envelope = Envelope.seal(
        receipt.statement.canonical, type: Receipt.payloadType, by: settings.key)
      return FinishedAttempt(job: claim.job, envelope: envelope, result: nil)
    }
    try desk.finish(lost)
  }

  private func announce(_ decision: PowerDecision) throws(SpoolError) {
    try desk.announce(
      WorkerFile(
        id: settings.id, slots: Int64(settings.slots), session: settings.session,
        profiles: Offering.profiles(host), provides: offering.provides(on: host),
        key: settings.key.publicKey.id,
        host: Identity.hostName, process: Int64(Identity.process),
        mode: settings.host.mode, accepts: decision.accepts,
        why: decision.accepts == .all ? nil : decision.reason.rawValue,
        processors: Int64(Processors.available()), memoryBytes: memoryBytes, started: started))
  }

  /// Claims jobs as long as slots are free; passes on requests to stop.
  private func take(_ watch: borrowing Watch, _ machine: inout HostWatch) throws {
    var running: [FencedJob: Running] = [:]
    var idleSince = Clocks.bootNanoseconds()
    var isShort = false
    var heart = Heartbeat(settings.heartbeat)
    while true {
      heart.beat()
      for job in try desk.stopRequests() {
        if let one = running[job] {
          one.grace.store(desk.grace(of: job), ordering: .releasing)
          one.stop.raise()
        } else {
          desk.clearStopRequest(job)
        }
      }
      running = running.filter { !$0.value.isDone }
      let jobs = running.count < settings.slots ? try desk.assigned() : []
      try look(&machine, isWaiting: !jobs.isEmpty, isWorking: !running.isEmpty)
      let isRoomy = hasRoom(jobs, &isShort)
      let mayClaim = machine.mayClaim(isWaiting: !jobs.isEmpty) && isRoomy
      for job in jobs where mayClaim && running.count < settings.slots {
        guard try isTaken(job, machine.decision.accepts) else { continue }
        guard let claim = try claimed(job) else { continue }
        let one = try Running(claim)
        running[job] = one
        claims.send(one)
      }
      if !running.isEmpty || machine.isDeferring { idleSince = Clocks.bootNanoseconds() }
      let idle = (Clocks.bootNanoseconds() - idleSince) / 1_000_000
      if let most = settings.idleMilliseconds, running.isEmpty, idle >= most { return }
      let stop = settings.stop.map { [$0] } ?? []
      let most = machine.isDeferring ? HostWatch.claimPeriod : HostWatch.period
      watch.wait(
        milliseconds: settings.idleMilliseconds.map {
          Int32(clamping: max(1, min($0 - idle, most)))
        } ?? 1000,
        others: [freed.descriptor] + stop)
      freed.lower()
      if let stop = settings.stop, !Poll.readable([stop], milliseconds: 0).isEmpty { return }
    }
  }

  /// Claims one; nil where it was taken back, or the disk does not even take a name.
  private func claimed(_ job: FencedJob) throws(SpoolError) -> Claim? {
    do {
      return try desk.claim(job)
    } catch {
      guard error.kind == .full else { throw error }
      Diagnostics.note("worker \(settings.id): \(error)")
      return nil
    }
  }

  /// Decides again whether to take jobs, and says so where that has changed.
  private func look(_ machine: inout HostWatch, isWaiting: Bool, isWorking: Bool) throws {
    let before = machine.decision
    machine.look(
      oldest: isWaiting ? HostWatch.claimPeriod : HostWatch.period, isWorking: isWorking)
    let now = machine.decision
    if now.accepts != before.accepts || now.accepts != .all && now.reason != before.reason {
      do throws(SpoolError) { try announce(now) } catch {
        // It claims by its own decision; only the coordinator does not know yet.
        guard error.kind == .full else { throw error }
        Diagnostics.note("worker \(settings.id): \(error)")
      }
    }
  }

  /// Whether the spool has room for what a job leaves; tells where it has not.
  private func hasRoom(_ jobs: [FencedJob], _ isShort: inout Bool) -> Bool {
    if jobs.isEmpty { return true }
    let shortage = spool.shortage()
    if !isShort, let shortage {
      Diagnostics.note("worker \(settings.id): nothing is claimed at present: \(shortage)")
    }
    isShort = shortage != nil
    return !isShort
  }

  /// Whether a job in the inbox is among those that are taken now.
  private func isTaken(_ job: FencedJob, _ accepts: Acceptance) throws -> Bool {
    if accepts == .all { return true }
    return try desk.assignedTicket(job).map { accepts.takes($0.manifest) } ?? false
  }

  /// One slot: runs what it gets, one after another.
  private func serve() {
    let slot: SlotLease
    do { slot = try SlotLease.take() } catch {
      Diagnostics.note("worker \(settings.id): a slot is missing: \(error)")
      return
    }
    let sandbox = Sandbox(host: host, slot: slot.number)
    var runner = RunAttempt(spool: spool, sandbox: sandbox, preparation: preparation)
    while let running = claims.receive() {
      let ticket = running.claim.ticket
      let started = Clocks.milliseconds()
      let live = LiveOutput(desk, running.claim.job)
      runner.grace = { running.grace.load(ordering: .acquiring) }
      runner.live = { live.show(stdout: $0, stderr: $1) }
      CrashPoint.runStarting.reached()
      var attempt = runner.run(ticket, cancel: running.stop.descriptor)
      CrashPoint.runEnded.reached()
      if attempt.outcome == .cancelled, desk.isToReturn(running.claim.job) {
        attempt.outcome = .fault(.leaseExpired)
      }
      var result: [UInt8]?
      if case .verdict = attempt.outcome {
        do {
          result = try ResultFiles.archive(
            attempt, ticket, fence: running.claim.job.fence, worker: settings.id)
        } catch {
          attempt.outcome = .fault(.launchFailed(stage: "result: \(error.why)", errno: error.errno))
        }
      }
      let receipt = receipt(running.claim, attempt, result: result, started: started)
      let envelope = Envelope.seal(
        receipt.statement.canonical, type: Receipt.payloadType, by: settings.key)
      finished.send(
        FinishedAttempt(job: running.claim.job, envelope: envelope, result: result))
      running.finish()
      freed.raise()
    }
  }

  private func receipt(_ claim: Claim, _ attempt: Attempt, result: [UInt8]?, started: Int64)
    -> Receipt
  {
    var tools = offering.tools
    tools["edgecoder"] = settings.version
    let ticket = claim.ticket
    return Receipt(
      spool: spool.id, job: ticket.job, attempt: ticket.attempt, fence: claim.job.fence,
      worker: settings.id, blob: ticket.blob, task: ticket.task,
      profile: ticket.manifest.profile, profileDigest: attempt.profileDigest,
      result: result.map { Digest(bytes: Hash.sha256($0)) }, outcome: attempt.outcome,
      usage: attempt.usage, enforced: attempt.enforced, tools: tools, started: started,
      finished: Clocks.milliseconds())
  }

  /// Writes finished attempts; those that end while a flush runs share the next one.
  private func writeOutbox() {
    while let attempts = finished.receive(atMost: 64) {
      while true {
        do {
          try desk.finish(attempts)
          for attempt in attempts { desk.removeLiveFiles(attempt.job) }
          break
        } catch {
          // A full disk: what has run is not lost, it waits for space.
          Diagnostics.note("worker \(settings.id): \(error)")
          _ = Poll.readable([], milliseconds: 1000)
        }
      }
    }
  }
}

/// Lines about trouble on standard error.
enum Diagnostics {
  static func note(_ line: String) {
    try? EdgeSystem.write(Array("edgecoder: \(line)\n".utf8), to: 2)
  }
}
