internal import EdgeSystem
internal import GRDB
internal import Synchronization

/// The books: an append-only, hash-chained SQLite file of double-entry transfers.
///
/// One value is one connection; calls block, and run one after the other. There is one writer at a
/// time: the process that holds the leader lock and has taken the current epoch.
package final class Ledger: Sendable {
  /// The id of the spool that this ledger belongs to.
  package let spool: String
  /// The file.
  package let path: String
  let queue: DatabaseQueue
  let isReadOnly: Bool
  /// Set once the device did not take a commit. A second try could seem to succeed without the
  /// bytes being there (fsync(2) reports an error once), so this value writes no more.
  private let failure = Mutex<LedgerError?>(nil)

  /// Opens an existing ledger.
  /// - Parameters:
  ///   - directory: the folder that holds `ledger.db`; neither may be open to others.
  ///   - readOnly: refuses every write and creates nothing; also opens a ledger whose tables were
  ///     tampered with, so that it can be verified.
  /// - Throws: `unavailable` where there is none or others may write to it, `unknownFormat`,
  ///   `tampered` where a table or trigger is not ours.
  package init(at directory: String, readOnly: Bool = false) throws(LedgerError) {
    path = "\(directory)/\(Connection.fileName)"
    isReadOnly = readOnly
    try Ledger.checkPlace(directory)
    var spool: String?
    queue = try Connection.open(path, readOnly: readOnly) { [path] database in
      try Schema.checkFormat(database, path)
      if !readOnly {
        let findings = try Schema.differences(database)
        if !findings.isEmpty { throw LedgerError.tampered(findings) }
      }
      spool = try String.fetchOne(database, sql: "SELECT value FROM meta WHERE name = 'spool'")
    }
    self.spool = spool ?? ""
  }

  /// The folder and the file must belong to us or root, and nobody else may write to them.
  private static func checkPlace(_ directory: String) throws(LedgerError) {
    let folder: FileStatus
    let file: FileStatus
    do {
      let opened = try Directory(path: directory)
      folder = try opened.descriptor.status()
      file = try opened.status(Connection.fileName)
    } catch {
      throw .unavailable(what: "\(directory)/\(Connection.fileName)", why: "\(error)")
    }
    let us = Identity.user
    for (status, what) in [(folder, directory), (file, "\(directory)/\(Connection.fileName)")] {
      guard status.mode & 0o022 == 0, status.owner == us || status.owner == 0 else {
        throw .unavailable(
          what: what, why: "uid \(status.owner) owns it and its mode is \(status.mode.octal)")
      }
    }
    guard file.kind == .file else {
      throw .unavailable(what: "\(directory)/\(Connection.fileName)", why: "no regular file")
    }
  }

  /// Throws the error after which nothing may be written any more.
  func checkWritable() throws(LedgerError) {
    if isReadOnly { throw .unavailable(what: path, why: "it is open for reading only") }
    if let failure = failure.withLock({ $0 }) { throw failure }
  }

  /// Remembers that the device failed.
  func noteFailure(_ error: LedgerError) {
    guard case .notDurable = error else { return }
    failure.withLock { if $0 == nil { $0 = error } }
  }

  /// Runs several reads on one unchanging state; also inside of `write`, where it sees what was
  /// written so far.
  func read<T>(_ body: (Database) throws -> T) throws(LedgerError) -> T {
    try Connection.translating(path) {
      try queue.unsafeReentrantRead { database in
        if database.isInsideTransaction { return try body(database) }
        try database.beginTransaction(.deferred)
        defer { try? database.rollback() }
        return try body(database)
      }
    }
  }
}

extension UInt32 {
  fileprivate var octal: String { String(self, radix: 8) }
}
