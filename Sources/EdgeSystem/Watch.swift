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

  /// Also watches a lock file, for the end of whoever had it open to hold it; it gives events
  /// without a name. They come when the lock is free.
  package func add(lock path: String, in directory: borrowing Directory) throws(SystemError) {
    let file = "/proc/self/fd/\(directory.raw)/\(path)"
    _ = try checked("inotify_add_watch", directory.subject(path)) {
      inotify_add_watch(events.raw, file, UInt32(IN_CLOSE_WRITE))
    }
  }

  /// Also watches a file, for what is written to it; it gives events without a name.
  package func add(file path: String, in directory: borrowing Directory) throws(SystemError) {
    let file = "/proc/self/fd/\(directory.raw)/\(path)"
    _ = try checked("inotify_add_watch", directory.subject(path)) {
      inotify_add_watch(events.raw, file, UInt32(IN_MODIFY))
    }
  }

  /// Waits until something happened, one of `others` became readable or closed, or the time passed.
  /// - Parameter milliseconds: the longest wait; −1 waits for ever.
  package func wait(milliseconds: Int32, others: [Int32] = []) {
    _ = Poll.readable([events.raw] + others, milliseconds: milliseconds)
    drain()
  }

  /// As `wait`, and tells which names came or went.
  /// - Returns: the names, without their directories; nil where events were lost, so that any name
  ///   may have.
  package func waitForNames(milliseconds: Int32, others: [Int32] = []) -> Set<String>? {
    _ = Poll.readable([events.raw] + others, milliseconds: milliseconds)
    return drain()
  }

  /// Microseconds from the event of a holder's end to its lock being free, with much to spare.
  private static let unlocking: UInt32 = 2000

  @discardableResult private func drain() -> Set<String>? {
    var names: Set<String> = []
    var isComplete = true
    var isUnlocking = false
    withUnsafeTemporaryAllocation(byteCount: 1 << 14, alignment: 8) { buffer in
      while true {
        let count = Glibc.read(events.raw, buffer.baseAddress, buffer.count)
        if count <= 0 { return }
        var offset = 0
        // inotify(7): a fixed head, then `len` bytes with the name and zeros behind it.
        let head = MemoryLayout<inotify_event>.size
        while offset + head <= count {
          let event = buffer.loadUnaligned(fromByteOffset: offset, as: inotify_event.self)
          let end = offset + head + Int(event.len)
          if event.mask & UInt32(IN_Q_OVERFLOW) != 0 { isComplete = false }
          if event.mask & UInt32(IN_CLOSE_WRITE) != 0 { isUnlocking = true }
          names.insert(
            String(decoding: buffer[offset + head..<end].prefix { $0 != 0 }, as: UTF8.self))
          offset = end
        }
      }
    }
    if isUnlocking { usleep(Watch.unlocking) }
    return isComplete ? names : nil
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
