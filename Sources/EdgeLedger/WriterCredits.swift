package import EdgeJob

extension LedgerWriter {
  /// Makes credits: equity:issuance → treasury.
  package func issue(_ credits: Credits, reason: String) throws(LedgerError) {
    try move(.issue, credits, from: AccountKind.issuance, to: AccountKind.treasuryName, reason)
  }

  /// Gives credits of the treasury to a user. Not exactly-once by itself: each call grants.
  /// - Throws: `notEnoughCredits` where the treasury holds less.
  package func grant(_ account: String, _ credits: Credits, reason: String) throws(LedgerError) {
    try move(.grant, credits, from: AccountKind.treasuryName, to: account, reason)
  }

  /// Takes credits that are available back into the treasury: a wrong grant, or a worker's
  /// earnings.
  /// - Throws: `notEnoughCredits` where fewer are available.
  package func reclaim(_ account: String, _ credits: Credits, reason: String) throws(LedgerError) {
    try move(.reclaim, credits, from: account, to: AccountKind.treasuryName, reason)
  }

  private func move(
    _ type: CreditsFact.Kind, _ credits: Credits, from: String, to: String, _ reason: String
  ) throws(LedgerError) {
    try batch.perform("\(type.rawValue) \(to)") {
      try Draft.check(amount: credits)
      try batch.requireOpen(from, type.payers)
      try batch.requireOpen(to, type.payees)
      try batch.require(credits, on: from)
      let id = TransferID(job: "", phase: "entry/\(batch.head.size)", leg: 0)
      let transfer = Transfer.single(id, dr: from, cr: to, credits)
      try batch.append(
        Draft(reason: reason, fact: .credits(CreditsFact(type: type, transfer: transfer))))
    }
  }
}

extension CreditsFact.Kind {
  /// The kinds of account that such a transfer may take from.
  var payers: [AccountKind] {
    switch self {
    case .issue: [.equity]
    case .grant: [.treasury]
    case .reclaim: [.user, .worker]
    }
  }

  /// The kinds of account that it may go to.
  var payees: [AccountKind] {
    switch self {
    case .issue, .reclaim: [.treasury]
    case .grant: [.user]
    }
  }
}
