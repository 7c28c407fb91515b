internal import Glibc

/// The clocks of this machine; nobody else reads them.
package enum Clocks {
  /// Milliseconds since 1970 UTC.
  package static func milliseconds() -> Int64 { read(CLOCK_REALTIME) / 1_000_000 }

  /// Nanoseconds since boot, which also count while the machine is suspended.
  package static func bootNanoseconds() -> Int64 { read(CLOCK_BOOTTIME) }

  private static func read(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  /// Names this boot of the machine; two values differ exactly where it was started in between.
  package static func bootID() throws(SystemError) -> String {
    let proc = try Directory(path: "/proc/sys/kernel/random")
    let bytes = try proc.read("boot_id", atMost: 64)
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").first.map(String.init)
      ?? ""
  }
}
