internal import CLinux
package import EdgeJob
package import EdgeSystem
internal import Glibc
internal import Synchronization

/// A frozen tree of files that many workspaces are laid over: none of them changes it, and each
/// sees its files as its own user's. Lives in memory, in a file system of its own.
package final class Snapshot: Sendable {
  /// Where its files are put; nothing may be changed any more once a workspace lies over it.
  package let directory: Directory
  private let mount: Descriptor
  /// The same tree as each slot's user sees it. To take a mount apart, the kernel waits for all
  /// processors; so it is made once.
  private let mapped = Mutex<[UInt32: Int32]>([:])

  /// - Parameter limits: what it may take, as of the jobs that use it.
  /// - Throws: stage `snapshot`.
  package init(limits: Limits) throws(LaunchFailure) {
    let raw = ec_tmpfs(UInt64(limits.diskBytes), UInt64(limits.files) + 32)
    guard raw >= 0 else {
      throw LaunchFailure(stage: "snapshot", errno: errno, subject: "tmpfs")
    }
    mount = Descriptor(owning: raw)
    do {
      let top = Directory(owning: try mount.duplicate(), name: "snapshot")
      directory = try top.directory(".")
    } catch {
      throw LaunchFailure(stage: "snapshot", errno: error.errno, subject: error.subject)
    }
  }

  deinit {
    mapped.withLock { table in for raw in table.values { close(raw) } }
  }

  /// Bytes that its files take.
  package var bytes: Int64 {
    var numbers: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    guard ec_quota(directory.raw, &numbers.0, &numbers.1, &numbers.2, &numbers.3) == 0 else {
      return 0
    }
    return Int64(numbers.0 - numbers.1)
  }

  /// A detached overlay of it and two directories.
  func overlay(
    upper: borrowing Directory, work: borrowing Directory, as slot: borrowing SlotMapping
  )
    throws(LaunchFailure) -> Descriptor
  {
    let user = slot.user
    let namespace = slot.namespace.raw
    let lower = try mapped.withLock { (table) throws(LaunchFailure) in
      if let known = table[user] { return known }
      let made = ec_map_tree(mount.raw, namespace)
      guard made >= 0 else {
        throw LaunchFailure(stage: "snapshot", errno: errno, subject: "mapping of users")
      }
      table[user] = made
      return made
    }
    let overlay = ec_overlay(lower, upper.raw, work.raw)
    guard overlay >= 0 else {
      throw LaunchFailure(stage: "snapshot", errno: errno, subject: "overlay").explained()
    }
    return Descriptor(owning: overlay)
  }
}
