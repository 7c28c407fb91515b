internal import EdgeJob
internal import EdgeSpool

// The numbers for `status`. They are no evidence: wherever they could be wrong they are counted
// anew from the names.

extension Coordinator {
  /// Takes note of how a job ended, whose record stands where its ending belongs.
  func ended(_ job: JobID, _ ending: Ending, cost: Credits = .zero) {
    count(ending.state, 1)
    events.append(.ended(job, ending, cost: cost))
  }

  /// Counts records that came or went. The file says first that it is not to be trusted.
  func count(_ state: JobState, _ change: Int64) {
    guard let number = Counts.number(of: state) else { return }
    if counts?.isSettled == true {
      counts?.isSettled = false
      spool.put(counts)
    }
    counts?[keyPath: number] += change
  }

  /// Nothing is left to do: what was counted is right. Where nothing can be counted there are no
  /// numbers; no job waits for them.
  func settleCounts() {
    if counts?.isSettled == true { return }
    guard var now = counts ?? (try? spool.countEnded()) else { return }
    now.isSettled = true
    counts = now
    spool.put(now)
  }
}
