internal import CJailPlan
internal import EdgeSystem
internal import Glibc

/// A user namespace that shows our own files as those of a slot's user, for mounts (IDMAP of
/// mount_setattr(2)). Nothing runs in it.
struct SlotMapping: ~Copyable, Sendable {
  /// The open namespace.
  let namespace: Descriptor
  /// Uid and gid as whose our files are shown.
  let user: UInt32

  /// - Parameter user: uid and gid of the slot.
  static func make(jail path: String, user: UInt32) throws(LaunchFailure) -> SlotMapping {
    let jail = try Jail.start(path)
    var writer = PlanWriter(kind: EC_KIND_MAPPING)
    try jail.order(writer.finish())
    _ = try jail.await { $0.isReady }
    do {
      let process = try Directory(path: "/proc/\(jail.process)")
      for name in ["uid_map", "gid_map"] {
        let file = try process.open(name, O_WRONLY)
        try file.write("0 \(user) 1".utf8)
      }
      let raw = openat(process.raw, "ns/user", O_RDONLY | O_CLOEXEC)
      guard raw >= 0 else { throw SystemError("open", "user namespace") }
      return SlotMapping(namespace: Descriptor(owning: raw), user: user)
    } catch let error as SystemError {
      throw LaunchFailure(stage: "snapshot", errno: error.errno, subject: error.subject)
    } catch {
      throw LaunchFailure(stage: "snapshot", errno: 0, subject: "\(error)")
    }
  }
}
