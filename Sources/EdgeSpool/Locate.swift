package import EdgeJob
internal import EdgeSystem

/// Where a job is now.
package struct Place: Hashable, Sendable {
  package let state: JobState
  /// Relative to the spool.
  package let path: String
  /// The worker that has it, in `inbox`, `running` and `outbox`.
  package let worker: String?
  package let fence: Fence?
  /// The last component of the path.
  package var name: String { path.split(separator: "/").last.map(String.init) ?? "" }

  package init(state: JobState, path: String, worker: String? = nil, fence: Fence? = nil) {
    self.state = state
    self.path = path
    self.worker = worker
    self.fence = fence
  }
}

extension Spool {
  /// Looks for a job in every state directory; nil where it is nowhere (or nowhere that we may
  /// look). A job may move while we look, so a second look follows before we say so.
  package func locate(_ job: JobID) throws(SpoolError) -> Place? {
    for _ in 0..<3 {
      if let place = try look(for: job) { return place }
    }
    return nil
  }

  private func look(for job: JobID) throws(SpoolError) -> Place? {
    for state in [JobState.done, .cancelled, .dead, .held] {
      let path = Layout.path(state, job)
      if root.contains(path) { return Place(state: state, path: path, worker: nil, fence: nil) }
    }
    for queue in try queues() {
      let path = Layout.ready(job, queue: queue)
      if root.contains(path) { return Place(state: .ready, path: path, worker: nil, fence: nil) }
    }
    let items: [WorkerItem]
    // Who only submits may not look there.
    do { items = try workerItems() } catch  where error.kind == .notPermitted { items = [] }
    for item in items where item.job.job == job {
      return Place(
        state: item.state, path: item.path, worker: item.worker, fence: item.job.fence)
    }
    if root.contains(Layout.path(.incoming, job)) {
      return Place(
        state: .incoming, path: Layout.path(.incoming, job), worker: nil, fence: nil)
    }
    if let index = job.place, let place = place(ofBatch: job.batch), let next = place.next,
      index >= next
    {
      return Place(state: .incoming, path: place.path)
    }
    if let note = quarantineNote(of: job) {
      return Place(state: .quarantine, path: note, worker: nil, fence: nil)
    }
    return nil
  }

  /// The queues that have ever had a job.
  package func queues() throws(SpoolError) -> [String] {
    (try? root.directory(Layout.ready).entries()) ?? []
  }

  /// Every job in `ready/`, in no order.
  package func readyJobs() throws(SpoolError) -> [(job: JobID, path: String)] {
    var jobs: [(job: JobID, path: String)] = []
    for queue in try queues() {
      for shard in (try? root.directory("\(Layout.ready)/\(queue)").entries()) ?? [] {
        let path = "\(Layout.ready)/\(queue)/\(shard)"
        for name in (try? root.directory(path).entries()) ?? [] {
          if let job = JobID(name) { jobs.append((job, "\(path)/\(name)")) }
        }
      }
    }
    return jobs
  }

  /// The jobs in a flat directory, sorted.
  package func jobs(_ state: JobState) throws(SpoolError) -> [JobID] {
    let directory = try directory(state.rawValue)
    return try Spool.calls { () throws(SystemError) in try directory.entries() }
      .compactMap { JobID($0) }
  }

  /// Where it stands that a job, or the batch that it belongs to, was rejected.
  private func quarantineNote(of job: JobID) -> String? {
    for name in [job, job.batch] {
      let note = Layout.path(.quarantine, name) + ".json"
      if root.contains(note) { return note }
    }
    return nil
  }

  /// Why a submission was put into quarantine, where it was.
  package func quarantineReason(_ job: JobID) -> String? {
    guard let note = quarantineNote(of: job),
      let bytes = try? root.read(note, atMost: 1 << 16),
      let json = try? JSON.parse(bytes)
    else { return nil }
    return json["reason"]?.text
  }
}
