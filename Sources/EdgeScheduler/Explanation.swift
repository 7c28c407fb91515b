package import EdgeJob

/// What the scheduler would do with one job now, and why.
package struct Explanation: Hashable, Sendable {
  /// As it was submitted.
  package let priority: Int64
  /// With what waiting adds, thousandths of a priority; all jobs of a priority rise together.
  package let effectivePriority: Int64
  package let account: String
  /// What the account has used of late and what its jobs in flight are expected to use.
  package let share: Shares.Account
  package let queue: String
  package let group: JobGroup?
  /// Jobs that come before it; nil where it is not in line, or more than `lookAhead` do.
  package let ahead: Int?
  /// What limits how many run at once, as far as it touches this job.
  package let caps: [Cap]
  /// By id.
  package let workers: [Fit]
  /// The worker that gets it now.
  package let worker: String?
  /// The one reason why none does.
  package let reason: WaitReason?

  /// Jobs that are counted before a job, at most.
  package static let lookAhead = 10_000

  /// A limit, and how much of it is used.
  package struct Cap: Hashable, Sendable {
    /// `account NAME`, `queue NAME` or `group NAME`.
    package let name: String
    /// Jobs that count against it now.
    package let running: Int
    /// Jobs that may.
    package let most: Int
  }

  /// Whether a worker could take it.
  package struct Fit: Hashable, Sendable {
    package let worker: String
    /// Jobs that it can take now.
    package let freeSlots: Int
    /// Why not, in words; nil where it could.
    package let obstacle: String?
  }
}

extension ReadyQueue {
  /// What `assign` would do with a job now, and why; changes nothing.
  /// - Parameter now: milliseconds UTC.
  /// - Returns: nil where the job is not here.
  package func explain(_ job: JobID, workers: [WorkerOffer], now: Int64) -> Explanation? {
    guard let member = members[job] else { return nil }
    let key = classes[member.index].key
    var trial = self
    let given = trial.assign(to: workers, now: now).first { $0.job == job }?.worker
    let reason = given == nil ? trial.reasons(workers, of: [job])[job] : nil
    let isInLine = later[job] == nil && dependents[job] == nil
    let rank = rank(of: key.priority, oldest: oldest(of: key.priority, or: member), now: now)
    return Explanation(
      priority: key.priority, effectivePriority: rank * 1000 / ReadyQueue.agingMilliseconds,
      account: key.account, share: shares.accounts[key.account] ?? Shares.Account(),
      queue: key.queue, group: key.group, ahead: isInLine ? ahead(of: job, workers, now) : nil,
      caps: caps(of: key),
      workers: workers.sorted { $0.id < $1.id }.map {
        .init(worker: $0.id, freeSlots: $0.freeSlots, obstacle: $0.obstacle(key.needs))
      }, worker: given, reason: reason)
  }

  /// When the oldest job of a priority that is in line was admitted, milliseconds UTC.
  private func oldest(of priority: Int64, or member: Member) -> Int64 {
    var copy = self
    var oldest = member.admitted
    for index in classes.indices where classes[index].key.priority == priority {
      if let head = copy.head(of: index) { oldest = min(oldest, head.admitted) }
    }
    return oldest
  }

  private func ahead(of job: JobID, _ workers: [WorkerOffer], _ now: Int64) -> Int? {
    var copy = self
    var lanes = Lanes(workers: workers)
    var lines = copy.lines(&lanes)
    for count in 0..<Explanation.lookAhead {
      guard let place = copy.choose(among: lines, now: now) else { return nil }
      if copy.serve(place, of: &lines, now: now) == job { return count }
    }
    return nil
  }

  private func caps(of key: JobClass.Key) -> [Explanation.Cap] {
    var found: [Explanation.Cap] = []
    let note = { (name: String, cap: CapKey, most: Int?) in
      if let most {
        found.append(.init(name: name, running: runningBy[cap, default: 0], most: most))
      }
    }
    note("account \(key.account)", .account(key.account), caps.accounts[key.account])
    note("queue \(key.queue)", .queue(key.queue), caps.queues[key.queue])
    if let group = key.group {
      note("group \(group.name)", .group(group.name), min(group.most, caps.groups ?? .max))
    }
    return found
  }
}
