internal import EdgeJob

extension Fact {
  /// The members of the entry that belong to its type.
  var members: [(String, JSON?)] {
    switch self {
    case .genesis(let spool, let accounts):
      [
        ("spool", .string(spool)), ("scale", .int(Fact.scale)),
        ("accounts", .array(accounts.map { .members($0.members) })),
      ]
    case .epoch: []
    case .account(let account): account.members
    case .close(let account): [("account", .string(account))]
    case .allow(let account, let uid, let preferred):
      [("account", .string(account)), ("uid", .int(Int64(uid))), ("default", .bool(preferred))]
    case .revoke(let account, let uid):
      [("account", .string(account)), ("uid", .int(Int64(uid)))]
    case .key(let key): key.members
    case .retire(let key): [("key", .string(key))]
    case .credits: [transferMember]
    case .reserve(let fact):
      [
        ("job", .string(fact.job.description)), ("phase", .string(Phase.reserve(fact.round))),
        ("submitter", fact.submitter.map { .int(Int64($0)) }), transferMember,
        ("facts", fact.facts),
      ]
    case .post(let fact):
      [
        ("job", .string(fact.job.description)), ("phase", .string(Phase.end(fact.round))),
        ("worker", .string(fact.worker)), ("attempt", .int(fact.attempt)),
        ("fence", .string(fact.fence.description)), ("receipt", .string(fact.receipt.hex)),
        transferMember, ("facts", fact.facts),
      ]
    case .void(let fact):
      [
        ("job", .string(fact.job.description)), ("phase", .string(Phase.end(fact.round))),
        transferMember, ("facts", fact.facts),
      ]
    case .other(_, let facts): [("facts", facts)]
    }
  }

  private var transferMember: (String, JSON?) { ("transfers", .array(transfers.map(\.json))) }

  /// Decimal places of a credit.
  static let scale: Int64 = 6

  /// Takes the members of that type out of an entry.
  init(type: String, fields: inout Fields) throws(JSONError) {
    switch type {
    case "genesis":
      guard try fields.integer("scale") == Fact.scale else { throw JSONError("an unknown scale") }
      var accounts: [ChartAccount] = []
      for json in try fields.elements("accounts") {
        var inner = try Fields(json, of: "account")
        accounts.append(try ChartAccount(fields: &inner))
        try inner.end()
      }
      self = .genesis(spool: try fields.text("spool"), accounts: accounts)
    case "epoch": self = .epoch
    case "account": self = .account(try ChartAccount(fields: &fields))
    case "close": self = .close(account: try fields.text("account"))
    case "allow":
      self = .allow(
        account: try fields.text("account"), uid: try fields.uid("uid"),
        preferred: try fields.flag("default"))
    case "revoke":
      self = .revoke(account: try fields.text("account"), uid: try fields.uid("uid"))
    case "key": self = .key(try EnrolledKey(fields: &fields))
    case "retire": self = .retire(key: try fields.text("key"))
    case "reserve": self = .reserve(try ReserveFact(fields: &fields))
    case "post": self = .post(try PostFact(fields: &fields))
    case "void": self = .void(try VoidFact(fields: &fields))
    default:
      if let kind = CreditsFact.Kind(rawValue: type) {
        self = .credits(CreditsFact(type: kind, transfer: try fields.transfers(1)[0]))
      } else {
        self = .other(type: type, facts: try fields.facts())
      }
    }
  }
}

extension ChartAccount {
  var members: [(String, JSON?)] {
    [("account", .string(name)), ("kind", .string(kind.rawValue))]
  }

  init(fields: inout Fields) throws(JSONError) {
    guard let kind = AccountKind(rawValue: try fields.text("kind")) else {
      throw JSONError("an unknown kind of account")
    }
    self.init(name: try fields.text("account"), kind: kind)
  }
}

extension EnrolledKey {
  var members: [(String, JSON?)] {
    [
      ("key", .string(id)), ("algorithm", .string(algorithm)),
      ("public", .string(Hex.text(publicKey))), ("purpose", .string(purpose)),
      ("holder", .string(holder)),
    ]
  }

  init(fields: inout Fields) throws(JSONError) {
    guard let publicKey = Hex.bytes(try fields.text("public")) else {
      throw JSONError("\"public\" of a key is not hexadecimal")
    }
    self.init(
      id: try fields.text("key"), algorithm: try fields.text("algorithm"), publicKey: publicKey,
      purpose: try fields.text("purpose"), holder: try fields.text("holder"))
  }
}

extension ReserveFact {
  init(fields: inout Fields) throws(JSONError) {
    let submitter = fields.take("submitter")
    self.init(
      job: try fields.job("job"), round: try fields.round("reserve"),
      submitter: try submitter.map { json throws(JSONError) in try Fields.uid(json) },
      transfer: try fields.transfers(1)[0], facts: try fields.facts())
  }
}

extension PostFact {
  init(fields: inout Fields) throws(JSONError) {
    guard let fence = Fence(try fields.text("fence")) else { throw JSONError("no fence") }
    let transfers = try fields.transfers(2)
    self.init(
      job: try fields.job("job"), round: try fields.round("end"),
      worker: try fields.text("worker"), attempt: try fields.integer("attempt"), fence: fence,
      receipt: try fields.digest("receipt"), posting: transfers[0], pay: transfers[1],
      facts: try fields.facts())
  }
}

extension VoidFact {
  init(fields: inout Fields) throws(JSONError) {
    self.init(
      job: try fields.job("job"), round: try fields.round("end"),
      transfer: try fields.transfers(1)[0], facts: try fields.facts())
  }
}

extension Fields {
  fileprivate mutating func uid(_ name: String) throws(JSONError) -> UInt32 {
    try Fields.uid(try value(name))
  }

  fileprivate static func uid(_ json: JSON) throws(JSONError) -> UInt32 {
    guard let integer = json.integer, let uid = UInt32(exactly: integer) else {
      throw JSONError("a uid is out of range")
    }
    return uid
  }

  fileprivate mutating func round(_ stem: String) throws(JSONError) -> Int {
    guard let round = Phase.round(try text("phase"), stem) else {
      throw JSONError("\"phase\" is no \(stem)/N")
    }
    return round
  }

  fileprivate mutating func facts() throws(JSONError) -> JSON {
    let facts = try value("facts")
    guard facts.members != nil else { throw JSONError("\"facts\" is no object") }
    return facts
  }

  /// Exactly so many transfers.
  fileprivate mutating func transfers(_ count: Int) throws(JSONError) -> [Transfer] {
    var transfers: [Transfer] = []
    for json in try elements("transfers") { transfers.append(try Transfer(json: json)) }
    guard transfers.count == count else { throw JSONError("expected \(count) transfers") }
    return transfers
  }
}
