internal import EdgeSpool
package import EdgeSystem

extension Coordinator {
  /// Watches everything that can give the coordinator work: submissions, requests, and the folders
  /// of the workers.
  package func watch() throws(CoordinatorError) -> Watch {
    do {
      let watch = try Watch()
      try watch.add(try spool.root.directory(Layout.incoming))
      try watch.add(try spool.root.directory(Layout.control))
      // For `drain.json`; little else comes and goes there.
      try watch.add(spool.root)
      try watch.add(try spool.root.directory(Layout.workers))
      for worker in try spool.workerIDs() { _ = try addWorker(worker, to: watch) }
      return watch
    } catch let error as SpoolError {
      throw .spool(error)
    } catch let error as SystemError {
      throw .spool(SpoolError(error))
    } catch {
      preconditionFailure("the spool throws its own errors only: \(error)")
    }
  }

  /// Also watches the outbox of a worker that came later, and its lock and that one's directory:
  /// who dies is looked for at once.
  /// - Returns: false where it has no lock yet; to be called again then.
  package func addWorker(_ worker: String, to watch: borrowing Watch) throws(SystemError) -> Bool {
    for path in ["\(Layout.workers)/\(worker)", Layout.worker(worker, .outbox)] {
      do throws(SystemError) { try watch.add(try spool.root.directory(path)) } catch
        where error.isNotFound
      {
        // A power cut took it, and its worker makes it again; the slow poll looks there.
      }
    }
    do throws(SystemError) {
      try watch.add(
        lock: WorkerFile.lock, in: try spool.root.directory("\(Layout.workers)/\(worker)"))
      return true
    } catch  where error.isNotFound {
      // It has not lived yet; its directory tells when it does.
      return false
    }
  }
}
