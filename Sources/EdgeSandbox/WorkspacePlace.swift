internal import CLinux
internal import EdgeSystem
internal import Glibc

/// The directory of a workspace where nothing can be mounted: below `$TMPDIR`, or /tmp, with a lock
/// that its owner holds as long as it lives. Removed with the value.
final class WorkspacePlace: Sendable {
  /// The real path.
  let path: String
  private let parent: Directory
  private let name: String
  /// The directory itself, locked.
  private let lock: Descriptor

  private static let prefix = "edgecoder-box-"

  /// - Parameter group: who may enter beside us; nil = nobody.
  /// - Throws: stage `workspace`.
  init(group: UInt32?) throws(LaunchFailure) {
    let base = WorkspacePlace.base
    try WorkspacePlace.check(base, forOthers: group != nil)
    do {
      parent = try Directory(path: base)
      while true {
        let name = WorkspacePlace.prefix + Hex16.random()
        try parent.makeDirectory(name, mode: 0o700)
        guard let lock = try WorkspacePlace.lock(name, in: parent) else { continue }
        if let group {
          guard fchown(lock.raw, uid_t.max, group) == 0 else {
            throw SystemError("chown", name)
          }
          // Only through: nobody lists what is in it.
          try lock.set(mode: 0o710)
        }
        self.name = name
        self.lock = lock
        break
      }
    } catch let error as SystemError {
      throw LaunchFailure(
        stage: "workspace", errno: error.errno, subject: error.subject,
        hint: "Set TMPDIR to a directory in which the worker may make others.")
    } catch {
      throw LaunchFailure(stage: "workspace", errno: 0, subject: "\(error)")
    }
    path = "\(base)/\(name)"
  }

  deinit { try? parent.removeTree(name) }

  /// The directory, opened once more.
  func open() throws(SystemError) -> Directory {
    Directory(owning: try lock.duplicate(), name: "workspace")
  }

  private static var base: String {
    let wanted = Identity.environment("TMPDIR") ?? "/tmp"
    guard let resolved = realpath(wanted, nil) else { return wanted }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// What is wrong with the place is about this machine, and must not look like a task's mistake.
  private static func check(_ base: String, forOthers: Bool) throws(LaunchFailure) {
    func failure(_ problem: String) -> LaunchFailure {
      LaunchFailure(
        stage: "workspace", errno: 0, subject: "\(base): \(problem)",
        hint: "Set TMPDIR to a directory that every user may enter and run programs in.")
    }
    guard base.hasPrefix("/") else { throw failure("is no absolute path") }
    if InsidePath.systemParts.contains(where: { base == $0 || base.hasPrefix($0 + "/") }) {
      throw failure("is a part of the system that every run can read")
    }
    var info = statvfs()
    // ST_NOEXEC
    if statvfs(base, &info) == 0, info.f_flag & 8 != 0 {
      throw failure("lies on a file system without programs")
    }
    guard forOthers else { return }
    var path = ""
    for part in base.split(separator: "/") {
      path += "/\(part)"
      var status = stat()
      if stat(path, &status) == 0, status.st_mode & S_IXOTH == 0 {
        throw failure("is closed to other users at \(path)")
      }
    }
  }

  /// Opens and locks a directory of ours; nil where another process has it, or has just removed it.
  private static func lock(_ name: String, in parent: borrowing Directory) throws(SystemError)
    -> Descriptor?
  {
    guard let found = try? parent.open(name, O_RDONLY | O_DIRECTORY) else { return nil }
    guard ec_flock(found.raw) == 0 else { return nil }
    let status = try found.status()
    guard status.owner == Identity.user, let now = try? parent.status(name),
      now.inode == status.inode, now.device == status.device
    else { return nil }
    return found
  }

  /// Removes what processes left that were killed: whoever lives holds his lock.
  static func sweep() {
    guard let parent = try? Directory(path: base) else { return }
    for name in (try? parent.entries()) ?? [] where isOurs(name) {
      // The lock goes with this descriptor, when nothing is there any more.
      guard let lock = try? lock(name, in: parent) else { continue }
      try? parent.removeTree(name)
      _ = consume lock
    }
  }

  private static func isOurs(_ name: String) -> Bool {
    let rest = name.dropFirst(prefix.count)
    return name.hasPrefix(prefix) && rest.utf8.count == 16
      && rest.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }
}
