internal import EdgeJob
internal import EdgeSystem
internal import GRDB
internal import Glibc

extension Ledger {
  /// Makes a new ledger with its chart of accounts, and opens it.
  ///
  /// The file appears under its name only when it is complete and durable; after a crash there is
  /// none.
  /// - Parameters:
  ///   - directory: made with mode 0700 where it is missing; its parent must exist.
  ///   - spool: the id of the spool.
  ///   - now: milliseconds UTC.
  ///   - actor: who does it, for the first entry.
  /// - Throws: `unavailable` where there is a ledger already or the place cannot be used.
  package static func create(at directory: String, spool: String, now: Int64, actor: String)
    throws(LedgerError) -> Ledger
  {
    let directory = withoutSlash(directory)
    try Draft.check(actor: actor)
    guard !spool.isEmpty, spool.utf8.count <= 200 else {
      throw .invalid(what: "spool id", why: "1 … 200 bytes are needed")
    }
    do {
      let parent = try Directory(path: parent(of: directory))
      try parent.ensureDirectory(lastComponent(of: directory), mode: 0o700)
      try parent.sync()
      let folder = try Directory(path: directory)
      if folder.contains(Connection.fileName) {
        throw LedgerError.unavailable(what: directory, why: "it holds a ledger already")
      }
      // A fixed mode before SQLite opens it: its journal files inherit it.
      let temporary = ".\(Connection.fileName).\(Hex16.random())"
      _ = try folder.open(temporary, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
      do {
        try fill("\(directory)/\(temporary)", spool: spool, now: now, actor: actor)
        try folder.open(temporary, O_RDWR).sync()
        try folder.rename(temporary, to: folder, Connection.fileName)
        try folder.sync()
      } catch {
        for suffix in ["", "-wal", "-shm", "-journal"] { try? folder.remove(temporary + suffix) }
        throw error
      }
    } catch let error as LedgerError {
      throw error
    } catch {
      throw .unavailable(what: directory, why: "\(error)")
    }
    return try Ledger(at: directory)
  }

  private static func fill(_ path: String, spool: String, now: Int64, actor: String)
    throws(LedgerError)
  {
    let queue = try Connection.open(path, readOnly: false) { _ in }
    try Connection.translating(path) {
      try queue.writeWithoutTransaction { database in
        try database.inTransaction(.exclusive) {
          try Schema.create(database)
          try database.execute(sql: "INSERT INTO meta VALUES ('spool', ?)", arguments: [spool])
          let batch = Batch(database, beginning: now, actor: actor)
          try batch.append(
            Draft(reason: "", fact: .genesis(spool: spool, accounts: AccountKind.chart)))
          return .commit
        }
      }
      // Closing folds the journal into the file, so that one file is the whole ledger.
      try queue.close()
    }
  }

  private static func withoutSlash(_ path: String) -> String {
    var path = path
    while path.count > 1, path.last == "/" { path.removeLast() }
    return path
  }

  private static func parent(of path: String) -> String {
    guard let cut = path.lastIndex(of: "/") else { return "." }
    return cut == path.startIndex ? "/" : String(path[..<cut])
  }

  private static func lastComponent(of path: String) -> String {
    String(path[(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)...])
  }
}
