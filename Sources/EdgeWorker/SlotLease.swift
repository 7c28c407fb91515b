internal import EdgeSandbox
package import EdgeSystem
internal import Glibc

/// The number of a sandbox slot that no other process uses now: it decides on which processors task
/// code runs, and as root under which uid, which two jobs must never share.
///
/// Held as a lock below `/run/edgecoder`, so it is free again when the process dies. An ordinary
/// user's lie below `$XDG_RUNTIME_DIR`, or /tmp.
package struct SlotLease: ~Copyable, Sendable {
  /// From 0; below `Sandbox.slotsMax`.
  package let number: Int
  private let lock: FileLock?

  /// The lowest free number.
  /// - Throws: where root cannot use `/run/edgecoder`, or all numbers are taken.
  package static func take() throws(SystemError) -> SlotLease {
    if Identity.user == 0 { return try take(in: "/run", "edgecoder") }
    let name = "edgecoder-\(Identity.user)"
    for place in [Identity.environment("XDG_RUNTIME_DIR"), "/tmp"].compactMap(\.self) {
      if let lease = try? take(in: place, name) { return lease }
    }
    // One uid for all slots: at worst, two of them share a processor.
    return SlotLease(number: Int(Identity.process) % Sandbox.slotsMax, lock: nil)
  }

  /// - Parameters:
  ///   - place: a directory of the machine.
  ///   - name: of ours in it, made where it is missing.
  package static func take(in place: String, _ name: String) throws(SystemError) -> SlotLease {
    let parent = try Directory(path: place)
    try parent.ensureDirectory(name)
    let directory = try parent.directory(name)
    guard try directory.descriptor.status().owner == Identity.user else {
      throw SystemError("open", errno: EPERM, subject: "\(place)/\(name) is somebody else's")
    }
    for number in 0..<Sandbox.slotsMax {
      if let lock = try FileLock.acquire(directory, "slot-\(number)") {
        return SlotLease(number: number, lock: lock)
      }
    }
    throw SystemError("lock", errno: EAGAIN, subject: "every slot of \(place)/\(name)")
  }

  private init(number: Int, lock: consuming FileLock?) {
    self.number = number
    self.lock = lock
  }
}
