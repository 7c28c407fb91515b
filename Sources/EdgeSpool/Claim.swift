package import EdgeJob
package import EdgeSystem
internal import Glibc

/// A worker's own side of the spool: the only folders in which it renames anything.
package final class WorkerDesk: Sendable {
  package let id: String
  let spool: Spool
  let folder: Directory
  private let inbox: Directory
  let running: Directory
  let outbox: Directory
  private let lock: FileLock

  /// Takes the folders of the worker `id` and the lock that says that it lives.
  /// - Parameter patience: what is left of a worker that was killed may hold the lock for a moment;
  ///   milliseconds.
  /// - Throws: `unavailable` where another process is this worker already.
  package init(_ spool: Spool, id: String, patience: Int64 = 0) throws(SpoolError) {
    do throws(SystemError) {
      folder = try spool.root.directory("\(Layout.workers)/\(id)")
      inbox = try folder.directory(Layout.WorkerFolder.inbox.rawValue)
      running = try folder.directory(Layout.WorkerFolder.running.rawValue)
      outbox = try folder.directory(Layout.WorkerFolder.outbox.rawValue)
      lock = try WorkerDesk.lock(folder, id, until: Clocks.bootNanoseconds() + patience * 1_000_000)
    } catch {
      throw SpoolError(error)
    }
    self.id = id
    self.spool = spool
  }

  private static func lock(_ folder: borrowing Directory, _ id: String, until deadline: Int64)
    throws(SystemError) -> FileLock
  {
    while true {
      if let lock = try FileLock.acquire(folder, WorkerFile.lock) { return lock }
      guard Clocks.bootNanoseconds() < deadline else {
        throw SystemError("lock", errno: 11, subject: "worker \(id) runs already")
      }
      usleep(5000)
    }
  }

  /// Says what this worker offers.
  package func announce(_ file: WorkerFile) throws(SpoolError) {
    precondition(file.id == id, "a worker speaks for itself only")
    try Spool.calls { () throws(SystemError) in
      let written = try unnamed(in: folder, file.json.canonical)
      try folder.linkOver(written, WorkerFile.name)
    }
  }

  /// A flushed file without a name, readable by the coordinator where that is another uid.
  func unnamed(in directory: borrowing Directory, _ bytes: [UInt8]) throws(SystemError)
    -> Descriptor
  {
    let file = try directory.unnamedFile(mode: 0o600)
    try file.write(bytes)
    if Identity.user != spool.owner { try file.grantRead(to: spool.owner) }
    try file.sync()
    return file
  }

  /// Watches the inbox.
  package func watch(_ watch: borrowing Watch) throws(SpoolError) {
    do { try watch.add(inbox) } catch { throw SpoolError(error) }
  }

  /// The jobs in the inbox, in order of their fence.
  package func assigned() throws(SpoolError) -> [FencedJob] {
    try Spool.calls { () throws(SystemError) in try inbox.entries() }
      .compactMap { FencedJob(fileName: $0) }.sorted { $0.fence < $1.fence }
  }

  /// The ticket of a job in the inbox, without claiming it.
  /// - Returns: nil where the coordinator has taken it back.
  package func assignedTicket(_ job: FencedJob) throws(SpoolError) -> Ticket? {
    do { return try spool.ticket(at: "\(Layout.worker(id, .inbox))/\(job)") } catch {
      if error.kind == .notFound { return nil }
      throw error
    }
  }

  /// The claimed jobs that the coordinator wants stopped.
  package func stopRequests() throws(SpoolError) -> [FencedJob] {
    try Spool.calls { () throws(SystemError) in try inbox.entries() }
      .filter { $0.hasSuffix(".cancel") }
      .compactMap { FencedJob(fileName: String($0.dropLast(".cancel".count))) }
  }

  /// What a request to stop says that wants the job back.
  static let returnWord = "return"

  /// True where a claimed job is to be put back rather than ended.
  package func isToReturn(_ job: FencedJob) -> Bool {
    (try? inbox.read("\(job).cancel", atMost: 64)) == Array(WorkerDesk.returnWord.utf8)
  }

  /// Milliseconds from SIGTERM to SIGKILL that a request to stop allows.
  package func grace(of job: FencedJob) -> Int64 {
    guard let bytes = try? inbox.read("\(job).cancel", atMost: 64),
      let grace = Int64(String(decoding: bytes, as: UTF8.self)), grace > 0
    else { return 0 }
    return min(grace, ControlRequest.graceMax)
  }

  /// Opens the file that shows what a claimed job writes while it runs, to append to it. It is not
  /// flushed.
  /// - Parameters:
  ///   - stream: `stdout` or `stderr`.
  ///   - isNew: makes it.
  package func liveFile(_ job: FencedJob, _ stream: String, isNew: Bool) throws(SystemError)
    -> Descriptor
  {
    let name = "\(job).\(stream)"
    if !isNew { return try running.open(name, O_WRONLY | O_APPEND) }
    let file = try running.open(name, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
    if Identity.user != spool.owner { try file.grantRead(to: spool.owner) }
    return file
  }

  /// Removes such files: of one job, or those that an earlier process of this worker left.
  package func removeLiveFiles(_ only: FencedJob? = nil) {
    let names = only.map { ["\($0).stdout", "\($0).stderr"] } ?? (try? running.entries()) ?? []
    for name in names where FencedJob(fileName: name) == nil { try? running.remove(name) }
  }

  /// Forgets a request to stop.
  package func clearStopRequest(_ job: FencedJob) { try? inbox.remove("\(job).cancel") }

  /// Claims a job: one rename from the inbox to `running/`.
  ///
  /// Not flushed: what a power cut undoes is only that we had begun.
  /// - Returns: nil where the coordinator has taken it back.
  package func claim(_ job: FencedJob) throws(SpoolError) -> Claim? {
    do throws(SystemError) {
      try inbox.rename(job.description, to: running, job.description)
    } catch  where error.isNotFound {
      return nil
    } catch {
      throw SpoolError(error)
    }
    CrashPoint.claimed.reached()
    let path = "\(Layout.worker(id, .running))/\(job)"
    let ticket = try spool.ticket(at: path)
    guard ticket.job == job.job else {
      throw SpoolError(.badInput, "\(path) is the ticket of job \(ticket.job)")
    }
    return Claim(job: job, ticket: ticket)
  }

  /// Finishes attempts: one rename for each ticket from `running/` to `outbox/`, then one file with
  /// all receipts and small results, flushed with the directory.
  ///
  /// In this order the coordinator never meets a receipt whose ticket still moves. What it finds
  /// without a receipt after our death, it gives to another worker. Can be repeated after a
  /// failure.
  package func finish(_ attempts: [FinishedAttempt]) throws(SpoolError) {
    guard let first = attempts.first else { return }
    var bytes: [UInt8] = []
    for attempt in attempts {
      bytes += Frame(.receipt, attempt.envelope).bytes
      if let result = attempt.result { bytes += Frame(.result, result).bytes }
    }
    do throws(SystemError) {
      for attempt in attempts {
        do {
          try running.rename(attempt.job.description, to: outbox, attempt.job.description)
        } catch  where error.isNotFound {
          // Moved by an earlier try that then could not write.
        }
        CrashPoint.finishMoved.reached()
        clearStopRequest(attempt.job)
      }
      let item = try unnamed(in: outbox, bytes)
      CrashPoint.finishWritten.reached()
      try outbox.link(item, as: "\(first.job).item")
      CrashPoint.finishNamed.reached()
      try outbox.sync()
      CrashPoint.finishDurable.reached()
    } catch {
      throw SpoolError(error)
    }
  }
}

/// A job that this worker has claimed, with its ticket.
package struct Claim: Hashable, Sendable {
  package let job: FencedJob
  package let ticket: Ticket
}

/// One attempt that ended: what goes into the outbox.
package struct FinishedAttempt: Hashable, Sendable {
  package let job: FencedJob
  /// The receipt in its DSSE envelope.
  package let envelope: [UInt8]
  /// The result archive, where the attempt gave a verdict.
  package let result: [UInt8]?

  package init(job: FencedJob, envelope: [UInt8], result: [UInt8]?) {
    self.job = job
    self.envelope = envelope
    self.result = result
  }
}
