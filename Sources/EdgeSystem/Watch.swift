internal import CLinux
internal import Glibc

/// Wakes a thread when names appear in directories, inotify(7), with a slow poll behind it: an
/// event may be lost, so the caller looks at the directories after every return.
package struct Watch: ~Copyable, Sendable {
  private let events: Descriptor

  package init() throws(SystemError) {
    events = Descriptor(
      owning: try checked("inotify_init", "watch") { inotify_init1(Int32(0o2004000)) })
  }

  /// The descriptor, readable when something happened; borrowed.
  package var descriptor: Int32 { events.raw }

  /// Also watches this directory.
  package func add(_ directory: borrowing Directory) throws(SystemError) {
    let path = "/proc/self/fd/\(directory.raw)"
    let mask = UInt32(IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM)
    _ = try checked("inotify_add_watch", directory.name) {
      inotify_add_watch(events.raw, path, mask)
    }
  }

  /// Waits until something happened, one of `others` became readable or closed, or the time passed.
  /// - Parameter milliseconds: the longest wait; −1 waits for ever.
  package func wait(milliseconds: Int32, others: [Int32] = []) {
    _ = Poll.readable([events.raw] + others, milliseconds: milliseconds)
    drain()
  }

  private func drain() {
    var buffer = [UInt8](repeating: 0, count: 4096)
    while buffer.withUnsafeMutableBytes({ Glibc.read(events.raw, $0.baseAddress, $0.count) }) > 0 {}
  }
}

/// Waits on several descriptors, poll(2).
package enum Poll {
  /// Which of them are readable, closed or broken after at most that time; −1 waits for ever.
  package static func readable(_ descriptors: [Int32], milliseconds: Int32) -> [Int32] {
    var entries = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    let count = Glibc.poll(&entries, nfds_t(entries.count), milliseconds)
    return count > 0 ? entries.filter { $0.revents != 0 }.map(\.fd) : []
  }
}
