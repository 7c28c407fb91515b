import EdgeJob
import EdgeLedger
import EdgeSystem
import EdgeTestSupport
import GRDB

/// A ledger of its own for one test: credits in the treasury, one user, one worker.
final class Books {
  let folder = TemporaryDirectory()
  let ledger: Ledger
  private(set) var epoch: UInt32

  static let start: Int64 = 1_700_000_000_000
  static let ann = "user:ann"
  static let worker = "worker:w1"

  /// - Parameter credits: what `user:ann` gets; the treasury holds 1000 credits more.
  init(credits: Int64 = 100) throws {
    let path = folder.path("ledger")
    ledger = try Ledger.create(at: path, spool: "spool-1", now: Books.start, actor: "test")
    epoch = try ledger.takeEpoch(now: Books.start, actor: "test")
    try write { writer throws(LedgerError) in
      try writer.issue(.whole(credits + 1000), reason: "budget")
      try writer.openAccount(Books.ann, kind: .user)
      try writer.openAccount(Books.worker, kind: .worker)
      if credits > 0 { try writer.grant(Books.ann, .whole(credits), reason: "start") }
    }
  }

  var directory: String { folder.path("ledger") }
  var file: String { folder.path("ledger/ledger.db") }

  @discardableResult
  func write<T>(
    now: Int64 = Books.start, _ body: (borrowing LedgerWriter) throws(LedgerError) -> T
  ) throws(LedgerError) -> T {
    try ledger.write(epoch: epoch, now: now, actor: "test", body)
  }

  func takeEpoch() throws { epoch = try ledger.takeEpoch(now: Books.start, actor: "test") }

  /// A reservation of one credit.
  func reserve(_ number: Int, _ credits: Int64 = 1) throws {
    _ = try write { writer throws(LedgerError) in
      try writer.reserve(job: .number(number), account: Books.ann, amount: .whole(credits))
    }
  }

  /// Posts half a credit of a job.
  func post(_ number: Int) throws {
    _ = try write { writer throws(LedgerError) in
      try writer.post(
        job: .number(number), amount: Credits(micro: 500_000), worker: "w1", fence: .first,
        attempt: 1, receipt: .number(number))
    }
  }
}

extension Credits {
  static func whole(_ credits: Int64) -> Credits { Credits(micro: credits * 1_000_000) }
}

extension JobID {
  /// Always the same id for a number.
  static func number(_ number: Int) -> JobID { JobID(prefixOf: .number(number)) }
}

extension Digest {
  /// Always the same digest for a number.
  static func number(_ number: Int) -> Digest {
    Digest(bytes: Hash.sha256(Array("number \(number)".utf8)))
  }
}

extension Fence {
  static let first = Fence(epoch: 1, count: 1)
}

/// A connection that is not the ledger's: what anybody with the file can do.
struct Raw {
  let queue: DatabaseQueue

  /// - Parameter recursive: `recursive_triggers`, which the ledger always has on.
  init(_ path: String, recursive: Bool = true, checks: Bool = true) throws {
    var configuration = Configuration()
    configuration.foreignKeysEnabled = checks
    configuration.busyMode = .timeout(10)
    queue = try DatabaseQueue(path: path, configuration: configuration)
    try run("PRAGMA recursive_triggers = \(recursive ? "ON" : "OFF")")
    if !checks { try run("PRAGMA ignore_check_constraints = ON") }
  }

  func run(_ sql: String) throws {
    try queue.writeWithoutTransaction { try $0.execute(sql: sql) }
  }

  func integer(_ sql: String) throws -> Int64? {
    try queue.writeWithoutTransaction { try Int64.fetchOne($0, sql: sql) }
  }

  func text(_ sql: String) throws -> String? {
    try queue.writeWithoutTransaction { try String.fetchOne($0, sql: sql) }
  }

  /// Removes all triggers; gives what makes them again.
  @discardableResult
  func dropTriggers() throws -> [String] {
    try queue.writeWithoutTransaction { database in
      let rows = try Row.fetchAll(
        database, sql: "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
      for row in rows { try database.execute(sql: "DROP TRIGGER \(row[0] as String)") }
      return rows.map { $0[1] }
    }
  }
}
