internal import EdgeJob
internal import EdgeLedger
internal import EdgeSpool
internal import EdgeSystem

// Cancel, hold and release of a whole batch, and of its jobs that have no ticket.
//
// Crash points: the order is durable before the first job is touched. Everything after it may be
// done again: the ledger answers "already", a job that has ended is passed over, and the batch's
// name moves on last. A ticket that was made for a job without credits held back has round 0.

extension Coordinator {
  /// Where the jobs of a batch are: looked up together, since to look for one reads many folders.
  private struct Places {
    let ready: [JobID: String]
    let items: [JobID: WorkerItem]

    init(_ spool: Spool) throws(SpoolError) {
      ready = Dictionary(
        try spool.readyJobs().map { ($0.job, $0.path) }, uniquingKeysWith: { first, _ in first })
      items = Dictionary(
        try spool.workerItems().map { ($0.job.job, $0) },
        uniquingKeysWith: { $0.job.fence > $1.job.fence ? $0 : $1 })
    }

    /// Nil where it has no ticket.
    func place(of job: JobID, _ spool: Spool) -> Place? {
      for state in [JobState.done, .cancelled, .dead, .held]
      where spool.root.contains(Layout.path(state, job)) {
        return Place(state: state, path: Layout.path(state, job))
      }
      if let path = ready[job] { return Place(state: .ready, path: path) }
      return items[job].map {
        Place(state: $0.state, path: $0.path, worker: $0.worker, fence: $0.job.fence)
      }
    }
  }

  typealias Member = JobNaming.Member

  /// Does what a request asks of a whole batch.
  /// - Returns: false where there is no such batch.
  func obey(_ request: ControlRequest, batch id: JobID, of uid: UInt32) throws(CoordinatorError)
    -> Bool
  {
    guard id.isBatch, let place = spool.place(ofBatch: id) else { return false }
    let requests: BatchRequests
    do throws(SpoolError) { requests = try spool.batch(at: place) } catch {
      events.append(.notice("\(request.verb.rawValue): \(error.what)"))
      return true
    }
    guard uid == requests.batch.submitter || uid == spool.owner || uid == 0 else {
      events.append(.notice("\(request.verb.rawValue): uid \(uid) did not submit batch \(id)"))
      return true
    }
    if request.verb == .retry {
      let places = try onSpool { () throws(SpoolError) in try Places(spool) }
      let jobs = try members(requests, at: place, from: 0).map(\.job).filter {
        let place = places.place(of: $0, spool)
        switch place?.state {
        case .dead?, .cancelled?: return true
        case .done?, .held?: return hasFallen($0)
        default: return false
        }
      }
      try obey(ControlRequest(.retry, jobs, reason: request.reason), of: uid)
      return true
    }
    try onSpool { () throws(SpoolError) in
      try spool.put(BatchOrder(request.verb, reason: request.reason, grace: request.grace), of: id)
    }
    CrashPoint.orderPut.reached()
    try carryOut(id)
    return true
  }

  /// Goes on with what an earlier leader was asked to do.
  /// - Returns: true where there was anything.
  func carryOutOrders() throws(CoordinatorError) -> Bool {
    let left = orders
    orders = []
    for id in left where spool.order(of: id)?.isDone == false { try carryOut(id) }
    return !left.isEmpty
  }

  /// Whether a job ended, or is held, because one that it waited for did not end as it had to.
  private func hasFallen(_ job: JobID) -> Bool {
    if let held = try? spool.record(.held, job).ticket {
      return held.hold?.hasPrefix(Coordinator.fallenPrefix) == true
    }
    return (try? spool.record(.done, job).ticket.ending) == .dependencyFailed
  }

  private func carryOut(_ id: JobID) throws(CoordinatorError) {
    guard let order = spool.order(of: id), let place = spool.place(ofBatch: id),
      let requests = try? spool.batch(at: place)
    else {
      return try onSpool { () throws(SpoolError) in try spool.removeOrder(of: id) }
    }
    let reason = order.reason.isEmpty ? "held by a user" : order.reason
    if let index = batches.firstIndex(where: { $0.file.id == id }) {
      batches[index].held = order.verb == .release ? nil : reason
    }
    let members = try members(requests, at: place, from: 0)
    switch order.verb {
    case .cancel:
      try cancel(members, of: requests.batch, next: place.next, grace: order.grace)
    case .hold: try hold(members, reason: reason)
    case .release: try release(members)
    case .retry, .prune: break
    }
    try onSpool { () throws(SpoolError) in
      if order.verb == .hold, place.next != nil {
        try spool.put(BatchOrder(.hold, reason: order.reason, isDone: true), of: id)
      } else {
        try spool.removeOrder(of: id)
      }
    }
  }

  func members(_ batch: BatchRequests, at place: BatchPlace, from start: Int)
    throws(CoordinatorError) -> [Member]
  {
    let naming = JobNaming(spool: spool, uid: batch.batch.submitter)
    return try onSpool { () throws(SpoolError) in
      try naming.members(of: batch, at: place, from: start)
    }
  }

  private func cancel(_ members: [Member], of file: BatchFile, next: Int?, grace: Int64)
    throws(CoordinatorError)
  {
    let places = try onSpool { () throws(SpoolError) in try Places(spool) }
    var standing: [(ticket: Ticket, path: String)] = []
    var rest: [Member] = []
    for member in members {
      guard let place = places.place(of: member.job, spool) else {
        if let next, member.index >= next { rest.append(member) }
        continue
      }
      switch place.state {
      case .ready, .held:
        guard let ticket = try ticket(of: member.job, at: place) else { continue }
        dequeue(member.job)
        standing.append((ticket, place.path))
      case .inbox, .running:
        guard let ticket = try ticket(of: member.job, at: place) else { continue }
        _ = try cancel(ticket, at: place, grace: grace)
      default: continue
      }
    }
    try endWithoutResult(standing, .cancelled)
    if let next {
      try cancelRest(rest, of: file)
      batches.removeAll { $0.file.id == file.id }
      try onSpool { () throws(SpoolError) in
        try spool.advanceBatch(file, from: next, to: file.count)
      }
    }
    try onSpool { () throws(SpoolError) in try spool.syncAll() }
  }

  /// Ends jobs that have no ticket. An earlier leader may have reserved for some of them.
  private func cancelRest(_ members: [Member], of file: BatchFile) throws(CoordinatorError) {
    let open = try onLedger { () throws(LedgerError) in try ledger.openReservations() }
    let rounds = Dictionary(
      open.map { ($0.job, $0.round) }, uniquingKeysWith: { first, _ in first })
    var ended: [(ticket: Ticket, path: String)] = []
    for member in members {
      guard var ticket = try unreserved(member, of: file) else { continue }
      ticket.round = Int64(rounds[member.job] ?? 0)
      ended.append((ticket, ""))
    }
    try endWithoutResult(ended, .cancelled)
  }

  /// The ticket of a job for which no credits are held back; nil where it can have none, which is
  /// noted.
  private func unreserved(_ member: Member, of file: BatchFile) throws(CoordinatorError) -> Ticket?
  {
    let refusal: String
    do throws(Refusal) {
      let inspection = try inspected(file.blob)
      switch try? ticket(
        member.job, member.request, inspection, file.submitter, admitted: file.admitted)
      {
      case .ticket(var ticket):
        ticket.round = 0
        return ticket
      case .refused(let reason): refusal = reason
      case nil: refusal = "its ticket cannot be made"
      }
    } catch {
      refusal = error.reason
    }
    try rejectJob(member.job, submitter: file.submitter, reason: refusal)
    return nil
  }

  private func hold(_ members: [Member], reason: String) throws(CoordinatorError) {
    let places = try onSpool { () throws(SpoolError) in try Places(spool) }
    var held: [(ticket: Ticket, reason: String, path: String)] = []
    for member in members {
      guard let place = places.place(of: member.job, spool) else { continue }
      guard place.state == .ready || place.state == .inbox,
        let ticket = try ticket(of: member.job, at: place)
      else { continue }
      if place.state == .inbox {
        _ = try hold(ticket, at: place, reason: reason)
        continue
      }
      dequeue(member.job)
      held.append((ticket, reason, place.path))
    }
    try putOnHold(held)
  }

  private func release(_ members: [Member]) throws(CoordinatorError) {
    var released: [String] = []
    for member in members {
      let path = Layout.path(.held, member.job)
      guard spool.root.contains(path),
        let ticket = try? spool.record(.held, member.job).ticket,
        ticket.hold?.hasPrefix(Coordinator.unofferedPrefix) != true
      else { continue }
      if ticket.round == 0 {
        _ = try release(ticket, at: Place(state: .held, path: path))
        continue
      }
      var free = ticket
      free.hold = nil
      try place(free)
      released.append(path)
    }
    if released.isEmpty { return }
    try onSpool { () throws(SpoolError) in
      try spool.syncAll()
      for path in released { try spool.removeTicket(at: path) }
    }
  }

  /// Cancels or holds a job of a batch that has no ticket.
  /// - Returns: false where there is no such job, or the verb is none for it.
  func obeyWithoutTicket(_ request: ControlRequest, _ job: JobID, of uid: UInt32)
    throws(CoordinatorError) -> Bool
  {
    guard request.verb == .cancel || request.verb == .hold,
      let (member, file) = try memberWithoutTicket(job)
    else { return false }
    guard uid == file.submitter || uid == spool.owner || uid == 0 else {
      events.append(.notice("\(request.verb.rawValue): uid \(uid) did not submit job \(job)"))
      return true
    }
    guard var ticket = try unreserved(member, of: file) else { return true }
    // An earlier leader may have died between its reservation and its ticket.
    ticket.round = Int64(try onLedger { () throws(LedgerError) in try ledger.lastRound(job: job) })
    if request.verb == .cancel {
      try endWithoutResult([(ticket, "")], .cancelled)
      return true
    }
    ticket.hold = request.reason.isEmpty ? "held by a user" : request.reason
    let held = ticket
    try onSpool { () throws(SpoolError) in
      try spool.put(held, .held)
      try spool.syncAll()
    }
    return true
  }

  private func memberWithoutTicket(_ job: JobID) throws(CoordinatorError) -> (Member, BatchFile)? {
    // Its own batch first; a job with a key of its own may be in any.
    let open = batches.filter { $0.file.id == job.batch } + batches
    for batch in open {
      let found = try members(batch.requests, at: batch.place, from: batch.next)
        .first { $0.job == job }
      if let found { return (found, batch.file) }
    }
    return nil
  }

  /// True where a job of a batch was ended or held before it got its ticket.
  func isSetAside(_ job: JobID) -> Bool {
    spool.root.contains(Layout.path(.cancelled, job))
      || spool.root.contains(Layout.path(.held, job))
  }

  /// Takes over submissions that a request names.
  func admitNamed(_ request: ControlRequest) throws(CoordinatorError) {
    let isWaiting = { (job: JobID) in
      self.spool.root.contains(Layout.path(.incoming, job))
        || self.spool.root.contains(Layout.path(.incoming, job.batch))
    }
    let named = request.jobs.filter(isWaiting)
    if named.isEmpty { return }
    while named.contains(where: isWaiting), try admit() {}
  }
}
