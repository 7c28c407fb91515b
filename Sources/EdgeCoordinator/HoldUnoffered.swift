internal import EdgeJob
internal import EdgeScheduler
internal import EdgeSpool

// Jobs that no worker here can run. That is neither a verdict nor a fault: they are held with the
// reason, and go on by themselves when a worker comes that offers what they need.

extension Coordinator {
  /// How the reason of such a hold begins; people's own reasons do not.
  static let unofferedPrefix = "no worker here offers it: "

  /// Holds a ready job that no live worker can run.
  func holdUnoffered(_ job: JobID, _ reason: String) throws(CoordinatorError) {
    guard let entry = try readyTicket(job) else { return }
    dequeue(job)
    let text = Coordinator.unofferedPrefix + reason
    try putOnHold([(entry.ticket, text, entry.path)])
    events.append(.held(job, text))
  }

  /// Puts such jobs back into `ready/` when the workers offer something else than before.
  func releaseOffered(_ offers: [WorkerOffer]) throws(CoordinatorError) {
    let now = offers.reduce(into: Set<String>()) { all, offer in
      all.formUnion(offer.provides)
      all.formUnion(offer.profiles.map { "profile:\($0)" })
      all.insert("session:\(offer.onlySession ?? "")")
      all.insert("cpus:\(offer.processors ?? -1)")
      all.insert("memory:\(offer.memoryBytes ?? -1)")
    }
    if now == offered { return }
    offered = now
    for job in try onSpool({ () throws(SpoolError) in try spool.jobs(.held) }) {
      let record = try onSpool { () throws(SpoolError) in try spool.record(.held, job) }
      var ticket = record.ticket
      guard ticket.hold?.hasPrefix(Coordinator.unofferedPrefix) == true else { continue }
      ticket.hold = nil
      try place(ticket)
      try onSpool { () throws(SpoolError) in
        try spool.syncAll()
        try spool.removeTicket(at: Layout.path(.held, job))
      }
    }
  }
}
