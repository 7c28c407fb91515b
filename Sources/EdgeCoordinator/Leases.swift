internal import EdgeJob
internal import EdgeSpool
internal import EdgeSystem

/// Which workers live. On this machine their locks say so. A worker elsewhere renews its lease; it
/// is lost when it has not done so for the whole of it by our own clock, however old its file
/// is: our clock and the other one need not agree, only run equally fast.
struct Leases {
  private var seen: [String: Seen] = [:]
  /// Workers whose loss was told.
  private var told: Set<String> = []

  private struct Seen {
    let renewal: Renewal
    /// Since when it has been the same, nanoseconds since boot.
    let since: Int64
  }

  /// - Parameter now: nanoseconds since boot.
  mutating func isAlive(_ worker: String, _ spool: Spool, now: Int64) throws(SpoolError) -> Bool {
    guard let renewal = spool.renewal(of: worker) else {
      seen[worker] = nil
      return try spool.isAlive(worker)
    }
    if renewal.hasEnded {
      seen[worker] = nil
      return false
    }
    guard let last = seen[worker], last.renewal == renewal else {
      seen[worker] = Seen(renewal: renewal, since: now)
      told.remove(worker)
      return true
    }
    return now - last.since < renewal.lease * 1_000_000
  }

  /// Whether a worker that does not live may be alive all the same, as far as others can tell: it
  /// fell silent, where a lock would say that it died.
  func isSilent(_ worker: String) -> Bool { seen[worker] != nil }

  /// The lease of a worker that fell silent, once for each time that it does.
  mutating func tell(_ worker: String) -> Int64? {
    guard isSilent(worker), told.insert(worker).inserted else { return nil }
    return seen[worker]?.renewal.lease
  }
}

extension Coordinator {
  /// Whether a worker lives, as far as can be known here.
  func isAlive(_ worker: String) throws(CoordinatorError) -> Bool {
    try onSpool { () throws(SpoolError) in
      try leases.isAlive(worker, spool, now: Clocks.bootNanoseconds())
    }
  }

  /// Says that a worker fell silent, where it did.
  func tellSilence(of worker: String) {
    guard let lease = leases.tell(worker) else { return }
    let host = spool.workerFile(worker).map { " on \($0.host)" } ?? ""
    events.append(
      .notice("worker \(worker)\(host) has not renewed its lease for \(lease / 1000) s"))
  }
}
