package import EdgeJob

extension LedgerWriter {
  /// Holds back the most that a round of a job can cost.
  ///
  /// Once per job and round: a second call with the same account and amount is `already`.
  /// - Parameters:
  ///   - round: 1, and one more each time the job is retried after `void`.
  ///   - submitter: the uid that asked; must be allowed to charge the account.
  ///   - facts: the factors of the price.
  /// - Throws: `notEnoughCredits`, `notAllowed`, `unknownAccount`, `closedAccount`; `conflict`
  ///   where the round was reserved otherwise or the job has an accepted result; `outOfOrder`
  ///   where the round before has not ended.
  @discardableResult
  package func reserve(
    job: JobID, round: Int = 1, account: String, amount: Credits, submitter: UInt32? = nil,
    reason: String = "", facts: JSON = .object([])
  ) throws(LedgerError) -> Posted {
    try batch.perform("job \(job)") {
      try Draft.check(round: round)
      try Draft.check(amount: amount)
      try Draft.check(facts: facts)
      let phase = Phase.reserve(round)
      let phases = try Queries.phases(batch.database, job)
      if let seq = phases[phase], let entry = try Queries.entry(batch.database, seq) {
        guard case .reserve(let fact) = entry.fact, fact.transfer.dr == account,
          fact.transfer.amount == amount
        else { throw LedgerError.conflict(job: job, phase: phase) }
        return .already
      }
      if phases[Phase.result] != nil {
        throw LedgerError.conflict(job: job, phase: Phase.result)
      }
      if round > 1, phases[Phase.end(round - 1)] == nil {
        throw LedgerError.outOfOrder(job: job, phase: phase, missing: Phase.end(round - 1))
      }
      try batch.requireOpen(account, [.user])
      if let submitter, try Queries.allowed(batch.database, submitter, account) == nil {
        throw LedgerError.notAllowed(account: account, uid: submitter)
      }
      try batch.require(amount, on: account)
      let transfer = Transfer(
        id: TransferID(job: job.description, phase: phase, leg: 0), kind: .pending, dr: account,
        cr: AccountKind.jobs, amount: amount, pending: nil, held: nil)
      let fact = ReserveFact(
        job: job, round: round, submitter: submitter, transfer: transfer, facts: facts)
      try batch.append(Draft(reason: reason, fact: .reserve(fact)))
      return .new
    }
  }

  /// Accepts a result: posts what it used, releases the rest, pays the worker.
  ///
  /// Once per job: a second call with the same receipt is `already`, with another one `conflict`.
  /// - Parameters:
  ///   - amount: at most what the round reserved.
  ///   - worker: its id; it earns on `worker:ID`, which must be open.
  ///   - receipt: digest of the signed receipt.
  ///   - facts: the factors of the price.
  /// - Throws: `conflict`; `outOfOrder` without a reservation; `aboveReservation`;
  ///   `unknownAccount`.
  @discardableResult
  package func post(
    job: JobID, round: Int = 1, amount: Credits, worker: String, fence: Fence, attempt: Int64,
    receipt: Digest, reason: String = "", facts: JSON = .object([])
  ) throws(LedgerError) -> Posted {
    try batch.perform("job \(job)") {
      try Draft.check(round: round)
      try Draft.check(amount: amount)
      try Draft.check(facts: facts)
      guard (1...Draft.amountMax).contains(attempt) else {
        throw LedgerError.invalid(what: "attempt", why: "\(attempt) is below 1")
      }
      let phase = Phase.end(round)
      let phases = try Queries.phases(batch.database, job)
      if let seq = phases[phase], let entry = try Queries.entry(batch.database, seq) {
        guard case .post(let fact) = entry.fact, fact.receipt == receipt else {
          throw LedgerError.conflict(job: job, phase: phase)
        }
        return .already
      }
      if phases[Phase.result] != nil {
        throw LedgerError.conflict(job: job, phase: Phase.result)
      }
      let held = try heldTransfer(job, round, for: phase)
      guard amount <= held.amount else {
        throw LedgerError.aboveReservation(job: job, amount: amount, reserved: held.amount)
      }
      let payee = "worker:\(worker)"
      try batch.requireOpen(payee, [.worker])
      let posting = Transfer(
        id: TransferID(job: job.description, phase: phase, leg: 0), kind: .post, dr: held.dr,
        cr: held.cr, amount: amount, pending: held.id, held: held.amount)
      let pay = Transfer.single(
        TransferID(job: job.description, phase: phase, leg: 1), dr: held.cr, cr: payee, amount)
      let fact = PostFact(
        job: job, round: round, worker: worker, attempt: attempt, fence: fence, receipt: receipt,
        posting: posting, pay: pay, facts: facts)
      try batch.append(Draft(reason: reason, fact: .post(fact)))
      return .new
    }
  }

  /// Releases everything that a round reserved: cancelled, expired, or given up after faults.
  /// - Throws: `conflict` where the round was posted; `outOfOrder` without a reservation.
  @discardableResult
  package func void(
    job: JobID, round: Int = 1, reason: String, facts: JSON = .object([])
  ) throws(LedgerError) -> Posted {
    try batch.perform("job \(job)") {
      try Draft.check(round: round)
      try Draft.check(facts: facts)
      let phase = Phase.end(round)
      let phases = try Queries.phases(batch.database, job)
      if let seq = phases[phase], let entry = try Queries.entry(batch.database, seq) {
        guard case .void = entry.fact else {
          throw LedgerError.conflict(job: job, phase: phase)
        }
        return .already
      }
      let held = try heldTransfer(job, round, for: phase)
      let transfer = Transfer(
        id: TransferID(job: job.description, phase: phase, leg: 0), kind: .void, dr: held.dr,
        cr: held.cr, amount: held.amount, pending: held.id, held: held.amount)
      let fact = VoidFact(job: job, round: round, transfer: transfer, facts: facts)
      try batch.append(Draft(reason: reason, fact: .void(fact)))
      return .new
    }
  }

  /// The pending transfer that a round reserved.
  private func heldTransfer(_ job: JobID, _ round: Int, for phase: String) throws -> Transfer {
    let missing = Phase.reserve(round)
    let id = TransferID(job: job.description, phase: missing, leg: 0)
    guard let held = try Queries.pending(batch.database, id) else {
      throw LedgerError.outOfOrder(job: job, phase: phase, missing: missing)
    }
    return held
  }
}
