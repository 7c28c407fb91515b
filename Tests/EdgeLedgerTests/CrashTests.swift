import EdgeJob
import EdgeSystem
import EdgeTestSupport
import GRDB
import Glibc
import Synchronization
import Testing

@testable import EdgeLedger

/// A process that dies while it writes leaves all of a batch or nothing of it.
@Suite struct CrashTests {
  /// What each child writes: three entries in one batch.
  static func writeBatch(_ ledger: Ledger, job: Int) throws(LedgerError) {
    try ledger.write(epoch: 1, now: Books.start, actor: "child") { writer throws(LedgerError) in
      try writer.reserve(job: .number(job), account: Books.ann, amount: .whole(1))
      try writer.post(
        job: .number(job), amount: Credits(micro: 5), worker: "w1", fence: .first, attempt: 1,
        receipt: .number(job))
      try writer.record("note", facts: ["job": .int(Int64(job))])
    }
  }

  /// Calls `each` before every statement, also those inside of triggers.
  static func traceStatements(of ledger: Ledger, _ each: @escaping @Sendable () -> Void) {
    ledger.queue.writeWithoutTransaction { $0.trace(options: .statement) { _ in each() } }
  }

  @Test func `a kill between any two statements leaves nothing of the batch`() async throws {
    let count = Mutex(0)
    do {
      let books = try Books()
      Self.traceStatements(of: books.ledger) { count.withLock { $0 += 1 } }
      try Self.writeBatch(books.ledger, job: 1)
    }
    let statements = count.withLock { $0 }
    #expect(statements > 30)
    let books = try Books()
    let head = try books.ledger.head()
    let directory = books.directory
    for step in stride(from: 1, through: statements, by: 3) + [statements] {
      await #expect(processExitsWith: .signal(SIGKILL)) {
        [directory = directory as String, step = step as Int] in
        let ledger = try Ledger(at: directory)
        let count = Mutex(0)
        Self.traceStatements(of: ledger) {
          count.withLock { $0 += 1 }
          if count.withLock({ $0 }) == step { kill(getpid(), SIGKILL) }
        }
        try Self.writeBatch(ledger, job: 1)
      }
      let after = try Ledger(at: directory)
      #expect(try after.head() == head, "killed before statement \(step)")
    }
    #expect(try books.ledger.verify(against: [head]).findings == [])
  }

  @Test(arguments: Seed.some(8))
  func `a kill at any time loses nothing that was acknowledged`(seed: Seed) async throws {
    let books = try Books()
    let start = try books.ledger.head().size
    let directory = books.directory
    var random = SplitMix64(seed)
    let microseconds = UInt32(random.number(2_000...120_000))
    await #expect(processExitsWith: .signal(SIGALRM)) {
      [directory = directory as String, microseconds = microseconds as UInt32] in
      let ledger = try Ledger(at: directory)
      let acknowledged = try Directory(path: directory).open(
        "acknowledged", O_WRONLY | O_CREAT | O_APPEND, mode: 0o600)
      ualarm(microseconds, 0)
      for job in 1... {
        try Self.writeBatch(ledger, job: job)
        try acknowledged.write([1])
      }
    }
    let acknowledged = try Directory(path: directory).read("acknowledged", atMost: 1 << 20).count
    let ledger = try Ledger(at: directory)
    let verification = try ledger.verify()
    #expect(verification.findings == [])
    let written = verification.entries - start
    #expect(written.isMultiple(of: 3))
    #expect((acknowledged...acknowledged + 1).contains(Int(written / 3)))
    // Doing the interrupted work again is safe: what was written is not written twice.
    let next = Int(written / 3)
    if next > 0 {
      let posted = try ledger.write(epoch: 1, now: 0, actor: "test") { writer throws(LedgerError) in
        try writer.reserve(job: .number(next), account: Books.ann, amount: .whole(1))
      }
      #expect(posted == .already)
    }
  }

  @Test func `many processes cannot spend the same credits`() async throws {
    let books = try Books(credits: 20)
    let directory = books.directory
    await withTaskGroup(of: Void.self) { group in
      for process in 0..<4 {
        group.addTask {
          await #expect(processExitsWith: .success) {
            [directory = directory as String, process = process as Int] in
            let ledger = try Ledger(at: directory)
            for job in 0..<30 {
              do throws(LedgerError) {
                try ledger.write(epoch: 1, now: Books.start, actor: "child") {
                  writer throws(LedgerError) in
                  try writer.reserve(
                    job: .number(process * 100 + job), account: Books.ann, amount: .whole(1))
                }
              } catch .notEnoughCredits {
              }
            }
          }
        }
      }
    }
    #expect(try books.ledger.openReservations().count == 20)
    #expect(try books.ledger.balance(Books.ann).available == .zero)
    #expect(try books.ledger.verify().findings == [])
  }

  @Test func `of processes that lead one after the other only the last one writes`() async throws {
    let books = try Books()
    let directory = books.directory
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<3 {
        group.addTask {
          await #expect(processExitsWith: .success) { [directory = directory as String] in
            let ledger = try Ledger(at: directory)
            let mine = try ledger.takeEpoch(now: Books.start, actor: "child")
            for _ in 0..<40 {
              do throws(LedgerError) {
                try ledger.write(epoch: mine, now: Books.start, actor: "child") {
                  writer throws(LedgerError) in
                  try writer.record("note", facts: ["mine": .int(Int64(mine))])
                }
              } catch .staleEpoch {
                return
              }
            }
          }
        }
      }
    }
    #expect(try books.ledger.currentEpoch() == 4)
    // Entries of an epoch lie together: nobody wrote after a later one had begun.
    let entries = try books.ledger.entries(from: 0, limit: .max)
    #expect(entries.map(\.epoch) == entries.map(\.epoch).sorted())
    #expect(try books.ledger.verify().findings == [])
  }
}
