internal import EdgeSandbox
package import EdgeSystem
internal import Glibc

/// The number of a sandbox slot that no other process of this machine uses now: as root it decides
/// the uid that task code runs under, and two jobs must never share one.
///
/// Held as a lock below `/run/edgecoder`, so it is free again when the process dies.
package struct SlotLease: ~Copyable, Sendable {
  /// From 0; below `Sandbox.slotsMax`.
  package let number: Int
  private let lock: FileLock?

  /// The lowest free number.
  /// - Throws: where `/run/edgecoder` cannot be used, or all numbers are taken.
  package static func take() throws(SystemError) -> SlotLease {
    guard Identity.user == 0 else {
      // An ordinary user has one uid for all slots; the number only names things.
      return SlotLease(number: Int(Identity.process) % Sandbox.slotsMax, lock: nil)
    }
    let run = try Directory(path: "/run")
    try run.ensureDirectory("edgecoder")
    let directory = try run.directory("edgecoder")
    guard try directory.descriptor.status().owner == 0 else {
      throw SystemError("open", errno: EPERM, subject: "/run/edgecoder belongs to somebody else")
    }
    for number in 0..<Sandbox.slotsMax {
      if let lock = try FileLock.acquire(directory, "slot-\(number)") {
        return SlotLease(number: number, lock: lock)
      }
    }
    throw SystemError("lock", errno: EAGAIN, subject: "every slot of /run/edgecoder")
  }

  private init(number: Int, lock: consuming FileLock?) {
    self.number = number
    self.lock = lock
  }
}
