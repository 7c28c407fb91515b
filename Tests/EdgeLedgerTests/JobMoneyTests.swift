import EdgeJob
import EdgeLedger
import Testing

/// Reserve, post and void: each once, in order, and never more than there is.
@Suite struct JobMoneyTests {
  let books: Books

  init() throws { books = try Books(credits: 10) }

  private func reserve(
    _ job: Int, _ credits: Int64, round: Int = 1, account: String = Books.ann,
    submitter: UInt32? = nil
  ) throws(LedgerError) -> Posted {
    try books.write { writer throws(LedgerError) in
      try writer.reserve(
        job: .number(job), round: round, account: account, amount: .whole(credits),
        submitter: submitter)
    }
  }

  private func post(
    _ job: Int, micro: Int64, round: Int = 1, receipt: Int = 1, worker: String = "w1"
  )
    throws(LedgerError) -> Posted
  {
    try books.write { writer throws(LedgerError) in
      try writer.post(
        job: .number(job), round: round, amount: Credits(micro: micro), worker: worker,
        fence: .first, attempt: 1, receipt: .number(receipt), facts: ["cpuMs": 7])
    }
  }

  private func void(_ job: Int, round: Int = 1) throws(LedgerError) -> Posted {
    try books.write { writer throws(LedgerError) in
      try writer.void(job: .number(job), round: round, reason: "cancelled")
    }
  }

  @Test func `a posted job moves what it used and releases the rest`() throws {
    #expect(try reserve(1, 4) == .new)
    var balance = try books.ledger.balance(Books.ann)
    #expect(balance.reserved == .whole(4) && balance.available == .whole(6))
    #expect(try post(1, micro: 1_500_000) == .new)
    balance = try books.ledger.balance(Books.ann)
    #expect(balance.reserved == .zero && balance.spent == Credits(micro: 1_500_000))
    #expect(balance.available == Credits(micro: 8_500_000))
    #expect(try books.ledger.balance(Books.worker).available == Credits(micro: 1_500_000))
    #expect(try books.ledger.balance("pool:jobs").available == .zero)
    #expect(try books.ledger.verify().isClean)
  }

  @Test func `a void releases everything and pays nobody`() throws {
    _ = try reserve(1, 4)
    #expect(try void(1) == .new)
    #expect(try void(1) == .already)
    #expect(try books.ledger.balance(Books.ann).available == .whole(10))
    #expect(try books.ledger.balance(Books.worker).available == .zero)
    #expect(try books.ledger.openReservations().isEmpty)
  }

  @Test func `doing the same again changes nothing, doing it otherwise is a conflict`() throws {
    #expect(try reserve(1, 4) == .new)
    #expect(try reserve(1, 4) == .already)
    #expect(throws: LedgerError.conflict(job: .number(1), phase: "reserve/1")) { try reserve(1, 5) }
    #expect(try post(1, micro: 5) == .new)
    let head = try books.ledger.head()
    #expect(try post(1, micro: 5) == .already)
    #expect(throws: LedgerError.conflict(job: .number(1), phase: "end/1")) {
      try post(1, micro: 5, receipt: 2)
    }
    #expect(throws: LedgerError.conflict(job: .number(1), phase: "end/1")) { try void(1) }
    #expect(try reserve(1, 4) == .already)
    #expect(try books.ledger.head() == head)
  }

  @Test func `nothing comes before what it follows`() throws {
    #expect(
      throws: LedgerError.outOfOrder(job: .number(1), phase: "end/1", missing: "reserve/1")
    ) { try post(1, micro: 5) }
    #expect(
      throws: LedgerError.outOfOrder(job: .number(1), phase: "end/1", missing: "reserve/1")
    ) { try void(1) }
    #expect(
      throws: LedgerError.outOfOrder(job: .number(1), phase: "reserve/2", missing: "end/1")
    ) { try reserve(1, 1, round: 2) }
  }

  @Test func `a voided job may be reserved again, one with a result may not`() throws {
    _ = try reserve(1, 4)
    _ = try void(1)
    #expect(try reserve(1, 3, round: 2) == .new)
    #expect(try books.ledger.lastRound(job: .number(1)) == 2)
    let open = try #require(try books.ledger.openReservations().first)
    #expect(open.job == .number(1) && open.round == 2 && open.amount == .whole(3))
    #expect(try post(1, micro: 9, round: 2, receipt: 5) == .new)
    let result = try #require(try books.ledger.acceptedResult(job: .number(1)))
    #expect(result.receipt == .number(5) && result.fence == .first && result.worker == "w1")
    #expect(throws: LedgerError.conflict(job: .number(1), phase: "result")) {
      try reserve(1, 3, round: 3)
    }
    #expect(try books.ledger.verify().isClean)
  }

  @Test func `a post above the reservation is refused`() throws {
    _ = try reserve(1, 1)
    #expect(
      throws: LedgerError.aboveReservation(
        job: .number(1), amount: Credits(micro: 1_000_001), reserved: .whole(1))
    ) { try post(1, micro: 1_000_001) }
    #expect(try post(1, micro: 1_000_000) == .new)
  }

  @Test func `credits that are not there cannot be reserved`() throws {
    _ = try reserve(1, 7)
    let error = LedgerError.notEnoughCredits(
      account: Books.ann, available: .whole(3), needed: .whole(4))
    #expect(throws: error) { try reserve(2, 4) }
    #expect(error.exitCode == .notPermitted)
    _ = try void(1)
    #expect(try reserve(2, 4) == .new)
  }

  @Test func `only a uid that is allowed charges an account`() throws {
    #expect(throws: LedgerError.notAllowed(account: Books.ann, uid: 1000)) {
      try reserve(1, 1, submitter: 1000)
    }
    _ = try books.write { writer throws(LedgerError) in
      try writer.allow(uid: 1000, account: Books.ann)
    }
    #expect(try reserve(1, 1, submitter: 1000) == .new)
    #expect(try books.ledger.mayCharge(uid: 1000, account: Books.ann))
    #expect(try !books.ledger.mayCharge(uid: 1001, account: Books.ann))
  }

  @Test func `unknown and wrong accounts are refused`() throws {
    #expect(throws: LedgerError.unknownAccount("user:bob")) {
      try reserve(1, 1, account: "user:bob")
    }
    #expect(throws: LedgerError.self) { try reserve(1, 1, account: "treasury") }
    _ = try reserve(1, 1)
    #expect(throws: LedgerError.unknownAccount("worker:w2")) {
      try post(1, micro: 1, worker: "w2")
    }
  }

  @Test(arguments: [0, -1, Int64.max, 1 << 53])
  func `an amount that no reader could trust is refused`(micro: Int64) throws {
    #expect(throws: LedgerError.self) {
      try books.write { writer throws(LedgerError) in
        try writer.reserve(job: .number(1), account: Books.ann, amount: Credits(micro: micro))
      }
    }
    #expect(throws: LedgerError.self) {
      try books.write { writer throws(LedgerError) in
        try writer.issue(Credits(micro: micro), reason: "")
      }
    }
  }

  @Test func `a posting tells what it was made of`() throws {
    _ = try reserve(1, 4)
    _ = try post(1, micro: 5, receipt: 3)
    let posting = try #require(try books.ledger.posting(job: .number(1), phase: "end/1"))
    #expect(posting.kind == .post && posting.account == Books.ann)
    #expect(posting.amount == Credits(micro: 5) && posting.facts == ["cpuMs": 7])
    #expect(posting.result?.receipt == .number(3))
    #expect(try books.ledger.posting(job: .number(2), phase: "end/1") == nil)
  }
}
