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

/// Decides which job runs where. Every job is in exactly one part of the answer, and the order of
/// the arguments does not matter.
///
/// Jobs of higher priority come first. Among equal priorities accounts take turns: the one that was
/// served longest ago, then the one whose next job was admitted first; a job that cannot run now
/// never costs its account a turn and holds back no other job. Of the workers that can run a job
/// its session's own comes first, then the one that provides least, so that rare abilities stay
/// free, then the one with most free slots.
/// - Parameters:
///   - now: milliseconds UTC.
///   - lastServed: when an account was last given a worker, as any number that grows, such as
///     that of the fence. With it accounts also take turns from one call to the next.
package func schedule(
  ready: [ReadyJob], workers: [WorkerOffer], now: Int64, lastServed: [String: UInt64] = [:]
) -> Schedule {
  var schedule = Schedule()
  var lanes = Lanes(workers: workers)
  var runnable: [Candidate] = []
  for job in ready {
    if let failed = job.failedDependency {
      schedule.dependencyFailed.append((job.job, failed))
    } else if let notAfter = job.notAfter, now > notAfter {
      schedule.expired.append(job.job)
    } else if !job.waitsFor.isEmpty {
      schedule.waiting[job.job] = .dependencies(job.waitsFor.sorted())
    } else if job.notBefore > now {
      schedule.waiting[job.job] = .notBefore(job.notBefore)
    } else {
      let lane = lanes.index(for: Needs(job))
      if let reason = lanes.obstacle(lane) {
        schedule.waiting[job.job] = reason
      } else {
        runnable.append(Candidate(job: job, lane: lane))
      }
    }
  }
  schedule.expired.sort()
  schedule.dependencyFailed.sort { $0.job < $1.job }
  runnable.sort(by: Candidate.precedes)
  for level in runnable.chunked(by: { $0.priority == $1.priority }) {
    serve(level, from: &lanes, lastServed: lastServed, into: &schedule)
  }
  return schedule
}

/// A job that could run, and the workers that it could run on.
private struct Candidate {
  let job: JobID
  let account: String
  let priority: Int64
  let admitted: Int64
  let lane: Int

  init(job: ReadyJob, lane: Int) {
    self.job = job.job
    account = job.account
    priority = job.priority
    admitted = job.admitted
    self.lane = lane
  }

  /// Priority, then account, then age.
  static func precedes(_ left: Candidate, _ right: Candidate) -> Bool {
    if left.priority != right.priority { return left.priority > right.priority }
    if left.account != right.account { return left.account < right.account }
    return (left.admitted, left.job) < (right.admitted, right.job)
  }
}

/// An account that waits for its turn, standing at its next job.
private struct Turn: Comparable {
  var taken: Int
  let lastServed: UInt64
  /// Its jobs, oldest first.
  var jobs: ArraySlice<Candidate>

  static func < (left: Turn, right: Turn) -> Bool {
    guard let mine = left.jobs.first, let others = right.jobs.first else { return false }
    return (left.taken, left.lastServed, mine.admitted, mine.job)
      < (right.taken, right.lastServed, others.admitted, others.job)
  }

  static func == (left: Turn, right: Turn) -> Bool { left.jobs.first?.job == right.jobs.first?.job }
}

/// Gives workers to jobs of one priority; the slice is sorted by account, then age.
private func serve(
  _ level: ArraySlice<Candidate>, from lanes: inout Lanes, lastServed: [String: UInt64],
  into schedule: inout Schedule
) {
  var turns = MinHeap(
    level.chunked { $0.account == $1.account }.map { jobs in
      Turn(taken: 0, lastServed: lastServed[jobs[jobs.startIndex].account] ?? 0, jobs: jobs)
    })
  while var turn = turns.popLeast() {
    guard let next = turn.jobs.popFirst() else { continue }
    if let worker = lanes.takeSlot(next.lane) {
      schedule.assignments.append((next.job, worker))
      turn.taken += 1
    } else {
      // Lanes only ever run out, so this account is now asked again for its next job.
      schedule.waiting[next.job] = .allWorkersBusy
    }
    if !turn.jobs.isEmpty { turns.insert(turn) }
  }
}

extension RandomAccessCollection {
  /// The longest runs in which each element belongs with the one before it.
  fileprivate func chunked(by belongs: (Element, Element) -> Bool) -> [SubSequence] {
    var chunks: [SubSequence] = []
    var start = startIndex
    var previous = startIndex
    while previous != endIndex {
      let next = index(after: previous)
      if next == endIndex || !belongs(self[previous], self[next]) {
        chunks.append(self[start..<next])
        start = next
      }
      previous = next
    }
    return chunks
  }
}
