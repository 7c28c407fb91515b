import EdgeJob
import EdgeLedger
import EdgeSystem
import EdgeTestSupport
import GRDB
import Testing

@testable import EdgeLedger

/// What the connection, the file and its place must be like.
@Suite struct DurabilityTests {
  let books: Books

  init() throws { books = try Books() }

  @Test func `every connection holds what it was set to`() throws {
    for readOnly in [false, true] {
      let ledger = try Ledger(at: books.directory, readOnly: readOnly)
      for setting in Connection.settings(readOnly: readOnly) {
        let answer = try ledger.queue.unsafeRead {
          try String.fetchOne($0, sql: "PRAGMA \(setting.pragma)")
        }
        #expect(answer == setting.answer, "\(setting.pragma)")
      }
    }
    let full = Connection.settings(readOnly: false).first { $0.pragma == "synchronous" }
    #expect(full?.answer == "2")
  }

  /// The twin: asked for in the configuration, FULL is lost where GRDB sets up WAL.
  @Test func `GRDB undoes the setting where it is made too early`() throws {
    var configuration = Configuration()
    configuration.journalMode = .wal
    configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = FULL") }
    let path = books.folder.path("twin.db")
    let queue = try DatabaseQueue(path: path, configuration: configuration)
    let answer = try queue.unsafeRead { try Int.fetchOne($0, sql: "PRAGMA synchronous") }
    #expect(answer == 1)
  }

  @Test func `nobody else may read the ledger`() throws {
    let folder = try Directory(path: books.directory)
    #expect(try folder.descriptor.status().mode == 0o700)
    for name in try folder.entries() { #expect(try folder.status(name).mode == 0o600, "\(name)") }
    #expect(try folder.entries().contains("ledger.db-wal"))
  }

  @Test func `a place where others write is refused`() throws {
    let folder = try Directory(path: books.directory)
    for (path, mode) in [(".", 0o770), ("ledger.db", 0o602)] as [(String, UInt32)] {
      let file = try folder.open(path, 0)
      let before = try file.status().mode
      try file.set(mode: mode)
      #expect(throws: LedgerError.self) { try Ledger(at: books.directory) }
      try file.set(mode: before)
    }
    _ = try Ledger(at: books.directory)
  }

  @Test func `a second ledger is not made over the first`() throws {
    #expect(throws: LedgerError.self) {
      try Ledger.create(at: books.directory, spool: "other", now: 0, actor: "test")
    }
    #expect(try Ledger(at: books.directory).spool == "spool-1")
    #expect(
      try Directory(path: books.directory).names().allSatisfy { $0.starts(with: "ledger".utf8) })
  }

  @Test func `a missing ledger, another file and another version are told apart`() throws {
    let folder = TemporaryDirectory()
    #expect(throws: LedgerError.self) { try Ledger(at: folder.path("none")) }
    try folder.write("ledger.db", text: String(repeating: "no database ", count: 1000))
    #expect {
      try Ledger(at: folder.path)
    } throws: { error in
      if case .unknownFormat? = error as? LedgerError { true } else { false }
    }
    try Raw(books.file).run("PRAGMA user_version = 2")
    #expect(throws: LedgerError.unknownFormat(what: books.file, found: "version 2, expected 1")) {
      try Ledger(at: books.directory)
    }
  }

  @Test func `a ledger without one of its triggers is not written to`() throws {
    try Raw(books.file).run("DROP TRIGGER entry_no_update")
    let finding = Finding(table: "schema", seq: nil, row: "entry_no_update", problem: "gone")
    #expect(throws: LedgerError.tampered([finding])) { try Ledger(at: books.directory) }
    let reader = try Ledger(at: books.directory, readOnly: true)
    #expect(try reader.verify().findings == [finding])
  }

  @Test func `a ledger is the same after it was opened again`() throws {
    try books.reserve(1)
    let head = try books.ledger.head()
    let again = try Ledger(at: books.directory)
    #expect(try again.head() == head)
    #expect(try again.currentEpoch() == books.epoch)
    #expect(try again.openReservations().map(\.job) == [.number(1)])
    #expect(try again.verify(against: [head]).isClean)
  }
}
