internal import EdgeJob
internal import EdgeLedger
internal import EdgeSpool
internal import EdgeSystem

// retry: jobs that gave no verdict start anew, with a new reservation.
//
// Crash points: after the reservation the record of the job's end is of an earlier round than the
// ledger's last; who leads next goes on with it. After the ticket both files stand, and the older
// one is removed.

/// A job that starts anew, and where it is.
typealias Anew = (ticket: Ticket, place: Place)

extension Coordinator {
  /// Jobs that start anew in one transaction.
  private static let anewAtOnce = 256

  /// Takes a job in that gave no verdict.
  /// - Parameter anew: those that start together with it; the caller starts them.
  /// - Returns: false where it is in no state to start anew.
  func retry(_ ticket: Ticket, at place: Place, with anew: inout [Anew]) throws(CoordinatorError)
    -> Bool
  {
    let isHeld = place.state == .held
    switch place.state {
    case .dead, .cancelled: break
    case .held where ticket.hold?.hasPrefix(Coordinator.fallenPrefix) == true: break
    case .done where ticket.ending == .dependencyFailed: break
    default: return false
    }
    if anew.contains(where: { $0.ticket.job == ticket.job }) { return true }
    if isHeld || place.state == .done {
      var failed = try dependencies(of: ticket).failed
      if failed != nil, !anew.isEmpty {
        // Perhaps it waits for one of these.
        try startAnew(anew)
        anew = []
        failed = try dependencies(of: ticket).failed
      }
      if let failed {
        events.append(
          .notice(
            "retry: job \(ticket.job) would fall again: \(Coordinator.fallen(failed)); "
              + "start that one anew first, or both with resume"))
        return true
      }
    }
    if isHeld { return try release(ticket, at: place) }
    anew.append((ticket, place))
    if anew.count >= Self.anewAtOnce {
      try startAnew(anew)
      anew = []
    }
    return true
  }

  /// The ticket of a job's next round: no faults, no end.
  private static func next(_ ticket: Ticket) -> Ticket {
    var next = ticket
    next.round += 1
    next.faults = []
    next.ending = nil
    next.notBefore = 0
    next.backoff = nil
    next.why = nil
    next.hold = nil
    return next
  }

  /// Reserves for the next round of jobs in one transaction, and puts them in line. Those that
  /// cannot be paid for stay as they are, and `events` says so.
  func startAnew(_ jobs: [Anew]) throws(CoordinatorError) {
    if jobs.isEmpty { return }
    beat()
    let next = jobs.map { Coordinator.next($0.ticket) }
    var short: [JobID: String] = [:]
    try onLedger { () throws(LedgerError) in
      try ledger.write(epoch: epoch, now: now(), actor: actor) {
        (writer: borrowing LedgerWriter) throws(LedgerError) in
        short = [:]
        for ticket in next {
          do throws(LedgerError) {
            _ = try writer.reserve(
              job: ticket.job, round: Int(ticket.round), account: ticket.account,
              amount: ticket.reserved, facts: facts(of: ticket))
          } catch {
            guard case .notEnoughCredits = error else { throw error }
            short[ticket.job] = "\(error)"
          }
        }
      }
    }
    CrashPoint.retryReserved.reached()
    for (job, reason) in short.sorted(by: { $0.key < $1.key }) {
      events.append(.unpaid(job, reason))
    }
    let started = zip(next, jobs).filter { short[$0.0.job] == nil }
    try finishStarting(started.map { ($0.0, $0.1.place) })
  }

  /// Puts tickets of a new round in line and removes what stood for the round before.
  private func finishStarting(_ jobs: [Anew]) throws(CoordinatorError) {
    if jobs.isEmpty { return }
    for (ticket, _) in jobs {
      awaitAgain(ticket.job)
      try place(ticket)
    }
    try onSpool { () throws(SpoolError) in try spool.syncAll() }
    CrashPoint.retryPlaced.reached()
    for (_, place) in jobs {
      try onSpool { () throws(SpoolError) in try spool.removeTicket(at: place.path) }
      count(place.state, -1)
    }
  }

  /// Goes on with a job that is reserved for while its record says how an earlier round ended: to
  /// start it anew was cut short.
  /// - Returns: false where its record says something else.
  func finishRetry(_ reservation: OpenReservation, at place: Place) throws(CoordinatorError)
    -> Bool
  {
    // Held without a reservation is what was held before it had a ticket.
    guard [.dead, .cancelled, .done, .held].contains(place.state),
      let ended = try? spool.record(place.state, reservation.job).ticket,
      Int(ended.round) + 1 == reservation.round
    else { return false }
    try finishStarting([(Coordinator.next(ended), place)])
    events.append(.notice("job \(reservation.job) starts anew: that was cut short"))
    return true
  }
}
