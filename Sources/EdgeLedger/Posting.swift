package import EdgeJob

/// What the ledger says about one phase of a job.
package struct Posting: Hashable, Sendable {
  /// The entry.
  package let seq: Int64
  /// Milliseconds UTC.
  package let ts: Int64
  package let job: JobID
  /// `reserve/N` or `end/N`.
  package let phase: String
  package let kind: Kind
  /// Who pays.
  package let account: String
  /// What was reserved, posted or released.
  package let amount: Credits
  /// Of a posted result.
  package let result: AcceptedResult?
  package let reason: String
  /// The factors of the price.
  package let facts: JSON

  /// What happened to the reservation.
  package enum Kind: String, Hashable, Sendable { case reserve, post, void }

  /// Nil where the entry is about no job.
  init?(_ entry: Entry) {
    seq = entry.seq
    ts = entry.ts
    reason = entry.reason
    let transfer: Transfer
    switch entry.fact {
    case .reserve(let fact):
      (job, phase, kind) = (fact.job, Phase.reserve(fact.round), .reserve)
      (transfer, facts, result) = (fact.transfer, fact.facts, nil)
    case .post(let fact):
      (job, phase, kind) = (fact.job, Phase.end(fact.round), .post)
      (transfer, facts) = (fact.posting, fact.facts)
      result = AcceptedResult(
        fence: fact.fence, receipt: fact.receipt, worker: fact.worker, attempt: fact.attempt)
    case .void(let fact):
      (job, phase, kind) = (fact.job, Phase.end(fact.round), .void)
      (transfer, facts, result) = (fact.transfer, fact.facts, nil)
    default: return nil
    }
    account = transfer.dr
    amount = transfer.amount
  }
}

/// The one result of a job that was paid.
package struct AcceptedResult: Hashable, Sendable {
  package let fence: Fence
  /// Digest of the signed receipt.
  package let receipt: Digest
  package let worker: String
  /// Which attempt it was, from 1.
  package let attempt: Int64
}

/// Credits that are held back for a job that has not ended.
package struct OpenReservation: Hashable, Sendable {
  package let job: JobID
  /// The round of the job, from 1.
  package let round: Int
  package let account: String
  package let amount: Credits
  /// When it was reserved, milliseconds UTC.
  package let since: Int64
}
