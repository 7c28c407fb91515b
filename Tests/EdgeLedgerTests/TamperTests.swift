import EdgeJob
import EdgeLedger
import EdgeSystem
import EdgeTestSupport
import FoundationEssentials
import GRDB
import Testing

/// Somebody with the file changes it behind our back.
struct Tamper {
  let folder = TemporaryDirectory()
  let raw: Raw
  private let triggers: [String]

  /// A copy of the ledger, its triggers out of the way.
  init(_ bytes: [UInt8]) throws {
    try folder.write("ledger.db", bytes)
    raw = try Raw(folder.path("ledger.db"), checks: false)
    triggers = try raw.dropTriggers()
  }

  /// Puts the triggers back, so that nothing but the change can be found.
  func verify(against heads: [Head] = []) throws -> Verification {
    for sql in triggers { try raw.run(sql) }
    return try Ledger(at: folder.path, readOnly: true).verify(against: heads)
  }

  /// A change that was made.
  struct Change: CustomStringConvertible {
    let table: String
    let sql: String
    let arguments: [DatabaseValue]
    var description: String { "\(sql) \(arguments)" }
  }

  /// One change to one row, or nil where SQLite did not take it.
  func change(_ random: inout SplitMix64) throws -> Change? {
    let table = random.one(of: Tamper.tables)
    let columns = try raw.queue.unsafeRead {
      try Row.fetchAll($0, sql: "PRAGMA table_info(\(table))").map { $0["name"] as String }
    }
    let key = try raw.queue.unsafeRead {
      try Row.fetchAll($0, sql: "PRAGMA table_info(\(table))").filter { $0["pk"] as Int > 0 }
        .map { $0["name"] as String }
    }
    let rows = try raw.queue.unsafeRead { try Row.fetchAll($0, sql: "SELECT * FROM \(table)") }
    guard let row = rows.randomElement(using: &random) else { return nil }
    let column = random.one(of: columns)
    let place = key.map { "\($0) = ?" }.joined(separator: " AND ")
    let values = key.map { row[$0] as DatabaseValue }
    let sql: String
    var arguments: [DatabaseValue]
    switch random.number(0...5) {
    case 0: (sql, arguments) = ("DELETE FROM \(table) WHERE \(place)", values)
    case 1:
      let list = columns.map { $0 == column ? "?" : $0 }.joined(separator: ", ")
      sql = "INSERT INTO \(table) SELECT \(list) FROM \(table) WHERE \(place)"
      arguments = [Tamper.other(row[column], &random)] + values
    case 2:
      let value = random.one(of: rows)[column] as DatabaseValue
      if value == row[column] as DatabaseValue { return nil }
      sql = "UPDATE \(table) SET \(column) = ? WHERE \(place)"
      arguments = [value] + values
    default:
      sql = "UPDATE \(table) SET \(column) = ? WHERE \(place)"
      arguments = [Tamper.other(row[column], &random)] + values
    }
    do {
      try raw.queue.writeWithoutTransaction {
        try $0.execute(sql: sql, arguments: StatementArguments(arguments))
      }
    } catch is DatabaseError {
      return nil
    }
    return Change(table: table, sql: sql, arguments: arguments)
  }

  static let tables = [
    "meta", "account", "key", "entry", "transfer", "reservation", "job_posting", "allow",
  ]

  /// Another value of the same type.
  private static func other(_ value: DatabaseValue, _ random: inout SplitMix64) -> DatabaseValue {
    switch value.storage {
    case .int64(let integer):
      return (integer &+ random.one(of: [-1000, -1, 1, 7, 1 << 40])).databaseValue
    case .string(let text): return (text + "x").databaseValue
    case .blob(var data):
      if let index = data.indices.randomElement(using: &random) {
        data[index] ^= 1 << UInt8(random.number(0...7))
      }
      return data.databaseValue
    default: return random.number(0...50 as ClosedRange<Int64>).databaseValue
    }
  }
}

@Suite struct TamperTests {
  /// The bytes of one walk's ledger, without a journal beside them, and its last heads.
  static func ledger(seed: Seed, steps: Int) throws -> (bytes: [UInt8], heads: [Head]) {
    var walk = try Walk(seed: seed)
    // Without these some tables could be empty.
    try walk.books.write { writer throws(LedgerError) in
      try writer.allow(uid: 1, account: Books.ann, makeDefault: true)
      try writer.addKey(
        id: "k0", algorithm: "ed25519", publicKey: [7], purpose: "coordinator", holder: "here")
      try writer.reserve(job: .number(1000), account: Books.ann, amount: .whole(1))
    }
    var heads = [try walk.books.ledger.head()]
    walk.shadow.reserved[Books.ann, default: 0] += 1_000_000
    for _ in 0..<steps {
      try walk.run(steps: 1)
      heads.append(try walk.books.ledger.head())
    }
    _ = try Raw(walk.books.file).text("PRAGMA wal_checkpoint(TRUNCATE)")
    return (try walk.books.folder.read("ledger/ledger.db"), heads)
  }

  /// Made once, since every seed flips a bit of the same one.
  private static let small = Result { try ledger(seed: Seed(1), steps: 30) }

  @Test(arguments: Seed.some(5))
  func `every change to every table is found, and where`(seed: Seed) throws {
    let (bytes, _) = try Self.ledger(seed: seed, steps: 60)
    #expect(try Tamper(bytes).verify().findings == [])
    var random = SplitMix64(seed)
    var changed: [String: Int] = [:]
    while changed.values.reduce(0, +) < 40 {
      let tamper = try Tamper(bytes)
      guard let change = try tamper.change(&random) else { continue }
      let findings = try tamper.verify().findings
      changed[change.table, default: 0] += 1
      #expect(findings.contains { $0.table == change.table }, "\(change): \(findings)")
    }
    #expect(changed.count >= 5)
  }

  @Test(arguments: Seed.some(40))
  func `a flipped bit in the file never passes for clean, or changes nothing`(seed: Seed) throws {
    let (bytes, heads) = try Self.small.get()
    var random = SplitMix64(seed)
    var flipped = bytes
    // The first page's header holds counters that mean nothing for the content.
    let index = random.number(100...bytes.count - 1)
    flipped[index] ^= 1 << UInt8(random.number(0...7))
    let folder = TemporaryDirectory()
    try folder.write("ledger.db", flipped)
    let contents = { (path: String) in
      try Raw(path).queue.unsafeRead { database in
        try Tamper.tables.map { try Row.fetchAll(database, sql: "SELECT * FROM \($0)") }
      }
    }
    do {
      let ledger = try Ledger(at: folder.path, readOnly: true)
      guard try ledger.verify(against: heads).isClean else { return }
      // Free space of a page: every row is still what it was.
      let whole = TemporaryDirectory()
      try whole.write("ledger.db", bytes)
      #expect(try contents(folder.path("ledger.db")) == contents(whole.path("ledger.db")))
    } catch is LedgerError {
      // It does not even open.
    }
  }

  @Test func `yesterday's copy is found against a head of today, and only so`() throws {
    let books = try Books()
    try books.reserve(1)
    let old = try copy(books)
    let before = try books.ledger.head()
    try books.reserve(2)
    let today = try books.ledger.head()
    let ledger = try Ledger(at: old.path, readOnly: true)
    #expect(try ledger.verify(against: [today, before]).findings.map(\.table) == ["head"])
    // What it cannot tell: by itself the old copy is a correct ledger.
    #expect(try ledger.verify(against: [before]).isClean)
  }

  @Test func `the tail after a trusted head is checked by itself`() throws {
    let books = try Books()
    let old = try books.ledger.head()
    try books.reserve(1)
    let middle = try books.ledger.head()
    try books.reserve(2)
    let head = try books.ledger.head()
    let tail = try books.ledger.verifyTail(since: middle)
    #expect(tail == Verification(entries: 1, head: head, findings: []))
    #expect(try books.ledger.verifyTail(since: head).entries == 0)
    let none = Head(size: 0, hash: Entry.genesisHash)
    #expect(try books.ledger.verifyTail(since: none).head == head)
    for wrong in [Head(size: middle.size, hash: old.hash), Head(size: 99, hash: head.hash)] {
      #expect(try books.ledger.verifyTail(since: wrong).findings.map(\.table) == ["head"])
    }
    let tamper = try Tamper(try copy(books).read("ledger.db"))
    try tamper.raw.run("UPDATE entry SET body = x'7b7d' WHERE seq = \(middle.size)")
    let cut = try Ledger(at: tamper.folder.path, readOnly: true).verifyTail(since: middle)
    #expect(cut.findings.first?.seq == middle.size)
    // Before the head it looks at nothing.
    let whole = try Ledger(at: tamper.folder.path, readOnly: true).verifyTail(since: head)
    #expect(whole.isClean)
  }

  @Test func `another history of the same length is found against a head, and only so`() throws {
    let (first, second) = (try Books(), try Books())
    try first.reserve(1)
    try second.reserve(2)
    let head = try first.ledger.head()
    let findings = try second.ledger.verify(against: [head]).findings
    #expect(findings.map(\.table) == ["head"])
    #expect(findings.first?.seq == head.size - 1)
    #expect(try second.ledger.verify().isClean)
  }

  @Test func `entries cut off the end leave their rows behind`() throws {
    let books = try Books()
    try books.reserve(1)
    try books.post(1)
    let tamper = try Tamper(try copy(books).read("ledger.db"))
    try tamper.raw.run("DELETE FROM entry WHERE seq >= (SELECT max(seq) - 1 FROM entry)")
    let tables = Set(try tamper.verify().findings.map(\.table))
    #expect(tables.isSuperset(of: ["transfer", "job_posting", "account"]))
  }

  /// A copy of the ledger's file in a folder of its own.
  private func copy(_ books: Books) throws -> TemporaryDirectory {
    _ = try Raw(books.file).text("PRAGMA wal_checkpoint(TRUNCATE)")
    let folder = TemporaryDirectory()
    try folder.write("ledger.db", try books.folder.read("ledger/ledger.db"))
    return folder
  }
}
