package import EdgeJob

/// The jobs that stand in `ready/`, ordered as they come and go, so that to choose one costs the
/// same however many there are. A value: the same calls give the same answers.
package struct ReadyQueue: Sendable {
  /// How many may run at the same time.
  package struct Caps: Hashable, Sendable {
    /// By the name of the account.
    package var accounts: [String: Int] = [:]
    /// By the name of the lane.
    package var queues: [String: Int] = [:]
    /// Of every group, whatever it allows itself; nil adds nothing to that.
    package var groups: Int?

    package init(
      accounts: [String: Int] = [:], queues: [String: Int] = [:], groups: Int? = nil
    ) {
      self.accounts = accounts
      self.queues = queues
      self.groups = groups
    }
  }

  package var caps: Caps
  package var shares: Shares
  var classes: [JobClass] = []
  private var classOf: [JobClass.Key: Int] = [:]
  private(set) var hasGroups = false
  /// Every job, with its class and its age.
  var members: [JobID: Member] = [:]
  /// Jobs whose time has not come, milliseconds UTC; they are in no class's line.
  var later: [JobID: Timed] = [:]
  private var delayed = MinHeap<Timed>([])
  private var expiring = MinHeap<Timed>([])
  /// Jobs that wait for others.
  var dependents: [JobID: Dependent] = [:]
  private var children: [JobID: Set<Child>] = [:]
  private var failed: [(job: JobID, because: JobID)] = []
  /// Jobs that were given a worker and have not come back.
  var running: [JobID: Running] = [:]
  var runningBy: [CapKey: Int] = [:]
  /// When a job of that priority was last given a worker, milliseconds UTC.
  var bandServed: [Int64: Int64] = [:]

  struct Member: Hashable, Sendable {
    /// Its place in `classes`.
    let index: Int
    /// Milliseconds UTC.
    let admitted: Int64
  }

  /// A job at a time.
  struct Timed: Comparable, Hashable, Sendable {
    /// Milliseconds UTC.
    let time: Int64
    let job: JobID
    /// When it was admitted, for its place in line.
    let admitted: Int64

    static func < (left: Timed, right: Timed) -> Bool {
      (left.time, left.job) < (right.time, right.job)
    }
  }

  /// A job that waits for another.
  private struct Child: Hashable, Sendable {
    let job: JobID
    let condition: Dependency.Condition
  }

  struct Dependent: Sendable {
    var open: Set<Dependency>
    let notBefore: Int64
    let admitted: Int64
  }

  struct Running: Sendable {
    let account: String
    let queue: String
    let group: JobGroup?
    let expected: Int64
  }

  enum CapKey: Hashable, Sendable {
    case account(String)
    case queue(String)
    case group(String)
  }

  package init(shares: Shares = Shares(), caps: Caps = Caps()) {
    self.shares = shares
    self.caps = caps
  }

  /// Jobs that are ready or wait for a time or another job.
  package var count: Int { members.count }
  /// True where no job is here.
  package var isEmpty: Bool { members.isEmpty }
  /// True where this job is here.
  package func contains(_ job: JobID) -> Bool { members[job] != nil }

  /// The lane of a job that is here.
  package func queue(of job: JobID) -> String? { members[job].map { classes[$0.index].key.queue } }

  /// The lane of a job that was given a worker.
  package func runningQueue(of job: JobID) -> String? { running[job]?.queue }

  /// Puts a job in line; one that is there already keeps its place.
  package mutating func insert(_ job: ReadyJob) {
    guard members[job.job] == nil else { return }
    let key = JobClass.Key(job)
    let index: Int
    if let known = classOf[key] {
      index = known
    } else {
      index = classes.count
      classes.append(JobClass(key: key))
      classOf[key] = index
      hasGroups = hasGroups || key.group != nil
    }
    members[job.job] = Member(index: index, admitted: job.admitted)
    if let notAfter = job.notAfter {
      expiring.insert(Timed(time: notAfter, job: job.job, admitted: job.admitted))
    }
    if let because = job.failedDependency {
      failed.append((job.job, because))
    }
    if job.failedDependency != nil || !job.waitsFor.isEmpty {
      dependents[job.job] = Dependent(
        open: Set(job.waitsFor), notBefore: job.notBefore, admitted: job.admitted)
      for one in job.waitsFor {
        children[one.job, default: []].insert(Child(job: job.job, condition: one.condition))
      }
    } else {
      enter(job.job, index, notBefore: job.notBefore, admitted: job.admitted)
    }
  }

  private mutating func enter(_ job: JobID, _ index: Int, notBefore: Int64, admitted: Int64) {
    if notBefore > 0 {
      let timed = Timed(time: notBefore, job: job, admitted: admitted)
      later[job] = timed
      delayed.insert(timed)
    } else {
      classes[index].insert(job, admitted: admitted)
    }
  }

  /// Takes a job out.
  /// - Returns: false where it was not here.
  @discardableResult
  package mutating func remove(_ job: JobID) -> Bool {
    guard let index = members.removeValue(forKey: job)?.index else { return false }
    if let waiting = dependents.removeValue(forKey: job) {
      for one in waiting.open {
        children[one.job]?.remove(Child(job: job, condition: one.condition))
        if children[one.job]?.isEmpty == true { children[one.job] = nil }
      }
    } else if later.removeValue(forKey: job) == nil {
      classes[index].noteRemoval()
    }
    return true
  }

  /// The jobs here that wait for this one.
  package func dependents(on job: JobID) -> [JobID] { (children[job] ?? []).map(\.job) }

  /// A job has ended, so that those that wait for it may go on or fall.
  package mutating func ended(_ job: JobID, passed: Bool) {
    for one in children.removeValue(forKey: job) ?? [] {
      let child = one.job
      guard let index = members[child]?.index, var waiting = dependents[child] else { continue }
      guard one.condition.isMet(passed: passed) else {
        failed.append((child, job))
        continue
      }
      waiting.open.remove(Dependency(job: job, condition: one.condition))
      dependents[child] = waiting.open.isEmpty ? nil : waiting
      if waiting.open.isEmpty {
        enter(child, index, notBefore: waiting.notBefore, admitted: waiting.admitted)
      }
    }
  }

  /// Lets time pass: jobs whose time has come get into line.
  /// - Parameter now: milliseconds UTC.
  /// - Returns: those whose last time to start has passed, and those that fell with another one;
  ///   both sorted by job, and no longer here.
  package mutating func advance(to now: Int64) -> (
    expired: [JobID], dependencyFailed: [(job: JobID, because: JobID)]
  ) {
    shares.fade(now: now)
    while let next = delayed.least, next.time <= now {
      _ = delayed.popLeast()
      guard later[next.job] == next, let index = members[next.job]?.index else { continue }
      later[next.job] = nil
      classes[index].insert(next.job, admitted: next.admitted)
    }
    let fallen = failed.filter { remove($0.job) }.sorted { $0.job < $1.job }
    failed = []
    var expired: [JobID] = []
    while let next = expiring.least, next.time < now {
      _ = expiring.popLeast()
      if remove(next.job) { expired.append(next.job) }
    }
    return (expired.sorted(), fallen)
  }

  /// When something happens here by itself, milliseconds UTC; nil where only others can change it.
  package var nextTime: Int64? {
    [delayed.least?.time, expiring.least.map { $0.time + 1 }].compactMap { $0 }.min()
  }
}
