package import EdgeJob

/// What to do with the jobs that are ready.
package struct Schedule: Sendable {
  /// Which worker gets which job, in the order in which the jobs were chosen.
  package internal(set) var assignments: [(job: JobID, worker: String)] = []
  /// Why each of the others waits.
  package internal(set) var waiting: [JobID: WaitReason] = [:]
  /// Jobs whose last time to start has passed, sorted.
  package internal(set) var expired: [JobID] = []
  /// Jobs that will never run, with the dependency that did not pass; sorted by job.
  package internal(set) var dependencyFailed: [(job: JobID, because: JobID)] = []
}

/// Decides which job runs where, from nothing but its arguments. Every job is in exactly one part
/// of the answer, and the order of the arguments does not matter. The rules are those of
/// `ReadyQueue.assign`.
/// - Parameter now: milliseconds UTC.
package func schedule(
  ready: [ReadyJob], workers: [WorkerOffer], now: Int64, shares: Shares = Shares(),
  caps: ReadyQueue.Caps = ReadyQueue.Caps()
) -> Schedule {
  var queue = ReadyQueue(shares: shares, caps: caps)
  for job in ready { queue.insert(job) }
  var schedule = Schedule()
  (schedule.expired, schedule.dependencyFailed) = queue.advance(to: now)
  schedule.assignments = queue.assign(to: workers, now: now)
  schedule.waiting = queue.reasons(workers)
  return schedule
}
