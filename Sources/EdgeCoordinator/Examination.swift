package import EdgeJob
package import EdgeLedger
package import EdgeSpool
internal import EdgeSystem

/// One place where a spool does not say what it must.
package struct SpoolFinding: Hashable, Sendable {
  package let kind: Kind
  /// Relative to the spool.
  package let path: String
  /// The job that it is about, where that can be told.
  package let job: JobID?
  /// What is wrong, in words.
  package let problem: String

  package init(kind: Kind, path: String, job: JobID?, problem: String) {
    self.kind = kind
    self.path = path
    self.job = job
    self.problem = problem
  }

  /// What is wrong.
  package enum Kind: String, CaseIterable, Sendable {
    /// A directory of the layout is not there.
    case missingDirectory
    /// A name that nothing of ours has.
    case unknownName
    /// A file that is no ticket, record, item or batch.
    case torn
    /// A file that belongs elsewhere.
    case misplaced
    /// A job that stands in two places of which one is a remainder.
    case twice
    /// A reservation whose job stands nowhere.
    case lostJob
    /// An archive that a job needs and that is not there.
    case lostArchive
    /// An archive that is not what its name says.
    case spoiledArchive
    /// A job that ended, of which the ledger knows no end.
    case unknownEnd
    /// A job that waits for one of which nothing is known.
    case unknownParent
    /// Jobs that wait for one another in a circle.
    case circle
    /// `counts.json` says that it is right, and is not.
    case wrongCounts
  }
}

/// Holds every file of a spool against its name, the others, and the ledger; changes nothing.
///
/// The caller leads, so only workers move files meanwhile, and only in their own folders.
package struct Examination {
  let spool: Spool
  let ledger: Ledger
  private let withArchives: Bool
  private var findings: [SpoolFinding] = []
  /// Where each job stands that has not ended; the last place that was met.
  private(set) var places: [JobID: String] = [:]
  private(set) var ended: Set<JobID> = []
  /// Whom jobs wait for that have not started.
  private(set) var waiting: [JobID: [JobID]] = [:]
  /// Jobs with keys of their own in batches, which have no ticket.
  private(set) var keyed: Set<JobID> = []
  /// Archives that somebody needs, and whether they are there.
  private var isThere: [Digest: Bool] = [:]

  /// - Parameter withArchives: whether to read and hash every archive.
  package init(_ spool: Spool, ledger: Ledger, withArchives: Bool) {
    self.spool = spool
    self.ledger = ledger
    self.withArchives = withArchives
  }

  /// Everything that is wrong, in the order of the layout.
  package mutating func run() throws(CoordinatorError) -> [SpoolFinding] {
    findings = []
    for state in [JobState.done, .cancelled, .dead] { try examineEnded(state) }
    try examineHeld()
    try examineReady()
    try examineWorkers()
    try examineBatches()
    try examineParents()
    try examineReservations()
    try examineArchives()
    try examineCounts()
    return findings
  }

  mutating func add(
    _ kind: SpoolFinding.Kind, _ path: String, _ job: JobID? = nil, _ problem: String
  ) {
    findings.append(SpoolFinding(kind: kind, path: path, job: job, problem: problem))
  }

  private func names(_ path: String) -> [String] {
    (try? spool.root.directory(path).entries()) ?? []
  }

  private mutating func examineEnded(_ state: JobState) throws(CoordinatorError) {
    for name in names(state.rawValue) {
      let path = "\(state.rawValue)/\(name)"
      guard let job = JobID(name) else {
        add(.unknownName, path, nil, "no job has this name")
        continue
      }
      do throws(SpoolError) {
        let record = try spool.record(state, job)
        guard record.ticket.job == job, record.ticket.ending != nil else {
          add(.misplaced, path, job, "it is the file of another job, or of one that has not ended")
          continue
        }
        ended.insert(job)
        // Nothing was ever reserved for a job that was cancelled before it had a ticket.
        if record.ticket.round > 0 { try examineEnd(record.ticket, path) }
      } catch  where error.kind == .notFound {
        continue
      } catch {
        add(.torn, path, job, error.what)
      }
    }
  }

  private mutating func examineEnd(_ ticket: Ticket, _ path: String) throws(SpoolError) {
    do throws(LedgerError) {
      let end = try ledger.posting(job: ticket.job, phase: "end/\(ticket.round)")
      if end == nil { add(.unknownEnd, path, ticket.job, "the ledger knows no end of this job") }
    } catch {
      throw SpoolError(.badInput, error.summary)
    }
  }

  private mutating func examineHeld() throws(CoordinatorError) {
    for name in names(Layout.held) {
      let path = "\(Layout.held)/\(name)"
      guard let job = JobID(name) else {
        add(.unknownName, path, nil, "no job has this name")
        continue
      }
      do throws(SpoolError) {
        try take(try spool.record(.held, job).ticket, job, path)
      } catch {
        if error.kind != .notFound { add(.torn, path, job, error.what) }
      }
    }
  }

  private mutating func examineReady() throws(CoordinatorError) {
    for queue in names(Layout.ready) {
      for shard in names("\(Layout.ready)/\(queue)") {
        for name in names("\(Layout.ready)/\(queue)/\(shard)") {
          let path = "\(Layout.ready)/\(queue)/\(shard)/\(name)"
          guard let job = JobID(name) else {
            add(.unknownName, path, nil, "no job has this name")
            continue
          }
          do throws(SpoolError) {
            let ticket = try spool.ticket(at: path)
            if path != Layout.ready(ticket.job, queue: ticket.request.queue) {
              add(.misplaced, path, job, "its ticket belongs to another place in ready/")
            } else {
              try take(ticket, job, path)
            }
          } catch {
            if error.kind != .notFound { add(.torn, path, job, error.what) }
          }
        }
      }
    }
  }

  private mutating func examineWorkers() throws(CoordinatorError) {
    for worker in names(Layout.workers) {
      for folder in Layout.WorkerFolder.allCases {
        for name in names(Layout.worker(worker, folder)) {
          try examine(name, in: folder, of: worker)
        }
      }
    }
  }

  private mutating func examine(
    _ name: String, in folder: Layout.WorkerFolder, of worker: String
  ) throws(CoordinatorError) {
    let path = "\(Layout.worker(worker, folder))/\(name)"
    do throws(SpoolError) {
      if let right = FencedJob(fileName: name) {
        let ticket = try spool.ticket(at: path)
        guard ticket.job == right.job else {
          return add(.misplaced, path, right.job, "it is the ticket of job \(ticket.job)")
        }
        // Moved on by its worker while we looked; or a receipt that waits to be settled.
        places[right.job] = path
        need(ticket.blob, right.job, path)
      } else if folder == .outbox, name.hasSuffix(".item") {
        _ = try spool.takeOutbox(path, of: worker)
      } else if !Examination.isBeside(name, in: folder) {
        add(.unknownName, path, nil, "no file of a worker has this name")
      }
    } catch {
      if error.kind != .notFound { add(.torn, path, FencedJob(fileName: name)?.job, error.what) }
    }
  }

  /// Whether a name is of a file that may stand beside a ticket: a request to stop, or what a
  /// running job writes.
  private static func isBeside(_ name: String, in folder: Layout.WorkerFolder) -> Bool {
    guard let dot = name.lastIndex(of: "."), FencedJob(fileName: String(name[..<dot])) != nil
    else { return false }
    return switch name[dot...] {
    case ".cancel": folder == .inbox
    case ".stdout", ".stderr": folder == .running
    default: false
    }
  }

  private mutating func examineOrders() {
    for name in names(Layout.batchOrders) {
      let path = "\(Layout.batchOrders)/\(name)"
      guard let id = JobID(name), id.isBatch else {
        add(.unknownName, path, nil, "no batch has this name")
        continue
      }
      if spool.order(of: id) == nil, spool.root.contains(path) {
        add(.torn, path, id, "it says nothing that could be done")
      }
    }
  }

  private mutating func examineBatches() throws(CoordinatorError) {
    examineOrders()
    let folders = [Layout.admittedBatches, Layout.batchOrders]
    for name in names(Layout.batches) where !folders.contains("\(Layout.batches)/\(name)") {
      let path = "\(Layout.batches)/\(name)"
      guard let (id, next) = Layout.batch(named: name) else {
        add(.unknownName, path, nil, "no batch has this name")
        continue
      }
      do throws(SpoolError) {
        let place = BatchPlace(open: id, next: next)
        let batch = try spool.batch(at: place)
        _ = try spool.requests(of: batch, at: place, from: next, atMost: .max / 2)
        if batch.mayHaveKeys {
          let naming = JobNaming(spool: spool, uid: batch.batch.submitter)
          keyed.formUnion(try naming.members(of: batch, at: place, from: next).lazy.map(\.job))
        }
        need(batch.batch.blob, nil, path)
      } catch {
        if error.kind != .notFound { add(.torn, path, nil, error.what) }
      }
    }
  }

  private mutating func need(_ archive: Digest, _ job: JobID?, _ path: String) {
    let isHere = isThere[archive] ?? spool.root.contains(Layout.blob(archive))
    isThere[archive] = isHere
    if !isHere { add(.lostArchive, path, job, "its archive \(Layout.blob(archive)) is not there") }
  }

  /// Takes note of a job that has not ended.
  private mutating func take(_ ticket: Ticket, _ job: JobID, _ path: String) throws(SpoolError) {
    guard ticket.job == job else {
      return add(.misplaced, path, job, "it is the ticket of job \(ticket.job)")
    }
    if ended.contains(job), !isRetried(ticket) {
      return add(.twice, path, job, "the job has ended")
    }
    if let other = places[job] { add(.twice, path, job, "the job stands at \(other) too") }
    places[job] = path
    let parents = ticket.request.dependencies.map(\.job)
    if !parents.isEmpty { waiting[job] = parents }
    need(ticket.blob, job, path)
  }

  /// Whether a ticket is of a later round than the record of the job's end.
  private func isRetried(_ ticket: Ticket) -> Bool {
    [JobState.dead, .cancelled, .done].contains { state in
      (try? spool.record(state, ticket.job).ticket.round).map { $0 < ticket.round } ?? false
    }
  }

  private mutating func examineReservations() throws(CoordinatorError) {
    let open = try onLedger { () throws(LedgerError) in try ledger.openReservations() }
    for reservation in open where places[reservation.job] == nil {
      // What was just reserved for waits for its ticket; its submission or batch stands.
      let place = try onSpool { () throws(SpoolError) in try spool.locate(reservation.job) }
      if let place {
        guard [.dead, .cancelled, .done, .held].contains(place.state),
          let record = try? spool.record(place.state, reservation.job),
          Int(record.ticket.round) < reservation.round
        else { continue }
        add(
          .lostJob, place.path, reservation.job,
          "it was to start anew, \(reservation.amount) credits are reserved, and it has no ticket")
      } else {
        add(
          .lostJob, Layout.ready, reservation.job,
          "\(reservation.amount) credits are reserved for it, and it stands nowhere")
      }
    }
  }

  private mutating func examineCounts() throws(CoordinatorError) {
    guard let says = spool.settledCounts else { return }
    var real = try onSpool { () throws(SpoolError) in try spool.countEnded() }
    real.isSettled = true
    if says != real {
      add(
        .wrongCounts, Counts.name, nil,
        "it counts \(says.done) done, \(says.cancelled) cancelled and \(says.dead) dead jobs; "
          + "there are \(real.done), \(real.cancelled) and \(real.dead)")
    }
  }

  private mutating func examineArchives() throws(CoordinatorError) {
    for name in names(Layout.blobs) {
      guard let digest = Digest(hex: name) else {
        add(.unknownName, "\(Layout.blobs)/\(name)", nil, "no archive has this name")
        continue
      }
      guard withArchives else { continue }
      do throws(SpoolError) {
        if try spool.digest(ofBlob: digest) != digest {
          add(.spoiledArchive, Layout.blob(digest), nil, "its content has another digest")
        }
      } catch {
        if error.kind != .notFound { add(.spoiledArchive, Layout.blob(digest), nil, error.what) }
      }
    }
  }
}
