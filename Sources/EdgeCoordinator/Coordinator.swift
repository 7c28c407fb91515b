package import EdgeJob
package import EdgeLedger
internal import EdgeScheduler
package import EdgeSpool
internal import EdgeSystem

/// The only writer of money: admits, assigns, settles. Used by one thread; leads as long as it
/// lives.
package final class Coordinator {
  package let spool: Spool
  let ledger: Ledger
  let policy: Policy
  /// What the owner decided, as of the last round.
  var site = SitePolicy()
  /// The file status of what was read last; nil where there was no file.
  var policyStatus: FileStatus?
  let inspector: any ArchiveInspector
  /// Milliseconds UTC.
  let now: () -> Int64
  /// Who writes, for the entries.
  let actor: String
  let boot: BootClock
  /// How far the wall clock was before that one, milliseconds.
  var clockOffset: Int64
  /// Jobs that pause after a fault.
  var pausing: Set<JobID> = []
  /// Different jobs in a row whose launch failed, by worker.
  var failedLaunches: [String: Set<JobID>] = [:]
  private var leadership: Leadership
  /// Of this leadership; an older one writes nothing.
  package let epoch: UInt32
  private var fenceCount: UInt32 = 0

  /// Jobs that an earlier leader gave to workers; none once it is known what accounts have used.
  var inherited: [ReadyJob] = []
  /// Whether the use of the last hours was taken over.
  var hasShares = false
  /// What stands in `ready/`; nobody else changes it while we lead.
  var ready = ReadyQueue()
  /// Tickets that were placed of late; those of the others are read when they are needed.
  var recentTickets: [JobID: Ticket] = [:]
  /// Tickets in `ready/` and `held/` that an earlier leader left and that were not read yet.
  var unread: [(job: JobID, path: String)] = []
  /// Whether something came into `ready` since we looked for jobs that nobody here can run.
  var isReadyNew = true
  /// Batches of which some jobs have no ticket.
  var batches: [OpenBatch] = []
  /// Batches that wait for credits in this round, with the index of their first job that does.
  var shortBatches: [JobID: Int] = [:]
  /// Batches of which an earlier leader was asked something that it may not have finished.
  var orders: [JobID] = []
  /// Which account a request is charged to, as far as it was asked; forgotten each round.
  var chargeable: [Charge: String] = [:]
  /// Jobs with keys in batches that have no ticket; nil where nobody asked in this round.
  var keyed: Set<JobID>?
  /// Jobs that wait for one that nobody knows yet, or that was rejected.
  var unsure: Set<JobID> = []
  /// Batches that somebody waits for.
  var awaited: [JobID: AwaitedBatch] = [:]
  /// Names in `incoming/` that were listed and not taken yet, the next one last.
  var arrivals: [String] = []
  /// The rights that were given out and have not come back.
  var live: [JobID: LiveJob] = [:]
  /// How many jobs have ended; nil where nobody has counted.
  var counts: Counts?
  /// Who lives.
  var leases = Leases()
  /// What the workers said when we last looked.
  var workerFiles = WorkerFiles()
  /// Whether nothing may start, as far as we know.
  var draining: Drain?
  /// What all live workers together offered when we last looked.
  var offered: Set<String> = []
  /// Whether jobs that stand nowhere were looked for.
  private var hasLookedForLost = false
  /// Archives that were inspected before, by blob.
  var inspections: [Digest: Inspection] = [:]
  /// Why nothing is admitted at present.
  var shortage: String?
  /// What happened since the caller last looked, for progress lines.
  package var events: [CoordinatorEvent] = []

  struct Charge: Hashable {
    let uid: UInt32
    let account: String?
  }

  struct LiveJob {
    var fence: Fence
    var worker: String
    /// As it was assigned; nil for a right that an earlier leader gave out.
    var ticket: Ticket?
    var isStopping = false
    /// Its worker was asked to put it back.
    var isReturning = false
  }

  /// Takes the lead over a spool: commits a new epoch, then reads where every job is.
  /// - Parameter waiting: waits for the lead; nil asks once.
  /// - Returns: nil where another process leads.
  package static func lead(
    _ spool: Spool, ledger: Ledger, policy: Policy, inspector: any ArchiveInspector,
    actor: String, waiting: (() throws(SpoolError) -> Leadership?)? = nil,
    now: @escaping () -> Int64
  ) throws(CoordinatorError) -> Coordinator? {
    guard ledger.spool == spool.id else {
      throw .mismatch("the ledger belongs to spool \(ledger.spool), not to \(spool.id)")
    }
    let leadership: Leadership
    do {
      guard let taken = if let waiting { try waiting() } else { try Leadership.take(spool) } else {
        return nil
      }
      leadership = taken
    } catch { throw .spool(error) }
    CrashPoint.leadTaken.reached()
    let epoch = try onLedger { () throws(LedgerError) in
      try ledger.takeEpoch(now: now(), actor: actor)
    }
    CrashPoint.epochTaken.reached()
    let coordinator = Coordinator(
      spool: spool, ledger: ledger, policy: policy, inspector: inspector, actor: actor,
      leadership: leadership, epoch: epoch, now: now)
    try coordinator.recover()
    return coordinator
  }

  private init(
    spool: Spool, ledger: Ledger, policy: Policy, inspector: any ArchiveInspector, actor: String,
    leadership: consuming Leadership, epoch: UInt32, now: @escaping () -> Int64
  ) {
    self.spool = spool
    self.ledger = ledger
    self.policy = policy
    self.inspector = inspector
    self.actor = actor
    self.leadership = leadership
    self.epoch = epoch
    self.now = now
    boot = BootClock(spool, now: now)
    clockOffset = now() - boot.milliseconds()
  }

  /// Reads back what an earlier leader left: the names in `ready/`, the rights in the workers'
  /// folders, and the open batches. The tickets themselves are read as we go.
  private func recover() throws(CoordinatorError) {
    try readPolicy()
    counts = spool.settledCounts
    try onSpool { () throws(SpoolError) in try spool.ensureBatchFolders() }
    try forgetReady()
    for item in try onSpool({ () throws(SpoolError) in try spool.workerItems() }) {
      if live[item.job.job].map({ $0.fence < item.job.fence }) ?? true {
        live[item.job.job] = LiveJob(fence: item.job.fence, worker: item.worker)
        if let ticket = try? spool.ticket(at: item.path) { inherited.append(ReadyJob(ticket)) }
      }
    }
    try recoverBatches()
    orders = spool.orderedBatches()
  }

  /// The next right; always higher than every earlier one.
  func nextFence() -> Fence {
    precondition(fenceCount < UInt32.max, "four thousand million rights in one epoch")
    fenceCount += 1
    return Fence(epoch: epoch, count: fenceCount)
  }

  /// One round: what people ask for, what came back, what was lost, what is new, what can start.
  /// - Returns: true where something was done, so that another round may find more.
  package func pass() throws(CoordinatorError) -> Bool {
    beat()
    chargeable = [:]
    keyed = nil
    refreshPolicy()
    try heedClockStep()
    var didWork = try readTickets()
    didWork = try carryOutOrders() || didWork
    didWork = try obeyControlRequests() || didWork
    didWork = try obeyDrain() || didWork
    didWork = try settle() || didWork
    didWork = try sweep() || didWork
    let isAdmitting = try admit()
    keyed = nil
    if !isAdmitting { didWork = try settleUnsure() || didWork }
    if !isAdmitting, unread.isEmpty, !hasLookedForLost {
      // Only now: what an earlier leader reserved for and did not place is in `incoming/` still.
      hasLookedForLost = true
      didWork = try findLostJobs() || didWork
    }
    didWork = try assign() || didWork
    if didWork || isAdmitting { return true }
    settleCounts()
    return false
  }

  /// Says that we get on, to who waits to lead after us.
  func beat() { leadership.beat() }

  /// The half of a round that takes finished work in, for `settle`.
  /// - Returns: true where something was done.
  package func settlePass() throws(CoordinatorError) -> Bool {
    let didWork = try settle()
    if try sweep() || didWork { return true }
    settleCounts()
    return false
  }

  /// Jobs that are known and have not ended.
  package var unfinished: Int {
    ready.count + unread.count + live.count + batches.reduce(0) { $0 + $1.left }
  }
}

/// Something that happened to a job.
package enum CoordinatorEvent: Hashable, Sendable {
  case admitted(JobID)
  case assigned(JobID, worker: String)
  case fault(JobID, Fault, retrying: Bool)
  /// It waits for somebody, with the reason.
  case held(JobID, String)
  case ended(JobID, Ending, cost: Credits)
  /// It did not start anew since nobody can pay for it, with the reason.
  case unpaid(JobID, String)
  case notice(String)
}
