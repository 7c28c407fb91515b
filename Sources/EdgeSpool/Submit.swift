package import EdgeJob
internal import EdgeSystem

extension Spool {
  /// Publishes requests and the archive that they share, as one file in `incoming/`.
  ///
  /// Steps: an unnamed file; requests and archive; fsync; link under the job's id (a batch's file
  /// has the id of its first job); fsync of the directory. When this returns the jobs survive a
  /// power cut. A crash before the link leaves nothing; one after it leaves the whole submission.
  /// - Parameters:
  ///   - jobs: the id of each request, from `jobID`.
  ///   - archive: a borrowed descriptor; read from its beginning.
  /// - Returns: false where a submission of that id is waiting already (its content is compared
  ///   when it is admitted).
  package func submit(_ requests: RequestList, as job: JobID, archive: Int32) throws(SpoolError)
    -> Bool
  {
    try publishSubmission(requests, as: job, archive: archive, isSynced: true)
  }

  /// As `submit`, without the flushes: the caller makes many of them durable with one
  /// `syncSubmissions` before it tells anybody.
  package func submitUnsynced(_ requests: RequestList, as job: JobID, archive: Int32)
    throws(SpoolError) -> Bool
  {
    try publishSubmission(requests, as: job, archive: archive, isSynced: false)
  }

  /// Makes everything submitted so far durable with one flush of the file system.
  package func syncSubmissions() throws(SpoolError) {
    try Spool.calls { () throws(SystemError) in try root.syncFileSystem() }
    CrashPoint.submitDurable.reached()
  }

  private func publishSubmission(
    _ requests: RequestList, as job: JobID, archive: Int32, isSynced: Bool
  ) throws(SpoolError) -> Bool {
    let incoming = try directory(Layout.incoming)
    do throws(SystemError) {
      let file = try incoming.unnamedFile(mode: 0o600)
      try file.write(Submission.head(requests))
      try copy(archive, to: file.raw)
      if Identity.user != owner { try file.grantRead(to: owner) }
      CrashPoint.submitWritten.reached()
      if isSynced { try file.sync() }
      CrashPoint.submitFlushed.reached()
      do { try incoming.link(file, as: job.description) } catch  where error.exists { return false }
      CrashPoint.submitNamed.reached()
      if isSynced { try sync(incoming, file: file) }
      if isSynced { CrashPoint.submitDurable.reached() }
      return true
    } catch {
      throw SpoolError(error)
    }
  }
}
