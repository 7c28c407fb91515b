internal import EdgeJob
internal import EdgeSpool
internal import EdgeTrust

/// What an earlier process of the same worker left behind when it was killed. The coordinator sees
/// this worker alive and cannot tell, so we tell it: a fault is a receipt.
enum Leftovers {
  /// The jobs that were claimed and have no receipt.
  static func find(_ desk: WorkerDesk) throws(SpoolError) -> [Claim] {
    // Tickets first: a receipt that is settled in between takes its ticket along.
    let claims = try desk.claimedBefore()
    if claims.isEmpty { return [] }
    let finished = Set(try desk.waitingEnvelopes().compactMap(right))
    return claims.filter { !finished.contains($0.job) }
  }

  /// The job and fence that one of our own envelopes is about.
  private static func right(_ envelope: [UInt8]) -> FencedJob? {
    guard let text = try? JSON.parse(envelope)["payload"]?.text,
      let payload = Base64.bytes(text),
      let receipt = try? Receipt(statement: try JSON.parse(payload))
    else { return nil }
    return FencedJob(job: receipt.job, fence: receipt.fence)
  }
}
