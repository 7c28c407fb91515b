internal import EdgeJob
internal import EdgeLedger
internal import EdgeSpool
internal import EdgeSystem

// What an examination found, put right as far as ledger, archives and the other files say how.

extension Coordinator {
  /// Mends what can be mended: what is no file of ours goes into quarantine with the reason, and
  /// what the ledger knows of is made anew. Nothing that is evidence is changed.
  package func repair(_ findings: [SpoolFinding]) throws(CoordinatorError) {
    for finding in findings {
      beat()
      switch finding.kind {
      case .unknownName, .torn, .misplaced, .spoiledArchive:
        try onSpool { () throws(SpoolError) in
          try spool.quarantineOutbox(finding.path, reason: finding.problem)
        }
      case .lostArchive: try holdWithoutArchive(finding)
      case .missingDirectory, .twice, .lostJob, .unknownEnd, .wrongCounts, .unknownParent, .circle:
        continue
      }
    }
    counts = nil
    try forgetReady()
    while try readTickets() {}
    while try settle() {}
    _ = try sweep()
    _ = try findLostJobs()
    // Those that wait for nobody end.
    while try endFallen() {}
    for finding in findings where finding.kind == .torn || finding.kind == .misplaced {
      if let job = finding.job { try rebuildRecord(job) }
    }
    counts = nil
    settleCounts()
    try onSpool { () throws(SpoolError) in try spool.syncAll() }
  }

  /// A job whose archive is gone waits until somebody hands the same archive over again.
  private func holdWithoutArchive(_ finding: SpoolFinding) throws(CoordinatorError) {
    guard let job = finding.job, finding.path.hasPrefix("\(Layout.ready)/"),
      var ticket = try? spool.ticket(at: finding.path)
    else { return }
    ticket.hold = "its archive is lost: submit the same task again, then release it"
    let held = ticket
    dequeue(job)
    try onSpool { () throws(SpoolError) in
      try spool.put(held, .held)
      try spool.syncAll()
      try spool.removeTicket(at: finding.path)
    }
  }

  /// Makes the record of a job that has ended anew: ticket and end as the ledger has them. Receipt
  /// and result were in the file that was lost.
  private func rebuildRecord(_ job: JobID) throws(CoordinatorError) {
    if try onSpool({ () throws(SpoolError) in try spool.locate(job) })
      .map({ $0.state != .quarantine }) ?? false
    {
      return
    }
    let round = try onLedger { () throws(LedgerError) in try ledger.lastRound(job: job) }
    guard round > 0,
      let end = try onLedger({ () throws(LedgerError) in
        try ledger.posting(job: job, phase: "end/\(round)")
      }), var ticket = try reservedTicket(job)
    else { return }
    if end.kind == .post, let json = end.facts["verdict"], let verdict = try? Verdict(json: json) {
      ticket.ending = .verdict(verdict)
    } else {
      ticket.ending = Ending(ofVoid: end.reason)
    }
    let ended = ticket
    try onSpool { () throws(SpoolError) in
      try spool.putEnd(ended)
    }
    events.append(.notice("the record of job \(job) is made anew, without its result"))
  }
}
