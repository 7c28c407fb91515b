package import EdgeJob
package import EdgeSystem
internal import Glibc

/// A directory tree that is a queue. A job is in exactly one state directory, and every change of
/// state is one atomic rename inside one file system.
package final class Spool: Sendable {
  /// The tree; every path in `Layout` is relative to it.
  package let root: Directory
  /// How it was opened.
  package let path: String
  package let file: SpoolFile
  /// The uid that owns the tree: the coordinator's.
  package let owner: UInt32

  /// The id that all evidence of this spool names.
  package var id: String { file.id }
  /// True where members of a group may submit.
  package var isShared: Bool { file.features.contains("shared") }
  /// True where `--now` may stand in for the clock.
  package var hasTestClock: Bool { file.features.contains("testClock") }

  /// Opens an existing spool.
  /// - Throws: `unavailable` where there is none, `notPermitted` where it belongs to somebody other
  ///   than the caller or root, or is writable by more people than its table says, `unknownFormat`.
  package init(path: String) throws(SpoolError) {
    self.path = path
    do {
      root = try Directory(path: path)
    } catch  where error.isNotFound {
      throw SpoolError(
        .unavailable, "there is no spool at \(path)",
        hint: "make one with: edgecoder init --spool \(path)")
    } catch {
      throw SpoolError(error)
    }
    let status: FileStatus
    do { status = try root.descriptor.status() } catch { throw SpoolError(error) }
    owner = status.owner
    let isTrusted = status.owner == Identity.user || status.owner == 0 || Identity.user == 0
    let foreign = SpoolError(
      .notPermitted, "the spool \(path) belongs to uid \(status.owner), not to you",
      hint: "name another one with --spool, or ask its owner for init --shared")
    let bytes: [UInt8]
    do { bytes = try root.read(SpoolFile.name, atMost: 1 << 16) } catch  where error.isNotFound {
      if !isTrusted { throw foreign }
      throw SpoolError(
        .unavailable, "\(path) is no spool: it has no \(SpoolFile.name)",
        hint: "make one with: edgecoder init --spool \(path)")
    } catch {
      throw SpoolError(error)
    }
    file = try SpoolFile(bytes: bytes)
    // Who shares a spool wants others to use it, and who names it wants to use that one. What an
    // owner could then do is to lie about his own jobs' results, which he can anyway.
    if !isTrusted, !file.features.contains("shared") { throw foreign }
    try Spool.checkModes(
      root, owner: owner, isShared: file.features.contains("shared"), path: path)
  }

  /// Refuses directories that more people may write than the layout says, or that are somebody
  /// else's.
  private static func checkModes(
    _ root: borrowing Directory, owner: UInt32, isShared: Bool, path: String
  ) throws(SpoolError) {
    let ledger = root.contains(Layout.ledger) ? [Layout.ledger] : []
    for name in [""] + Layout.directories + ledger {
      // An earlier version made no folder for batches; who leads makes it.
      if name == Layout.batches, !root.contains(name) { continue }
      let status = try calls { () throws(SystemError) in
        try name.isEmpty ? root.descriptor.status() : root.status(name)
      }
      guard status.owner == owner || status.owner == 0 else {
        throw SpoolError(
          .notPermitted, "\(path)/\(name) belongs to uid \(status.owner), not to uid \(owner)",
          hint: "chown it to \(owner) once you know who wrote there")
      }
      let allowed: UInt32 = isShared && Layout.dropBoxes.contains(name) ? 0o1733 : 0o755
      guard status.kind == .directory, status.mode & 0o022 & ~allowed == 0,
        status.mode & 0o022 == 0 || status.mode & 0o1000 != 0
      else {
        throw SpoolError(
          .notPermitted, "\(path)/\(name) is writable by others (mode \(octal(status.mode)))",
          hint: "chmod it to \(octal(allowed)) once you know who wrote there")
      }
    }
  }

  private static func octal(_ mode: UInt32) -> String { String(mode, radix: 8) }

  static func calls<Result>(_ body: () throws(SystemError) -> Result) throws(SpoolError) -> Result {
    do { return try body() } catch { throw SpoolError(error) }
  }

  /// A directory of the tree, opened for use; drop boxes of others cannot be listed.
  package func directory(_ name: String) throws(SpoolError) -> Directory {
    do {
      return try root.directory(name)
    } catch {
      if error.errno != EACCES { throw SpoolError(error) }
    }
    do { return try root.place(name) } catch { throw SpoolError(error) }
  }

  /// The id of a new job: derived from the key, or new.
  package func jobID(account: String, key: String?) -> JobID {
    if let key {
      let bytes = JobID.keyedPreimage(spool: id, account: account, key: key)
      return JobID(prefixOf: Digest(bytes: Hash.sha256(bytes)))
    }
    return JobID(milliseconds: Clocks.milliseconds(), random: Random.bytes(10))
  }

  /// Makes the changed names of a directory durable, also where we may not list it.
  func sync(_ directory: borrowing Directory, file: borrowing Descriptor) throws(SystemError) {
    do {
      try directory.sync()
    } catch  where error.errno == EBADF {
      // A drop box that we may not read: flush the whole file system through our own file.
      let copy = Directory(owning: try file.duplicate(), name: directory.name)
      try copy.syncFileSystem()
    }
  }
}
