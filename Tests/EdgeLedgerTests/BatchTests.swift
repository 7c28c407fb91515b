import EdgeJob
import EdgeLedger
import Testing

/// One batch is one transaction: all or nothing, under one epoch, at a time that never goes back.
@Suite struct BatchTests {
  let books: Books

  init() throws { books = try Books(credits: 10) }

  @Test func `a body that throws leaves nothing`() throws {
    let head = try books.ledger.head()
    #expect(throws: LedgerError.self) {
      try books.write { writer throws(LedgerError) in
        try writer.reserve(job: .number(1), account: Books.ann, amount: .whole(1))
        try writer.reserve(job: .number(2), account: Books.ann, amount: .whole(100))
      }
    }
    #expect(try books.ledger.head() == head)
    #expect(try books.ledger.openReservations().isEmpty)
  }

  @Test func `an operation that was refused leaves nothing, the others stay`() throws {
    try books.write { writer throws(LedgerError) in
      for (job, credits) in [(1, 4), (2, 100), (3, 5), (4, 2)] as [(Int, Int64)] {
        do throws(LedgerError) {
          try writer.reserve(job: .number(job), account: Books.ann, amount: .whole(credits))
        } catch .notEnoughCredits {}
      }
    }
    #expect(try books.ledger.openReservations().map(\.job) == [.number(1), .number(3)])
    #expect(try books.ledger.verify().isClean)
  }

  @Test func `a refusal of the database spoils the batch, also where the body goes on`() throws {
    let head = try books.ledger.head()
    // The trigger refuses what the writer thinks correct.
    try Raw(books.file).run(
      """
      CREATE TRIGGER planted BEFORE INSERT ON job_posting WHEN NEW.phase = 'reserve/1' BEGIN
        SELECT RAISE(ABORT, 'planted');
      END
      """)
    #expect(throws: LedgerError.self) {
      try books.write { writer throws(LedgerError) in
        try writer.record("note", facts: [:])
        do throws(LedgerError) {
          try writer.reserve(job: .number(1), account: Books.ann, amount: .whole(1))
        } catch {}
        do throws(LedgerError) {
          try writer.record("note", facts: [:])
          Issue.record("a spoiled batch goes on")
        } catch {}
      }
    }
    #expect(try books.ledger.head() == head)
  }

  @Test func `an old epoch writes nothing`() throws {
    let old = books.epoch
    try books.takeEpoch()
    #expect(books.epoch == old + 1)
    #expect(try books.ledger.currentEpoch() == old + 1)
    let head = try books.ledger.head()
    for epoch in [old, 0, old + 2] {
      #expect(throws: LedgerError.staleEpoch(mine: epoch, current: old + 1)) {
        try books.ledger.write(epoch: epoch, now: 0, actor: "test") { writer throws(LedgerError) in
          try writer.record("note", facts: [:])
        }
      }
    }
    #expect(try books.ledger.head() == head)
  }

  @Test func `time never goes back`() throws {
    for now in [Books.start + 5, Books.start - 1000, Books.start + 6] {
      try books.write(now: now) { writer throws(LedgerError) in
        try writer.record("note", facts: [:])
      }
    }
    let last = try books.ledger.head().size
    let times = try books.ledger.entries(from: last - 3, limit: 9).map(\.ts)
    #expect(times == [Books.start + 5, Books.start + 5, Books.start + 6])
  }

  @Test func `a batch without entries commits nothing`() throws {
    let head = try books.ledger.head()
    let value = try books.write { writer throws(LedgerError) in 42 }
    #expect(value == 42)
    #expect(try books.ledger.head() == head)
  }

  @Test func `reading inside a batch sees it`() throws {
    let reserved = try books.write { writer throws(LedgerError) in
      try writer.reserve(job: .number(1), account: Books.ann, amount: .whole(4))
      return try books.ledger.balance(Books.ann).reserved
    }
    #expect(reserved == .whole(4))
  }

  @Test func `facts that readers could disagree about are refused`() throws {
    let facts: [JSON] = [
      ["a": .number(0.5)], ["a": .int(1 << 53)], "text", ["a": ["b": .number(1)]],
      .object([JSON.Member("a", 1), JSON.Member("a", 2)]),
      ["text": .string(String(repeating: "x", count: 70_000))],
    ]
    for facts in facts {
      #expect(throws: LedgerError.self) {
        try books.write { writer throws(LedgerError) in try writer.record("note", facts: facts) }
      }
    }
    for type in ["reserve", "genesis", "", "Note", "a b"] {
      #expect(throws: LedgerError.self) {
        try books.write { writer throws(LedgerError) in try writer.record(type, facts: [:]) }
      }
    }
    #expect(try books.ledger.verify().isClean)
  }

  @Test func `a ledger opened for reading writes nothing`() throws {
    let reader = try Ledger(at: books.directory, readOnly: true)
    #expect(try reader.balance(Books.ann).available == .whole(10))
    #expect(throws: LedgerError.self) { try reader.takeEpoch(now: 0, actor: "test") }
    #expect(throws: LedgerError.self) {
      try reader.write(epoch: books.epoch, now: 0, actor: "test") { writer throws(LedgerError) in
        try writer.record("note", facts: [:])
      }
    }
    // It follows the writer.
    try books.reserve(1)
    #expect(try reader.balance(Books.ann).reserved == .whole(1))
  }
}
