internal import EdgeEconomy
internal import EdgeJob
internal import EdgeLedger
internal import EdgeScheduler
internal import EdgeSpool
internal import EdgeSystem
internal import EdgeTrust

// outbox → done: verify the receipts, post them in one transaction, write the results, remove what
// was settled.
//
// Crash points: before the commit everything is settled again; after it the ledger answers
// "already", and what is missing of the renames is repaired.

extension Coordinator {
  /// A receipt that was verified, with the ticket it belongs to.
  private struct Verified {
    var receipt: Receipt
    /// Whose account earns.
    var holder: String
    var envelope: [UInt8]
    var digest: Digest
    var result: [UInt8]?
    var ticket: Ticket
    var ticketPath: String
    var cost: Credits = .zero
    /// The ledger has accepted another end of the job.
    var isLate = false

    var isPaid: Bool {
      if case .verdict = receipt.outcome { !isLate } else { false }
    }

    var isFault: Bool { if case .fault = receipt.outcome { true } else { false } }
  }

  /// Settles every outbox, at most one batch of receipts for each worker.
  /// - Returns: true where there was anything.
  func settle() throws(CoordinatorError) -> Bool {
    var didWork = false
    for worker in try onSpool({ () throws(SpoolError) in try spool.workerIDs() }) {
      didWork = try settle(worker) || didWork
    }
    return didWork
  }

  /// Settles the outbox of one worker.
  func settle(_ worker: String) throws(CoordinatorError) -> Bool {
    let paths = try onSpool { () throws(SpoolError) in try spool.outboxItems(of: worker) }
    if paths.isEmpty { return false }
    let keys = try onLedger { () throws(LedgerError) in try ledger.keys() }
    var verified: [Verified] = []
    var taken: [String] = []
    for path in paths {
      beat()
      if verified.count >= policy.batch { break }
      do throws(SpoolError) {
        let item = try spool.takeOutbox(path, of: worker)
        for attempt in item.attempts {
          if let one = try verify(attempt, of: item, keys) { verified.append(one) }
        }
        taken.append(path)
      } catch  where error.kind == .badInput {
        try onSpool { () throws(SpoolError) in
          try spool.quarantineOutbox(path, reason: error.what)
        }
        events.append(.notice("\(path) was put into quarantine: \(error.what)"))
      } catch  where error.kind == .notFound {
        continue
      } catch {
        throw .spool(error)
      }
    }
    // What is paid must be durable: a receipt that a power cut takes is earned a second time.
    if !verified.isEmpty {
      try onSpool { () throws(SpoolError) in try spool.syncOutbox(of: worker) }
    }
    for index in verified.indices where verified[index].isFault {
      verified[index].isLate = try hasResult(verified[index].receipt.job)
    }
    if !verified.isEmpty { CrashPoint.settleVerified.reached() }
    verified = try post(verified)
    if !verified.isEmpty { CrashPoint.settlePosted.reached() }
    for one in verified {
      if one.isLate, try hasEnded(one.receipt.job) {
        events.append(.notice("a second result of job \(one.receipt.job) was not accepted"))
      } else {
        try write(one)
        CrashPoint.settleWritten.reached()
      }
    }
    try onSpool { () throws(SpoolError) in try spool.syncAll() }
    if !verified.isEmpty { CrashPoint.settleDurable.reached() }
    for one in verified {
      try onSpool { () throws(SpoolError) in try spool.removeTicket(at: one.ticketPath) }
      CrashPoint.settleTicketRemoved.reached()
      try noteLaunch(of: one.receipt)
      workerFiles.note(
        one.receipt.worker, took: one.receipt.finished - one.receipt.started)
      if live[one.receipt.job]?.fence == one.receipt.fence {
        // As the ledger counts it: a fault is ours, and holds nothing against the account.
        forget(
          one.receipt.job, cpuMilliseconds: one.isPaid ? one.receipt.usage.cpuMilliseconds : nil)
      }
    }
    for path in taken {
      try onSpool { () throws(SpoolError) in try spool.removeTicket(at: path) }
      CrashPoint.settleRemoved.reached()
    }
    return true
  }

  /// Checks one receipt against key, spool, worker, fence, ticket and result; nil where it is late:
  /// the job has its result already, or a newer right was given out.
  private func verify(_ attempt: OutboxItem.Attempt, of item: OutboxItem, _ keys: [KeyRow])
    throws(SpoolError) -> Verified?
  {
    let (receipt, holder) = try receipt(in: attempt.envelope, of: item, keys)
    let right = FencedJob(job: receipt.job, fence: receipt.fence)
    guard receipt.result == attempt.result.map({ Digest(bytes: Hash.sha256($0)) }) else {
      throw SpoolError(.badInput, "the result beside the receipt of \(right) is not the signed one")
    }
    if let newest = live[receipt.job], newest.fence > receipt.fence {
      events.append(.notice("a late receipt of \(right) was not accepted"))
      // A worker that came back while its job was given away may have moved the old ticket.
      for folder in Layout.WorkerFolder.allCases {
        try spool.removeTicket(at: "\(Layout.worker(item.worker, folder))/\(right)")
      }
      return nil
    }
    guard let (ticket, path) = try ticket(of: right, for: receipt.outcome, worker: item.worker)
    else {
      events.append(.notice("a receipt of \(right) came after the job had ended"))
      return nil
    }
    guard receipt.blob == ticket.blob, receipt.task == ticket.task else {
      throw SpoolError(.badInput, "the receipt of \(right) is about another task")
    }
    return Verified(
      receipt: receipt, holder: holder, envelope: attempt.envelope,
      digest: Digest(bytes: Hash.sha256(attempt.envelope)), result: attempt.result,
      ticket: ticket, ticketPath: path)
  }

  /// Opens an envelope with the key of its signer.
  /// - Returns: the receipt, and whose account earns.
  private func receipt(in envelope: [UInt8], of item: OutboxItem, _ keys: [KeyRow])
    throws(SpoolError) -> (receipt: Receipt, holder: String)
  {
    var signer: KeyRow?
    let receipt: Receipt
    do {
      let opened = try Envelope.open(envelope, type: Receipt.payloadType) { id in
        // The owner's own workers share the key `local`; every other key is one worker's alone.
        signer = keys.first {
          $0.id == id && $0.purpose == "worker" && $0.retired == nil
            && ($0.holder == "local" || $0.holder == item.worker)
        }
        return signer.flatMap { PublicKey(bytes: $0.publicKey) }
      }
      receipt = try Receipt(statement: try JSON.parse(opened.payload))
    } catch {
      throw SpoolError(.badInput, "\(item.path): a receipt that does not verify: \(error)")
    }
    guard receipt.spool == spool.id, receipt.worker == item.worker else {
      throw SpoolError(
        .badInput, "\(item.path): a receipt of spool \(receipt.spool), worker \(receipt.worker)")
    }
    return (receipt, signer?.holder ?? item.worker)
  }

  /// The ticket of an attempt: in the outbox, or further back where a power cut undid renames.
  private func ticket(of right: FencedJob, for outcome: Outcome, worker: String)
    throws(SpoolError) -> (Ticket, String)?
  {
    let known = live[right.job].flatMap { $0.fence == right.fence ? $0.ticket : nil }
    for folder in [Layout.WorkerFolder.outbox, .running, .inbox] {
      let path = "\(Layout.worker(worker, folder))/\(right)"
      if let known, spool.root.contains(path) { return (known, path) }
      do throws(SpoolError) { return (try spool.ticket(at: path), path) } catch
        where error.kind == .notFound
      {} catch  where error.kind == .notPermitted {
        throw SpoolError(.badInput, error.what)
      }
    }
    // A fault sends a job to `ready/`, where this one is: a worker that came back under its name
    // tells of what was taken from the one before it.
    if case .fault = outcome { return nil }
    do throws(CoordinatorError) {
      guard let entry = try readyTicket(right.job) else { return nil }
      dequeue(right.job)
      return entry
    } catch {
      if case .spool(let error) = error { throw error }
      return nil
    }
  }

  private func hasEnded(_ job: JobID) throws(CoordinatorError) -> Bool {
    try onSpool { () throws(SpoolError) in try spool.locate(job)?.state.isFinal ?? false }
  }

  /// Writes all of them into the ledger, one transaction. What is refused there is late: a result
  /// of that job was accepted before.
  private func post(_ verified: [Verified]) throws(CoordinatorError) -> [Verified] {
    if verified.isEmpty { return [] }
    var posted: [Verified] = []
    do throws(LedgerError) {
      try ledger.write(epoch: epoch, now: now(), actor: actor) {
        (writer: borrowing LedgerWriter) throws(LedgerError) in
        posted = []
        for one in verified {
          do throws(LedgerError) {
            posted.append(one.isLate ? one : try post(one, writer))
          } catch {
            guard case .conflict = error else { throw error }
            var late = one
            late.isLate = true
            posted.append(late)
          }
        }
      }
    } catch {
      throw .ledger(error)
    }
    return posted
  }

  private func post(_ one: Verified, _ writer: borrowing LedgerWriter) throws(LedgerError)
    -> Verified
  {
    var one = one
    let receipt = one.receipt
    let round = Int(one.ticket.round)
    switch outcome(of: receipt) {
    case .verdict(let verdict):
      let price = policy.tariff.price(usage: receipt.usage).capped(by: one.ticket.reserved)
      _ = try writer.post(
        job: receipt.job, round: round, amount: price.amount, worker: one.holder,
        fence: receipt.fence, attempt: receipt.attempt, receipt: one.digest,
        facts: ["price": price.json, "verdict": verdict.json])
      one.cost = price.amount
    case .fault(let fault):
      try writer.record(
        "fault",
        facts: [
          "job": .string(receipt.job.description), "fence": .string(receipt.fence.description),
          "worker": .string(receipt.worker), "fault": fault.json,
          "receipt": .string(one.digest.hex),
        ])
      if !isReturned(receipt), site.death(of: one.ticket, after: fault) != nil {
        _ = try writer.void(job: receipt.job, round: round, reason: "dead")
      }
    case .cancelled:
      _ = try writer.void(job: receipt.job, round: round, reason: "cancelled")
    }
    return one
  }

  /// Puts the job where its receipt sends it. Not flushed.
  private func write(_ one: Verified) throws(CoordinatorError) {
    var ticket = one.ticket
    switch outcome(of: one.receipt) {
    case .verdict(let verdict):
      ticket.ending = .verdict(verdict)
      tellDependents(of: ticket.job, passed: verdict == .passed)
      try onSpool { () throws(SpoolError) in
        try spool.putDone(ticket, receipts: [one.envelope], result: one.result)
      }
      ended(ticket.job, .verdict(verdict), cost: one.cost)
    case .cancelled:
      ticket.ending = .cancelled
      tellDependents(of: ticket.job, passed: false)
      try onSpool { () throws(SpoolError) in
        try spool.put(ticket, .cancelled, receipts: [one.envelope])
      }
      ended(ticket.job, .cancelled)
    case .fault where isReturned(one.receipt): try putBack(ticket)
    case .fault(let fault):
      try retry(ticket, after: fault, receipts: [one.envelope])
    }
  }
}
