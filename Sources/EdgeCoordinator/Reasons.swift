package import EdgeJob
package import EdgeLedger
package import EdgeScheduler
package import EdgeSpool
internal import EdgeSystem

/// What decides about the jobs in `ready/`, read from the files and the ledger alone, without
/// leading and without changing anything: the same files give the same answers.
///
/// It is what a leader would know that took over now. One that leads for longer also remembers
/// when each priority was last served, from which waiting counts.
package struct SchedulingState {
  private(set) var queue: ReadyQueue
  private(set) var offers: [WorkerOffer] = []
  /// Jobs that end instead of starting: their last time has passed, or a dependency did not pass.
  private(set) var ending: [JobID: String] = [:]
  private let isLed: Bool
  /// Milliseconds UTC.
  private let now: Int64

  /// - Parameters:
  ///   - ledger: nil for who may not read it; then nobody has used anything.
  ///   - now: milliseconds UTC.
  package init(_ spool: Spool, ledger: Ledger?, now: Int64) throws(CoordinatorError) {
    self.now = now
    isLed = Leadership.isHeld(spool)
    let site = (try? PolicyFile.read(spool)) ?? SitePolicy()
    var shares = Shares()
    if let ledger { shares = try Coordinator.shares(ledger, now: now) }
    shares.set(weights: site.weights)
    queue = ReadyQueue(shares: shares, caps: site.caps)
    let boot = BootClock(spool) { now }
    do throws(SpoolError) {
      for (_, path) in try spool.readyJobs() {
        guard let ticket = try? spool.ticket(at: path) else { continue }
        queue.insert(
          try SchedulingState.job(ticket, spool, start: boot.start(of: ticket, now: now)))
      }
      var load: [String: Int] = [:]
      for item in try spool.workerItems() {
        load[item.worker, default: 0] += 1
        if let ticket = try? spool.ticket(at: item.path) { queue.adopt(ReadyJob(ticket)) }
      }
      var files = WorkerFiles()
      files.isDraining = spool.drain != nil
      _ = try files.read(spool) { (worker) throws(SpoolError) in
        try spool.seemsAlive(worker, now: Clocks.milliseconds())
      }
      offers = files.offers { load[$0, default: 0] }
    } catch {
      throw .spool(error)
    }
    let fallen = queue.advance(to: now)
    for job in fallen.expired { ending[job] = "its last time to start has passed" }
    for (job, because) in fallen.dependencyFailed {
      ending[job] = Coordinator.fallen(because)
    }
  }

  private static func job(_ ticket: Ticket, _ spool: Spool, start: Int64) throws(SpoolError)
    -> ReadyJob
  {
    var open: [Dependency] = []
    var failed: JobID?
    for one in ticket.request.dependencies {
      let place = try spool.locate(one.job)
      // One that is nowhere is asked of the ledger by who leads, or waits in a batch.
      guard let place, place.state.isFinal else {
        open.append(one)
        continue
      }
      let passed =
        place.state == .done
        && (try? spool.record(.done, one.job).ticket.ending) == .verdict(.passed)
      if !one.condition.isMet(passed: passed) { failed = one.job }
    }
    return ReadyJob(ticket, notBefore: start, waitsFor: open, failed: failed)
  }

  /// The one reason why each job in `ready/` is not running.
  package func reasons() -> [JobID: String] {
    var trial = queue
    let given = trial.assign(to: offers, now: now)
    var reasons = trial.reasons(offers).mapValues(\.text)
    for (job, worker) in given { reasons[job] = chosen(worker) }
    return reasons.merging(ending) { $1 }
  }

  /// What the scheduler would do with a job; nil where the job is not in `ready/`, or ends.
  package func explain(_ job: JobID) -> Explanation? {
    queue.explain(job, workers: offers, now: now)
  }

  /// What an account has used of late, µs.
  package func use(of account: String) -> Int64 { queue.shares.accounts[account]?.use ?? 0 }

  /// The one reason why this job is not running, as `reasons` gives it; nil where it is not in
  /// `ready/`.
  package func reason(_ job: JobID) -> String? {
    if let ending = ending[job] { return ending }
    guard let explanation = explain(job) else { return nil }
    return explanation.worker.map(chosen) ?? explanation.reason?.text
  }

  private func chosen(_ worker: String) -> String {
    isLed
      ? "worker \(worker) gets it in the next round of the coordinator"
      : "worker \(worker) can take it; a coordinator must run"
  }
}

extension Coordinator {
  /// Why the jobs in `ready/` wait.
  /// - Parameter now: milliseconds UTC.
  package static func reasons(_ spool: Spool, ledger: Ledger? = nil, now: Int64)
    throws(CoordinatorError) -> [JobID: String]
  {
    try SchedulingState(spool, ledger: ledger, now: now).reasons()
  }
}

extension ReadyJob {
  /// - Parameter notBefore: milliseconds UTC; nil is the ticket's own.
  init(
    _ ticket: Ticket, notBefore: Int64? = nil, waitsFor: [Dependency] = [], failed: JobID? = nil
  ) {
    let manifest = ticket.manifest
    self.init(
      job: ticket.job, account: ticket.account, queue: ticket.request.queue,
      // One submitter's group is not another one's.
      group: ticket.request.group.map {
        JobGroup(name: "\(ticket.submitter)/\($0.name)", most: $0.most)
      }, priority: ticket.request.priority,
      admitted: ticket.admitted, notBefore: notBefore ?? ticket.notBefore,
      notAfter: ticket.request.notAfter,
      waitsFor: waitsFor, failedDependency: failed, session: ticket.request.session,
      profile: manifest.profile, language: manifest.language,
      requirements: manifest.requirements
        + (manifest.needsMounts ? [TaskManifest.mountsRequirement] : []),
      isSmall: Acceptance.small.takes(manifest),
      processors: max(manifest.limits.processors, manifest.verifier?.limits.processors ?? 0),
      memoryBytes: max(manifest.limits.memoryBytes, manifest.verifier?.limits.memoryBytes ?? 0))
  }
}
