package import EdgeJob
internal import EdgeSystem
internal import Glibc

extension Spool {
  /// Gives a job to a worker: one rename from `ready/` into its inbox, under a new fence.
  ///
  /// Not flushed: after a power cut the job is in `ready/` again, and no result was paid.
  /// - Returns: false where the job is not there any more.
  package func assign(_ job: FencedJob, at path: String, to worker: String) throws(SpoolError)
    -> Bool
  {
    do throws(SystemError) {
      let target = "\(Layout.worker(worker, .inbox))/\(job)"
      try letRead(path, worker)
      try root.rename(path, to: root, target)
      return true
    } catch  where error.isNotFound {
      return false
    } catch {
      throw SpoolError(error)
    }
  }

  /// Lets a worker of another uid (who wrote its worker.json) read a ticket and its archive.
  private func letRead(_ path: String, _ worker: String) throws(SystemError) {
    guard isShared,
      let uid = try? root.status("\(Layout.workers)/\(worker)/\(WorkerFile.name)").owner,
      uid != owner
    else { return }
    // A ticket that cannot be read is found out by who claims it.
    guard let ticket = try? ticket(at: path) else { return }
    try root.open(path, O_RDONLY).grantRead(to: uid)
    // An archive that is gone must not keep the ticket here: its worker reports the fault.
    if let blob = try? root.open(Layout.blob(ticket.blob), O_RDONLY) {
      try blob.grantRead(to: uid)
    }
  }

  /// Takes a job back that its worker has not claimed; `ready/` has it again.
  /// - Returns: false where the worker was faster.
  package func takeBack(_ item: WorkerItem, queue: String) throws(SpoolError) -> Bool {
    do throws(SystemError) {
      let job = item.job.job
      try root.ensureDirectory("\(Layout.ready)/\(queue)")
      try root.ensureDirectory("\(Layout.ready)/\(queue)/\(job.shard)")
      try root.rename(item.path, to: root, Layout.ready(job, queue: queue))
      return true
    } catch  where error.isNotFound {
      return false
    } catch {
      throw SpoolError(error)
    }
  }

  /// Removes a ticket file that another file has replaced, and whatever a worker of another uid put
  /// in its place.
  package func removeTicket(at path: String) throws(SpoolError) {
    do throws(SystemError) {
      try root.remove(path)
    } catch  where error.isNotFound {
    } catch  where error.errno == EISDIR || error.errno == EPERM {
      let cut = path.lastIndex(of: "/") ?? path.startIndex
      let folder = try directory(String(path[..<cut]))
      try Spool.calls { () throws(SystemError) in
        try folder.discard(String(path[path.index(after: cut)...]))
      }
    } catch {
      throw SpoolError(error)
    }
  }

  /// Takes what is no ticket out of `ready/`: an empty file is removed, which is what a power cut
  /// leaves of a ticket that was not flushed; anything else goes into quarantine with the reason.
  package func removeTorn(at path: String, reason: String) throws(SpoolError) {
    let size = try Spool.calls { () throws(SystemError) in try root.status(path).size }
    if size == 0 { try removeTicket(at: path) } else { try quarantineOutbox(path, reason: reason) }
  }

  /// Asks a worker to stop a job that it has claimed: a file beside the inbox's tickets with the
  /// milliseconds from SIGTERM to SIGKILL. It wins over a request to put the job back.
  package func askToStop(_ item: WorkerItem, grace: Int64 = 0) throws(SpoolError) {
    let bytes = Array(String(grace).utf8)
    do { try root.overwrite(stopFile(item), bytes, mode: 0o644) } catch { throw SpoolError(error) }
  }

  /// Asks a worker to put back a job that it has claimed: such a file that says so.
  package func askToReturn(_ item: WorkerItem) throws(SpoolError) {
    let bytes = Array(WorkerDesk.returnWord.utf8)
    do { try root.publish(stopFile(item), bytes, mode: 0o644, durable: false) } catch
      where error.exists
    {} catch { throw SpoolError(error) }
  }

  private func stopFile(_ item: WorkerItem) -> String {
    "\(Layout.worker(item.worker, .inbox))/\(item.job).cancel"
  }
}
