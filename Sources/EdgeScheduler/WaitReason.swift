package import EdgeJob

/// The one reason why a job is not running.
package enum WaitReason: Hashable, Sendable {
  /// Its time has not come; milliseconds UTC.
  case notBefore(Int64)
  /// Jobs that must end first.
  case dependencies([JobID])
  /// Something that it asks for and no live worker has.
  case noWorkerOffers(String)
  /// Live workers have each of these, but none has all of them.
  case noWorkerOffersAll([String])
  /// The workers that could run it take no new jobs.
  case workersDraining
  /// The workers that could run it were drained; why one of them was.
  case workersDrained(String)
  /// The workers that could run it spare their machines; the word of one of them.
  case workersSpare(String)
  /// The workers that could run it have no free slot.
  case allWorkersBusy
  /// As many jobs run already as the account, the queue or the group may have at the same time.
  case capped(String, Int)
  /// There is no live worker that takes jobs like this one.
  case noWorkers

  /// True where more time alone will not help: somebody must add a worker or change the job.
  package var needsSomebody: Bool {
    switch self {
    case .noWorkerOffers, .noWorkerOffersAll, .noWorkers: true
    case .notBefore, .dependencies, .workersDraining, .workersDrained, .workersSpare,
      .allWorkersBusy, .capped:
      false
    }
  }

  /// One line for people.
  package var text: String {
    switch self {
    case .notBefore(let time): "waits until \(UTCTime.text(milliseconds: time))"
    case .dependencies(let jobs):
      switch jobs.count {
      case 1: "waits for \(jobs[0].named)"
      default: "waits for \(jobs.count) jobs, the first is \(jobs.first.map { "\($0)" } ?? "?")"
      }
    case .noWorkerOffers(let thing): "no live worker offers \(thing)"
    case .noWorkerOffersAll(let things):
      "no live worker offers all of \(things.joined(separator: ", ")) together"
    case .workersDraining: "the workers that could run it take no new jobs"
    case .workersDrained(let why): "the workers that could run it are drained: \(why)"
    case .workersSpare(let why): "the workers that could run it spare their machines: \(why)"
    case .allWorkersBusy: "the workers that could run it are busy"
    case .capped(let what, let most): "\(what) has its \(most) running"
    case .noWorkers: "no live worker"
    }
  }
}
