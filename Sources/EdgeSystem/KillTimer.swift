internal import CLinux
internal import Glibc

/// A timer of the kernel that kills this process, timer_create(2): it does so also where the
/// process is stopped or waits for a disk, and at once when the machine wakes from a sleep in which
/// the time passed. What the process started has to die with it by itself.
package struct KillTimer: Sendable {
  private let number: Int32

  /// Not set yet.
  package init() throws(SystemError) {
    number = try checked("timer_create", "the end of this process") { ec_kill_timer() }
  }

  /// Kills this process then, and no earlier.
  /// - Parameter nanoseconds: since boot, `Clocks.bootNanoseconds`; nil is never.
  package func set(_ nanoseconds: Int64?) throws(SystemError) {
    let number = number
    // 0 would be never.
    let time = nanoseconds.map { max(1, $0) } ?? 0
    _ = try checked("timer_settime", "the end of this process") {
      ec_set_kill_timer(number, time)
    }
  }
}

extension Directory {
  /// True where the file system can be in use on other machines at the same time, as far as its
  /// kind says. What is not known to belong to one machine alone counts as shared.
  package var mayBeShared: Bool {
    // magic.h: ext, XFS, Btrfs, tmpfs, ramfs, overlay, F2FS, ZFS, bcachefs, ecryptfs.
    let local: Set<Int> = [
      0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994, 0x8584_58F6, 0x794C_7630, 0xF2F5_2010,
      0x2FC1_2FC1, 0xCA45_1A4E, 0xF15F,
    ]
    return !local.contains(ec_file_system(raw) & 0xFFFF_FFFF)
  }
}
