internal import CLinux
internal import Glibc

/// A hold on a process that somebody else started: its end can be waited for, and a signal never
/// reaches another one that got its number later. pidfd_open(2).
package struct RunningProcess: ~Copyable, Sendable {
  private let handle: Descriptor

  /// Nil where no such process runs here, or it is a later one with the same number.
  /// - Parameter started: as `startTime` gave it.
  package init?(_ process: Int32, started: Int64) {
    let raw = ec_pidfd_open(process)
    guard raw >= 0 else { return nil }
    let held = Descriptor(owning: raw)
    // Held first, looked at then: what it is now it stays.
    guard RunningProcess.startTime(process) == started else { return nil }
    handle = held
  }

  /// The pidfd, readable when the process has ended; borrowed.
  package var descriptor: Int32 { handle.raw }

  /// Sends it a signal.
  /// - Throws: EPERM where it is not ours, ESRCH where it has ended.
  package func signal(_ number: Int32) throws(SystemError) {
    let raw = handle.raw
    _ = try checked("pidfd_send_signal", "process") { ec_pidfd_signal(raw, number) }
  }

  /// When a process started, in clock ticks since boot: field 22 of proc(5) stat; nil where there
  /// is none.
  package static func startTime(_ process: Int32) -> Int64? {
    guard let directory = try? Directory(path: "/proc/\(process)"),
      let bytes = try? directory.read("stat", atMost: 4096),
      // The name before it is in parentheses, and may hold anything.
      let end = bytes.lastIndex(of: 0x29)
    else { return nil }
    let fields = bytes[bytes.index(after: end)...].split(separator: 0x20)
    return fields.count > 19 ? Int64(String(decoding: fields[19], as: UTF8.self)) : nil
  }
}
