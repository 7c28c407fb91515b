internal import EdgeJob
internal import EdgeLedger
package import EdgeSpool
internal import EdgeSystem

// What people ask for: cancel, hold, release, retry.

extension Coordinator {
  /// Does what the files in `control/` ask, as far as their owners may.
  /// - Returns: true where there was anything.
  func obeyControlRequests() throws(CoordinatorError) -> Bool {
    let requests = try onSpool { () throws(SpoolError) in try spool.controlRequests() }
    for asked in requests {
      CrashPoint.controlTaken.reached()
      try obey(asked.request, of: asked.uid)
      try onSpool { () throws(SpoolError) in try spool.removeControlRequest(asked) }
    }
    return !requests.isEmpty
  }

  /// Does what one request asks. Jobs that are unknown, of somebody else, or in a state that does
  /// not allow it are told about in an event.
  package func obey(_ request: ControlRequest, of uid: UInt32) throws(CoordinatorError) {
    if let keep = request.keep { return try prune(keeping: keep, for: uid) }
    try admitNamed(request)
    var anew: [Anew] = []
    for job in request.jobs {
      beat()
      if job.isBatch {
        // Jobs of it may wait for these.
        try startAnew(anew)
        anew = []
      }
      if try obey(request, batch: job, of: uid) { continue }
      guard let (ticket, place) = try find(job) else {
        if try obeyWithoutTicket(request, job, of: uid) { continue }
        events.append(.notice("\(request.verb.rawValue): there is no job \(job)"))
        continue
      }
      guard uid == ticket.submitter || uid == spool.owner || uid == 0 else {
        events.append(.notice("\(request.verb.rawValue): uid \(uid) did not submit job \(job)"))
        continue
      }
      let isDone =
        switch request.verb {
        case .cancel: try cancel(ticket, at: place, grace: request.grace)
        case .hold: try hold(ticket, at: place, reason: request.reason)
        case .release: try release(ticket, at: place)
        case .retry: try retry(ticket, at: place, with: &anew)
        case .prune: false
        }
      if !isDone {
        events.append(
          .notice("\(request.verb.rawValue): job \(job) is \(place.state.rawValue)"))
      }
    }
    try startAnew(anew)
  }

  private func prune(keeping keep: ControlRequest.Keep, for uid: UInt32) throws(CoordinatorError) {
    guard uid == spool.owner || uid == 0 else {
      return events.append(.notice("prune: uid \(uid) does not own the spool"))
    }
    _ = try prune(keeping: keep)
  }

  /// A job and where it is; workers move their tickets while we look.
  private func find(_ job: JobID) throws(CoordinatorError) -> (Ticket, Place)? {
    for _ in 0..<3 {
      guard let place = try onSpool({ () throws(SpoolError) in try spool.locate(job) }) else {
        return nil
      }
      if let ticket = try ticket(of: job, at: place) { return (ticket, place) }
    }
    return nil
  }

  func ticket(of job: JobID, at place: Place) throws(CoordinatorError) -> Ticket? {
    do throws(SpoolError) {
      switch place.state {
      case .ready:
        if let known = recentTickets[job] { return known }
        return try spool.ticket(at: place.path)
      case .inbox, .running, .outbox:
        // What a worker of another uid did to the file does not matter where we know better.
        if let right = live[job], right.fence == place.fence, let known = right.ticket {
          return known
        }
        return try spool.ticket(at: place.path)
      case .held, .dead, .cancelled, .done: return try spool.record(place.state, job).ticket
      case .incoming, .quarantine: return nil
      }
    } catch  where [.notFound, .badInput, .notPermitted].contains(error.kind) {
      return nil
    } catch {
      throw .spool(error)
    }
  }

  func cancel(_ ticket: Ticket, at place: Place, grace: Int64) throws(CoordinatorError) -> Bool {
    switch place.state {
    case .ready, .held:
      dequeue(ticket.job)
      try endWithoutResult(ticket, .cancelled, at: place.path)
      return true
    case .inbox, .running:
      guard let worker = place.worker, let fence = place.fence else { return false }
      let item = WorkerItem(
        worker: worker, job: FencedJob(job: ticket.job, fence: fence), state: place.state,
        path: place.path)
      if place.state == .inbox, try takeBack(item, ticket) {
        try endWithoutResult(
          ticket, .cancelled, at: Layout.ready(ticket.job, queue: ticket.request.queue))
        return true
      }
      live[ticket.job]?.isStopping = true
      try onSpool { () throws(SpoolError) in try spool.askToStop(item, grace: grace) }
      return true
    default:
      return false
    }
  }

  func hold(_ ticket: Ticket, at place: Place, reason: String) throws(CoordinatorError)
    -> Bool
  {
    var path = place.path
    switch place.state {
    case .ready: dequeue(ticket.job)
    case .inbox:
      guard let worker = place.worker, let fence = place.fence else { return false }
      let item = WorkerItem(
        worker: worker, job: FencedJob(job: ticket.job, fence: fence), state: .inbox, path: path)
      guard try takeBack(item, ticket) else { return false }
      path = Layout.ready(ticket.job, queue: ticket.request.queue)
    default: return false
    }
    try putOnHold([(ticket, reason.isEmpty ? "held by a user" : reason, path)])
    return true
  }

  /// Writes tickets into `held/`, each with its reason, then removes them where they were: in one
  /// flush.
  func putOnHold(_ jobs: [(ticket: Ticket, reason: String, path: String)])
    throws(CoordinatorError)
  {
    if jobs.isEmpty { return }
    for (ticket, reason, _) in jobs {
      var held = ticket
      held.hold = reason
      let file = held
      try onSpool { () throws(SpoolError) in try spool.put(file, .held) }
    }
    try onSpool { () throws(SpoolError) in try spool.syncAll() }
    CrashPoint.holdWritten.reached()
    for (_, _, path) in jobs {
      try onSpool { () throws(SpoolError) in try spool.removeTicket(at: path) }
    }
  }

  func release(_ ticket: Ticket, at place: Place) throws(CoordinatorError) -> Bool {
    guard place.state == .held else { return false }
    // Held before it had a ticket: nothing is reserved for it.
    if ticket.round == 0 {
      try startAnew([(ticket, place)])
      return true
    }
    var released = ticket
    released.hold = nil
    try self.place(released)
    try onSpool { () throws(SpoolError) in
      try spool.syncAll()
      try spool.removeTicket(at: place.path)
    }
    return true
  }

  private func takeBack(_ item: WorkerItem, _ ticket: Ticket) throws(CoordinatorError) -> Bool {
    let isBack = try onSpool { () throws(SpoolError) in
      try spool.takeBack(item, queue: ticket.request.queue)
    }
    if isBack { forget(ticket.job) }
    return isBack
  }
}
