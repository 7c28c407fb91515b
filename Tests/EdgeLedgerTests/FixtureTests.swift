import EdgeJob
import EdgeSystem
import EdgeTestSupport
import GRDB
import Testing

@testable import EdgeLedger

/// A small ledger with an entry of every type, kept in the repository so that later code is held
/// to the bytes of earlier code.
///
/// `entries-1.jsonl` holds the entries, one a line, as they are hashed; `ledger-1.sql` the whole
/// file as SQL. Both are written anew where a test runs with EDGECODER_WRITE_FIXTURES=1. Do that
/// only for an addition: what is in them is evidence in other people's hands.
enum Fixture {
  static let folder = "\(RepositoryRoot.path)/Tests/EdgeLedgerTests/Fixtures"
  /// The head of the fixture.
  static let head = "bad5598bdfccfc9a10419b7a1d161eec88f8370bae54ca4bd52045c83108ecfd"

  static var isWritten: Bool { environmentVariable("EDGECODER_WRITE_FIXTURES") == "1" }

  static func read(_ name: String) throws -> [UInt8] {
    try Directory(path: folder).read(name, atMost: 100_000)
  }

  static func write(_ name: String, _ text: String) throws {
    try Directory(path: folder).overwrite(name, Array(text.utf8), mode: 0o644)
  }

  /// Does the same things every time.
  static func make(at directory: String) throws -> Ledger {
    let ledger = try Ledger.create(
      at: directory, spool: "7zzzzzzzzzzzzzzzzzzzzzzzzz", now: 1_700_000_000_000, actor: "uid:1000")
    try ledger.write(epoch: 0, now: 1_700_000_000_001, actor: "uid:1000") {
      writer throws(LedgerError) in
      try writer.issue(Credits(micro: 9_007_199_254_740_991), reason: "budget of the year")
      try writer.openAccount("user:ann", kind: .user, reason: "first user")
      try writer.openAccount("user:bob", kind: .user)
      try writer.openAccount("worker:w1", kind: .worker)
      try writer.allow(uid: 1000, account: "user:ann", makeDefault: true)
      try writer.allow(uid: 1001, account: "user:ann")
      try writer.allow(uid: 1001, account: "user:bob", makeDefault: true)
      try writer.revoke(uid: 1001, account: "user:bob", reason: "moved")
      try writer.grant("user:ann", .whole(100), reason: "grant \"№ 1\"\n\u{1}é😀")
      try writer.addKey(
        id: "w1+1f2e3d4c", algorithm: "ed25519", publicKey: Array(0..<32), purpose: "worker",
        holder: "w1")
    }
    let epoch = try ledger.takeEpoch(now: 1_700_000_000_002, actor: "coordinator")
    try ledger.write(epoch: epoch, now: 1_700_000_000_003, actor: "coordinator") {
      writer throws(LedgerError) in
      for job in 1...3 {
        try writer.reserve(
          job: .number(job), account: "user:ann", amount: .whole(10), submitter: 1000,
          facts: ["tariff": 1, "cpuMs": 10_000])
      }
      try writer.post(
        job: .number(1), amount: Credits(micro: 1_234_567), worker: "w1",
        fence: Fence(epoch: 1, count: 2), attempt: 1, receipt: .number(1),
        facts: ["tariff": 1, "cpuMs": 1234, "verdict": "passed"])
      try writer.void(job: .number(2), reason: "cancelled", facts: ["uid": 1000])
      try writer.record("fault", facts: ["job": "x", "fault": "workerLost"], reason: "no sign")
      try writer.reserve(job: .number(2), round: 2, account: "user:ann", amount: .whole(5))
    }
    let next = try ledger.takeEpoch(now: 1_600_000_000_000, actor: "coordinator")
    try ledger.write(epoch: next, now: 1_700_000_100_000, actor: "coordinator") {
      writer throws(LedgerError) in
      try writer.post(
        job: .number(2), round: 2, amount: .whole(5), worker: "w1",
        fence: Fence(epoch: 2, count: 1), attempt: 2, receipt: .number(2))
      try writer.reclaim("worker:w1", .whole(6), reason: "paid out")
      try writer.retireKey(id: "w1+1f2e3d4c", reason: "rotated")
      try writer.closeAccount("user:bob", reason: "left")
    }
    return ledger
  }

  /// The whole file as SQL: tables, rows in the order of their keys, then indexes and triggers.
  static func dump(_ path: String) throws -> String {
    let queue = try Raw(path).queue
    return try queue.unsafeRead { database in
      var lines = [
        "PRAGMA application_id = \(Schema.applicationID);",
        "PRAGMA user_version = \(Schema.version);",
      ]
      for item in Schema.items where Schema.tableNames.contains(item.name) {
        lines.append(item.sql + ";")
      }
      for table in Schema.tableNames {
        let names = try Row.fetchAll(database, sql: "PRAGMA table_info(\(table))")
          .map { $0["name"] as String }
        let values = names.map { "quote(\($0))" }.joined(separator: " || ', ' || ")
        let rows = try String.fetchAll(database, sql: "SELECT \(values) FROM \(table)")
        lines += rows.map { "INSERT INTO \(table) VALUES(\($0));" }
      }
      for item in Schema.items where !Schema.tableNames.contains(item.name) {
        lines.append(item.sql + ";")
      }
      return lines.joined(separator: "\n") + "\n"
    }
  }
}

@Suite struct FixtureTests {
  @Test func `the same acts give the same bytes as ever`() throws {
    let folder = TemporaryDirectory()
    let ledger = try Fixture.make(at: folder.path("ledger"))
    let lines = try ledger.entries(from: 0, limit: .max)
      .map { String(decoding: $0.body, as: UTF8.self) }
    let text = lines.joined(separator: "\n") + "\n"
    if Fixture.isWritten {
      try Fixture.write("entries-1.jsonl", text)
      try Fixture.write("ledger-1.sql", try Fixture.dump(folder.path("ledger/ledger.db")))
    }
    #expect(try Fixture.read("entries-1.jsonl") == Array(text.utf8))
    #expect(try ledger.head().hash.hex == Fixture.head)
    let types = Set(try ledger.entries(from: 0, limit: .max).map(\.type))
    #expect(types == Fact.reservedTypes.union(["fault"]))
  }

  @Test func `a ledger of the first version is read, verified and written on`() throws {
    let folder = TemporaryDirectory()
    try folder.write("ledger.db", [])
    try Raw(folder.path("ledger.db")).run(
      String(decoding: try Fixture.read("ledger-1.sql"), as: UTF8.self))
    let ledger = try Ledger(at: folder.path)
    let head = try ledger.head()
    #expect(head.hash.hex == Fixture.head)
    #expect(try ledger.verify(against: [head]).findings == [])
    #expect(ledger.spool == "7zzzzzzzzzzzzzzzzzzzzzzzzz")
    #expect(try ledger.balance("user:ann").available == Credits(micro: 83_765_433))
    #expect(try ledger.openReservations().map(\.job) == [.number(3)])
    #expect(try ledger.acceptedResult(job: .number(2))?.fence == Fence(epoch: 2, count: 1))
    #expect(try ledger.keys().map(\.retired) == [head.size - 2])
    try ledger.write(epoch: 2, now: 0, actor: "test") { writer throws(LedgerError) in
      try writer.void(job: .number(3), reason: "cancelled")
    }
    #expect(try ledger.verify(against: [head]).findings == [])
  }

  @Test func `every entry survives being read`() throws {
    var walk = try Walk(seed: Seed(3))
    try walk.run(steps: 100)
    for entry in try walk.books.ledger.entries(from: 0, limit: .max) {
      #expect(entry.json.canonical == entry.body)
      #expect(try Entry(body: entry.body, hash: entry.hash) == entry)
    }
  }

  @Test(arguments: [
    #"{"a":1}"#, "[]", "", #"{"schema":"edgecoder.entry/2"}"#,
  ])
  func `other bytes are no entry`(text: String) {
    #expect(throws: JSONError.self) { try Entry(body: Array(text.utf8), hash: .number(1)) }
  }

  @Test func `an unknown member makes an entry unknown`() throws {
    let line = String(decoding: try Fixture.read("entries-1.jsonl"), as: UTF8.self)
      .split(separator: "\n")[1]
    let body = Array(line.utf8)
    _ = try Entry(body: body, hash: .number(1))
    let more = try JSON.parse(body).members ?? []
    let longer = JSON.object(more + [JSON.Member("zz", 1)]).canonical
    #expect(throws: JSONError.self) { try Entry(body: longer, hash: .number(1)) }
    #expect(throws: JSONError.self) { try Entry(body: body + [0x20], hash: .number(1)) }
  }
}
