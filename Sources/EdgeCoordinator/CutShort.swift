internal import EdgeJob
internal import EdgeLedger
internal import EdgeSpool
internal import EdgeSystem

// Tickets that an earlier leader was about to remove when it died. It writes the new file of a job
// first and removes the old one then, so a crash between the two leaves both; and it voids a
// reservation before it writes either.

extension Coordinator {
  /// Reads a ticket that an earlier leader left in `ready/` or `held/`, and finishes what it had
  /// begun with it.
  /// - Returns: the ticket where the job may start.
  func readLeft(_ job: JobID, at path: String) throws(CoordinatorError) -> Ticket? {
    let isHeld = path == Layout.path(.held, job)
    let ticket = try onSpool { () throws(SpoolError) in
      isHeld ? try spool.record(.held, job).ticket : try spool.ticket(at: path)
    }
    let end = try onLedger { () throws(LedgerError) in
      try ledger.posting(job: job, phase: "end/\(ticket.round)")
    }
    if let end, end.kind == .void {
      try finishEnding(ticket, end.reason, at: path)
      return nil
    }
    if isHeld { return nil }
    // It was being held: a release that was cut short is asked for again.
    if spool.root.contains(Layout.path(.held, job)) {
      try onSpool { () throws(SpoolError) in try spool.removeTicket(at: path) }
      return nil
    }
    // A retry that was cut short has left the job's earlier end behind.
    if ticket.round > 1 || spool.root.contains(Layout.path(.cancelled, job)) {
      counts = nil
      for state in [JobState.dead, .cancelled] {
        try onSpool { () throws(SpoolError) in try spool.removeTicket(at: Layout.path(state, job)) }
      }
      if let fallen = try? spool.record(.done, job), fallen.ticket.round < ticket.round {
        try onSpool { () throws(SpoolError) in try spool.removeTicket(at: Layout.path(.done, job)) }
      }
    }
    return ticket
  }

  /// Ends a job whose reservation is void already, with the word that the ledger has for it.
  private func finishEnding(_ ticket: Ticket, _ reason: String, at path: String)
    throws(CoordinatorError)
  {
    let ending = Ending(ofVoid: reason)
    if let record = try? spool.record(ending.state, ticket.job), record.ticket.round == ticket.round
    {
      return try onSpool { () throws(SpoolError) in
        try spool.syncAll()
        try spool.removeTicket(at: path)
      }
    }
    try endWithoutResult(ticket, ending, at: path)
  }
}

extension Spool {
  /// Puts the record of a job that ended without a receipt where its ending belongs. Not flushed.
  func putEnd(_ ticket: Ticket) throws(SpoolError) {
    switch ticket.ending?.state {
    case .cancelled?: try put(ticket, .cancelled)
    case .dead?: try put(ticket, .dead)
    default: try putDone(ticket, receipts: [], result: nil)
    }
  }
}

extension Ending {
  /// Where the record of a job that ended so is kept.
  var state: JobState {
    switch self {
    case .cancelled: .cancelled
    case .dead: .dead
    default: .done
    }
  }

  /// How a job ended whose reservation was voided with that word.
  init(ofVoid reason: String) {
    self =
      switch reason {
      case Ending.expired.name: .expired
      case Ending.dependencyFailed.name: .dependencyFailed
      case "dead": .dead(.workerLost)
      default: .cancelled
      }
  }
}
