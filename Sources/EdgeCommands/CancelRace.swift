internal import ArgumentParser
internal import EdgeCoordinator
internal import EdgeJob
internal import EdgeReport
internal import EdgeSpool
internal import EdgeSystem

/// A cancel and the end of its job, of which only one can come first: the directory where the job
/// then is says which.
struct CancelRace {
  let site: Site
  let jobs: [JobID]

  /// Waits until every job has ended.
  /// - Parameter coordinator: the lead, where it is ours; otherwise another process settles.
  /// - Throws: the exit code always: that of how the jobs ended.
  func wait(_ coordinator: Coordinator?) throws -> Never {
    let watch = try coordinator?.watch() ?? Watch()
    _ = FinalDirectories.watch(site.spool, watch)
    var endings = Endings(jobs, spool: site.spool)
    var isWarned = false
    let started = Clocks.bootNanoseconds()
    while true {
      if let coordinator { while try coordinator.settlePass() {} }
      _ = endings.look()
      if endings.open.isEmpty { break }
      let isLate = Clocks.bootNanoseconds() - started > 5_000_000_000
      if isLate, !isWarned, coordinator == nil, site.isOurs, !Leadership.isHeld(site.spool) {
        Console.note("no coordinator runs here; start one: edgecoder schedule, or use cron")
        isWarned = true
      }
      watch.wait(milliseconds: 500)
    }
    for job in jobs {
      guard let ending = endings.ended[job] else { continue }
      Console.note(
        ending == .cancelled
          ? "job \(job) was cancelled" : "job \(job) had ended before: \(ending.summary)")
    }
    throw ArgumentParser.ExitCode(
      EdgeJob.ExitCode.worst(of: endings.ended.values.map { EdgeJob.ExitCode($0) }).rawValue)
  }
}
