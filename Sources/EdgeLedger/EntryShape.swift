internal import EdgeJob

// Each type of entry has its transfers in one shape only; the same rules as in the writer, told
// from what was written.

extension CreditsFact {
  func shapeProblem(seq: Int64) -> String? {
    let id = TransferID(job: "", phase: "entry/\(seq)", leg: 0)
    return transfer.id == id && transfer.kind == .single
      ? nil : "its transfer has another id or kind"
  }
}

extension ReserveFact {
  var shapeProblem: String? {
    let id = TransferID(job: job.description, phase: Phase.reserve(round), leg: 0)
    guard transfer.id == id, transfer.kind == .pending, transfer.cr == AccountKind.jobs else {
      return "its transfer is no reservation of this job"
    }
    return nil
  }
}

extension PostFact {
  var shapeProblem: String? {
    let (job, phase) = (job.description, Phase.end(round))
    guard posting.id == TransferID(job: job, phase: phase, leg: 0), posting.kind == .post,
      posting.pending == TransferID(job: job, phase: Phase.reserve(round), leg: 0)
    else { return "its first transfer does not post the reservation of this job" }
    guard pay.id == TransferID(job: job, phase: phase, leg: 1), pay.kind == .single,
      pay.dr == posting.cr, pay.cr == "worker:\(worker)", pay.amount == posting.amount
    else { return "its second transfer does not pay the worker what was posted" }
    return attempt >= 1 ? nil : "attempts are counted from 1"
  }
}

extension VoidFact {
  var shapeProblem: String? {
    let job = job.description
    guard transfer.id == TransferID(job: job, phase: Phase.end(round), leg: 0),
      transfer.kind == .void,
      transfer.pending == TransferID(job: job, phase: Phase.reserve(round), leg: 0)
    else { return "its transfer does not release the reservation of this job" }
    return nil
  }
}
