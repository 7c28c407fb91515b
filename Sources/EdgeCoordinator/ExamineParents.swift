internal import EdgeJob
internal import EdgeLedger
internal import EdgeSpool

// What jobs wait for, held against who is there.

extension Examination {
  /// Looks for jobs that wait for somebody whom nobody knows, or for one another in a circle.
  mutating func examineParents() throws(CoordinatorError) {
    let members = Dictionary(grouping: waiting.keys, by: \.batch)
    // Whoever waits for a batch waits for those of it that wait themselves.
    let circle = Circle.first(from: waiting.keys.sorted()) { job in
      (waiting[job] ?? []) + (job.isBatch ? members[job] ?? [] : [])
    }
    if let circle, let first = circle.first {
      let text = circle.map(\.description).joined(separator: " → ")
      add(
        .circle, places[first] ?? Layout.ready, first,
        "jobs wait for one another in a circle: \(text); cancel one of them")
    }
    // What was handed over and is not admitted may be anybody.
    guard (try? spool.incoming(atMost: 1).isEmpty) == true else { return }
    var isKnown: [JobID: Bool] = [:]
    for (job, parents) in waiting.sorted(by: { $0.key < $1.key }) {
      // A held one is looked at when it is released.
      guard let path = places[job], path.hasPrefix("\(Layout.ready)/") else { continue }
      for parent in parents {
        let found: Bool
        if let known = isKnown[parent] { found = known } else { found = try isThere(parent) }
        isKnown[parent] = found
        if !found {
          add(.unknownParent, path, job, "it waits for \(parent.named), of which nothing is known")
        }
      }
    }
  }

  private func isThere(_ job: JobID) throws(CoordinatorError) -> Bool {
    if places[job] != nil || ended.contains(job) || keyed.contains(job) { return true }
    if job.isBatch, spool.place(ofBatch: job) != nil { return true }
    if try onSpool({ () throws(SpoolError) in try spool.locate(job) }) != nil { return true }
    return try onLedger { () throws(LedgerError) in try ledger.lastRound(job: job) } > 0
  }
}
