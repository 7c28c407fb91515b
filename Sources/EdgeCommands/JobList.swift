internal import EdgeCoordinator
internal import EdgeJob
internal import EdgeReport
internal import EdgeSpool
internal import EdgeSystem

/// Jobs as rows, those that run first; reads no more files than it shows.
struct JobList {
  private(set) var rows: [JobRow] = []
  /// Jobs that are not shown, by state.
  private(set) var more: [JobState: Int] = [:]
  private let view: JobView
  private let why: [JobID: String]
  private let most: Int

  /// Every job in these states.
  /// - Parameter most: rows, at most; what is left is counted.
  init(_ view: JobView, states: Set<JobState>, why: [JobID: String] = [:], most: Int = .max) throws
  {
    self.view = view
    self.why = why
    self.most = most
    let spool = view.spool
    for item in try spool.workerItems() where states.contains(item.state) {
      add(
        item.job.job,
        at: Place(state: item.state, path: item.path, worker: item.worker, fence: item.job.fence))
    }
    if states.contains(.ready) {
      for (job, path) in try spool.readyJobs() { add(job, at: Place(state: .ready, path: path)) }
    }
    if states.contains(.held) { try add(.held) }
    if states.contains(.incoming) { try addIncoming() }
    for state in [JobState.dead, .cancelled, .done] where states.contains(state) { try add(state) }
    if states.contains(.quarantine) {
      for name in try spool.directory(Layout.quarantine).entries() where name.hasSuffix(".json") {
        // What was no submission of a job has another name, and no row.
        guard let job = JobID(String(name.dropLast(5))) else { continue }
        add(job, at: Place(state: .quarantine, path: Layout.path(.quarantine, job)))
      }
    }
  }

  private var isFull: Bool { rows.count >= most }

  private mutating func add(_ job: JobID, at place: Place) {
    if isFull {
      more[place.state, default: 0] += 1
    } else if let row = try? view.row(job, at: place, why: why[job]) {
      rows.append(row)
    }
  }

  /// Everything in a flat directory.
  private mutating func add(_ state: JobState) throws {
    for job in try view.spool.jobs(state) {
      add(job, at: Place(state: state, path: Layout.path(state, job)))
    }
  }

  /// What has no ticket: submissions that nobody has taken, and the rest of each batch.
  private mutating func addIncoming() throws {
    let (total, batches) = try view.spool.incomingCount()
    // To sort hundreds of thousands of names takes longer than everything else.
    let names = isFull ? batches : try view.spool.incoming(atMost: .max)
    count(total - names.count)
    for name in names {
      if isFull, JobID(name)?.isBatch != true {
        count(1)
        continue
      }
      let jobs = view.waitingJobs(name)
      let shown = jobs.prefix(most - rows.count)
      for job in shown {
        rows.append(JobRow(job: job, task: "", state: .incoming, why: "not admitted yet"))
      }
      count(jobs.count - shown.count)
    }
    for (id, next) in try view.spool.openBatches() {
      guard let batch = try? view.spool.batch(at: BatchPlace(open: id, next: next)) else {
        continue
      }
      let left = batch.batch.count - next
      let shown =
        isFull
        ? []
        : view.jobs(
          of: batch, at: BatchPlace(open: batch.batch.id, next: next), from: next
        )
        .prefix(most - rows.count)
      rows += shown.enumerated().map { ahead, job in
        JobRow(job: job, task: "", state: .incoming, why: view.whyInBatch(id, ahead: ahead))
      }
      count(left - shown.count)
    }
  }

  private mutating func count(_ jobs: Int) {
    if jobs > 0 { more[.incoming, default: 0] += jobs }
  }
}
