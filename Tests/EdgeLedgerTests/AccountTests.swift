import EdgeJob
import EdgeLedger
import Testing

/// Accounts, who may charge them, keys and statements.
@Suite struct AccountTests {
  let books: Books

  init() throws { books = try Books(credits: 10) }

  private func write<T>(_ body: (borrowing LedgerWriter) throws(LedgerError) -> T)
    throws(LedgerError) -> T
  { try books.write(body) }

  @Test func `a new ledger has the chart of accounts and nothing in it`() throws {
    let accounts = try books.ledger.accounts()
    #expect(
      accounts.map(\.account)
        == ["equity:issuance", "treasury", "pool:jobs", "user:ann", "worker:w1"])
    #expect(accounts[0].available == .whole(-1010))
    #expect(accounts.map(\.available.micro).reduce(0, +) == 0)
    #expect(books.ledger.spool == "spool-1")
  }

  @Test(arguments: ["ann", "user:", "user:-a", "user:a b", "user:ä", "worker:w", "treasury"])
  func `a name that does not fit is refused`(name: String) throws {
    #expect(throws: LedgerError.self) {
      try write { writer throws(LedgerError) in try writer.openAccount(name, kind: .user) }
    }
  }

  @Test func `opening an account twice is one account`() throws {
    let again = try write { writer throws(LedgerError) in
      try writer.openAccount(Books.ann, kind: .user)
    }
    #expect(again == .already)
  }

  @Test func `a closed account takes part in nothing`() throws {
    try books.reserve(1)
    #expect(throws: LedgerError.invalid(what: "account user:ann", why: "it is in use")) {
      try write { writer throws(LedgerError) in try writer.closeAccount(Books.ann, reason: "") }
    }
    try write { writer throws(LedgerError) in
      try writer.allow(uid: 7, account: Books.ann, makeDefault: true)
      try writer.void(job: .number(1), reason: "")
      try writer.closeAccount(Books.ann, reason: "left")
    }
    #expect(throws: LedgerError.closedAccount(Books.ann)) { try books.reserve(2) }
    #expect(throws: LedgerError.closedAccount(Books.ann)) {
      try write { writer throws(LedgerError) in
        try writer.grant(Books.ann, .whole(1), reason: "")
      }
    }
    #expect(try books.ledger.defaultAccount(uid: 7) == nil)
    #expect(try !books.ledger.mayCharge(uid: 7, account: Books.ann))
    #expect(try books.ledger.verify().isClean)
  }

  @Test func `a uid has at most one default account`() throws {
    try write { writer throws(LedgerError) in
      try writer.openAccount("user:team", kind: .user)
      try writer.allow(uid: 7, account: Books.ann, makeDefault: true)
      try writer.allow(uid: 7, account: "user:team", makeDefault: true)
    }
    #expect(try books.ledger.defaultAccount(uid: 7) == "user:team")
    #expect(try books.ledger.allowedAccounts(uid: 7) == ["user:ann", "user:team"])
    let outcomes = try write { writer throws(LedgerError) in
      [
        try writer.allow(uid: 7, account: "user:team", makeDefault: true),
        try writer.revoke(uid: 7, account: "user:team"),
        try writer.revoke(uid: 7, account: "user:team"),
      ]
    }
    #expect(outcomes == [.already, .new, .already])
    #expect(try books.ledger.defaultAccount(uid: 7) == nil)
    #expect(try books.ledger.mayCharge(uid: 7, account: Books.ann))
    #expect(try books.ledger.verify().isClean)
  }

  @Test func `keys are enrolled once and retired once`() throws {
    let add = { (bytes: [UInt8]) throws(LedgerError) in
      try write { writer throws(LedgerError) in
        try writer.addKey(
          id: "w1+aa", algorithm: "ed25519", publicKey: bytes, purpose: "worker", holder: "w1")
      }
    }
    #expect(try add([1, 2, 3]) == .new)
    #expect(try add([1, 2, 3]) == .already)
    #expect(throws: LedgerError.exists(what: "the key w1+aa")) { try add([1, 2]) }
    let retire = { () throws(LedgerError) in
      try write { writer throws(LedgerError) in try writer.retireKey(id: "w1+aa", reason: "lost") }
    }
    #expect(try retire() == .new)
    #expect(try retire() == .already)
    #expect(throws: LedgerError.exists(what: "the key w1+aa")) { try add([1, 2, 3]) }
    let key = try #require(try books.ledger.keys().first)
    #expect(key.publicKey == [1, 2, 3] && key.holder == "w1" && key.retired == key.added + 1)
    #expect(key.addedAt == Books.start && key.retiredAt == Books.start)
    #expect(throws: LedgerError.unknownKey("x")) {
      try write { writer throws(LedgerError) in try writer.retireKey(id: "x", reason: "") }
    }
  }

  @Test func `a statement ends at the balance and starts where it was`() throws {
    try books.reserve(1, 3)
    try books.post(1)
    try books.reserve(2, 2)
    try write { writer throws(LedgerError) in
      try writer.void(job: .number(2), reason: "cancelled")
      try writer.reclaim(Books.ann, .whole(1), reason: "wrong grant")
    }
    let lines = try books.ledger.statement(account: Books.ann, limit: 100)
    #expect(lines.map(\.kind) == [.adjust, .reserved, .spend, .reserved, .reserved, .adjust])
    #expect(lines.map(\.change.micro) == [10_000_000, 0, -500_000, 0, 0, -1_000_000])
    #expect(
      lines.map(\.reservedChange.micro) == [0, 3_000_000, -3_000_000, 2_000_000, -2_000_000, 0])
    #expect(lines.map(\.balance.micro).last == 8_500_000)
    #expect(lines[4].available == Credits(micro: 9_500_000))
    #expect(try books.ledger.statement(account: Books.ann, limit: 2) == Array(lines.suffix(2)))
    let earned = try books.ledger.statement(account: Books.worker, limit: 9)
    #expect(earned.map(\.kind) == [.earn] && earned[0].job == .number(1))
    #expect(throws: LedgerError.unknownAccount("x")) {
      try books.ledger.statement(account: "x", limit: 1)
    }
  }

  @Test func `a worker's earnings return to the treasury and no further`() throws {
    try books.reserve(1)
    try books.post(1)
    let earned = Credits(micro: 500_000)
    #expect(throws: LedgerError.self) {
      try write { writer throws(LedgerError) in
        try writer.reclaim(Books.worker, earned + Credits(micro: 1), reason: "")
      }
    }
    try write { writer throws(LedgerError) in
      try writer.reclaim(Books.worker, earned, reason: "paid out")
    }
    #expect(try books.ledger.balance(Books.worker).available == .zero)
    #expect(throws: LedgerError.self) {
      try write { writer throws(LedgerError) in
        try writer.grant(Books.ann, .whole(5000), reason: "more than the treasury has")
      }
    }
  }
}
