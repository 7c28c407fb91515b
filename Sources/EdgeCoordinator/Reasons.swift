package import EdgeJob
internal import EdgeScheduler
package import EdgeSpool

extension Coordinator {
  /// Why the jobs in `ready/` wait: the scheduler's answer for what the spool shows now, without
  /// leading and without changing anything.
  /// - Parameter now: milliseconds UTC.
  package static func reasons(_ spool: Spool, now: Int64) throws(CoordinatorError) -> [JobID:
    String]
  {
    do throws(SpoolError) {
      var jobs: [ReadyJob] = []
      for (_, path) in try spool.readyJobs() {
        guard let ticket = try? spool.ticket(at: path) else { continue }
        var open: [JobID] = []
        for parent in ticket.request.after {
          if try spool.locate(parent)?.state.isFinal != true { open.append(parent) }
        }
        jobs.append(ReadyJob(ticket, waitsFor: open, failed: nil))
      }
      var files = WorkerFiles()
      files.isDraining = spool.drain != nil
      _ = try files.read(spool)
      let offers = files.offers { _ in 0 }
      let schedule = EdgeScheduler.schedule(ready: jobs, workers: offers, now: now)
      var reasons = schedule.waiting.mapValues(\.text)
      for (job, worker) in schedule.assignments {
        reasons[job] = "worker \(worker) can take it; a coordinator must run"
      }
      return reasons
    } catch {
      throw .spool(error)
    }
  }
}

extension ReadyJob {
  init(_ ticket: Ticket, waitsFor: [JobID] = [], failed: JobID? = nil) {
    let manifest = ticket.manifest
    self.init(
      job: ticket.job, account: ticket.account, queue: ticket.request.queue,
      // One submitter's group is not another one's.
      group: ticket.request.group.map {
        JobGroup(name: "\(ticket.submitter)/\($0.name)", most: $0.most)
      }, priority: ticket.request.priority,
      admitted: ticket.admitted, notBefore: ticket.notBefore, notAfter: ticket.request.notAfter,
      waitsFor: waitsFor, failedDependency: failed, session: ticket.request.session,
      profile: manifest.profile, language: manifest.language,
      requirements: manifest.requirements
        + (manifest.needsMounts ? [TaskManifest.mountsRequirement] : []),
      isSmall: Acceptance.small.takes(manifest))
  }
}
