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
      let offers = try offers(of: spool) { _ in 0 }
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

  /// What the workers that live offer now.
  /// - Parameter load: jobs that a worker has already. It gets as many again as it has slots, so
  ///   that it never waits for us between two jobs.
  static func offers(of spool: Spool, load: (String) -> Int) throws(SpoolError) -> [WorkerOffer] {
    var offers: [WorkerOffer] = []
    for id in try spool.workerIDs() {
      guard try spool.isAlive(id), let file = spool.workerFile(id) else { continue }
      offers.append(
        WorkerOffer(
          id: id, freeSlots: max(0, Int(file.slots) * 2 + 2 - load(id)),
          onlySession: file.session, profiles: Set(file.profiles), provides: Set(file.provides),
          draining: file.draining))
    }
    return offers
  }
}

extension ReadyJob {
  init(_ ticket: Ticket, waitsFor: [JobID], failed: JobID?) {
    let manifest = ticket.manifest
    self.init(
      job: ticket.job, account: ticket.account, priority: ticket.request.priority,
      admitted: ticket.admitted, notBefore: ticket.notBefore, notAfter: ticket.request.notAfter,
      waitsFor: waitsFor, failedDependency: failed, session: ticket.request.session,
      profile: manifest.profile, language: manifest.language, requirements: manifest.requirements)
  }
}
