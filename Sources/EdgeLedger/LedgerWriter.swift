package import EdgeJob
internal import GRDB

/// What may be done inside of `Ledger.write`. Every operation checks first and then writes, so
/// one that throws has changed nothing.
package struct LedgerWriter: ~Copyable {
  let batch: Batch
}

/// What came of an operation that happens once.
package enum Posted: Hashable, Sendable {
  /// It was written now.
  case new
  /// It stood there already, with the same content.
  case already
}

extension LedgerWriter {
  /// Opens an account: `user:NAME` or `worker:ID`; an account that is open already is left alone.
  /// - Throws: `invalid` for a name that does not fit the kind, `exists` for another kind,
  ///   `closedAccount`.
  @discardableResult
  package func openAccount(_ name: String, kind: AccountKind, reason: String = "")
    throws(LedgerError) -> Posted
  {
    try batch.perform("account \(name)") {
      guard kind == .user || kind == .worker, kind.allows(name: name) else {
        throw LedgerError.invalid(
          what: "account \(name)",
          why: "\(kind.rawValue): and 1 … 100 letters, digits and . _ : - are needed")
      }
      if let account = try Queries.account(batch.database, name) {
        if account.kind != kind { throw LedgerError.exists(what: "the account \(name)") }
        if account.isClosed { throw LedgerError.closedAccount(name) }
        return .already
      }
      try batch.append(
        Draft(reason: reason, fact: .account(ChartAccount(name: name, kind: kind))))
      return .new
    }
  }

  /// Closes an account for good; what it holds stays in it.
  /// - Throws: `unknownAccount`; `invalid` for an account of the chart or with open reservations.
  @discardableResult
  package func closeAccount(_ name: String, reason: String) throws(LedgerError) -> Posted {
    try batch.perform("account \(name)") {
      guard let account = try Queries.account(batch.database, name) else {
        throw LedgerError.unknownAccount(name)
      }
      if account.isClosed { return .already }
      guard account.kind == .user || account.kind == .worker, account.pendingSum == 0 else {
        throw LedgerError.invalid(what: "account \(name)", why: "it is in use")
      }
      try batch.append(Draft(reason: reason, fact: .close(account: name)))
      return .new
    }
  }

  /// Lets a uid charge a user's account, and perhaps takes it as the uid's default one.
  @discardableResult
  package func allow(
    uid: UInt32, account: String, makeDefault: Bool = false, reason: String = ""
  ) throws(LedgerError) -> Posted {
    try batch.perform("allow \(account)") {
      try batch.requireOpen(account, [.user])
      if try Queries.allowed(batch.database, uid, account) == makeDefault { return .already }
      try batch.append(
        Draft(
          reason: reason, fact: .allow(account: account, uid: uid, preferred: makeDefault)))
      return .new
    }
  }

  /// Ends what `allow` began.
  @discardableResult
  package func revoke(uid: UInt32, account: String, reason: String = "") throws(LedgerError)
    -> Posted
  {
    try batch.perform("revoke \(account)") {
      guard try Queries.account(batch.database, account) != nil else {
        throw LedgerError.unknownAccount(account)
      }
      if try Queries.allowed(batch.database, uid, account) == nil { return .already }
      try batch.append(Draft(reason: reason, fact: .revoke(account: account, uid: uid)))
      return .new
    }
  }

  /// Enrols a public key.
  /// - Parameters:
  ///   - id: its name, 1 … 200 bytes; never used again, also not after `retireKey`.
  ///   - algorithm: such as `ed25519`.
  ///   - publicKey: 1 … 8192 bytes.
  ///   - purpose: `worker` or `coordinator`.
  ///   - holder: whose it is: a worker's id, a site.
  /// - Throws: `exists` where the id names another key.
  @discardableResult
  package func addKey(
    id: String, algorithm: String, publicKey: [UInt8], purpose: String, holder: String,
    reason: String = ""
  ) throws(LedgerError) -> Posted {
    try batch.perform("key \(id)") {
      for text in [id, algorithm, purpose, holder] where !(1...200).contains(text.utf8.count) {
        throw LedgerError.invalid(what: "key \(id)", why: "every text has 1 … 200 bytes")
      }
      guard (1...8192).contains(publicKey.count) else {
        throw LedgerError.invalid(what: "key \(id)", why: "it has \(publicKey.count) bytes")
      }
      let key = EnrolledKey(
        id: id, algorithm: algorithm, publicKey: publicKey, purpose: purpose, holder: holder)
      if let row = try Queries.key(batch.database, id) {
        guard row.enrolled == key, row.retired == nil else {
          throw LedgerError.exists(what: "the key \(id)")
        }
        return .already
      }
      try batch.append(Draft(reason: reason, fact: .key(key)))
      return .new
    }
  }

  /// Ends the use of a key from the next entry on; what it signed before stays valid.
  @discardableResult
  package func retireKey(id: String, reason: String) throws(LedgerError) -> Posted {
    try batch.perform("key \(id)") {
      guard let row = try Queries.key(batch.database, id) else {
        throw LedgerError.unknownKey(id)
      }
      if row.retired != nil { return .already }
      try batch.append(Draft(reason: reason, fact: .retire(key: id)))
      return .new
    }
  }

  /// Writes down a fact that moves no credits: a fault, a step of the clock, a checkpoint.
  /// - Parameter type: lower-case letters and `-`; none of the types that have a meaning here.
  package func record(_ type: String, facts: JSON, reason: String = "") throws(LedgerError) {
    try batch.perform(type) {
      try Draft.check(type: type)
      try Draft.check(facts: facts)
      try batch.append(Draft(reason: reason, fact: .other(type: type, facts: facts)))
    }
  }
}
