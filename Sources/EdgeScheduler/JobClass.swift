internal import EdgeJob

/// Ready jobs that nothing but their age tells apart: same account, lane, priority and needs.
struct JobClass: Sendable {
  let key: Key
  private var heap = MinHeap<Waiting>([])
  /// Jobs in it; the heap may also hold some that were taken out.
  private(set) var count = 0

  struct Key: Hashable, Sendable {
    let account: String
    let queue: String
    let priority: Int64
    let needs: Needs
    let group: JobGroup?

    init(_ job: ReadyJob) {
      account = job.account
      queue = job.queue
      priority = job.priority
      needs = Needs(job)
      group = job.group
    }
  }

  /// A job by its age.
  struct Waiting: Comparable, Sendable {
    /// Milliseconds UTC.
    let admitted: Int64
    let job: JobID

    static func < (left: Waiting, right: Waiting) -> Bool {
      (left.admitted, left.job) < (right.admitted, right.job)
    }
  }

  init(key: Key) { self.key = key }

  mutating func insert(_ job: JobID, admitted: Int64) {
    heap.insert(Waiting(admitted: admitted, job: job))
    count += 1
  }

  /// Counts one less; the heap forgets it when it comes to its head.
  mutating func noteRemoval() { count -= 1 }

  /// The oldest one of those for which `isMember` holds.
  mutating func head(_ isMember: (Waiting) -> Bool) -> Waiting? {
    while let least = heap.least {
      if isMember(least) { return least }
      _ = heap.popLeast()
    }
    return nil
  }
}
