internal import CLinux
internal import EdgeSystem
internal import Glibc

/// Who was started by whom, proc(5).
enum ProcessTree {
  /// Sends a signal to what the children of a process have started, and to what that has: of a jail
  /// the task's own processes, without the jail's init.
  static func signal(_ number: Int32, below root: Int32) {
    let parents = parents()
    var known: Set<Int32> = [root]
    var depth = 0
    while true {
      let next = parents.filter { known.contains($0.value) && !known.contains($0.key) }.keys
      if next.isEmpty { return }
      depth += 1
      for process in next where depth > 1 {
        // The number may belong to somebody else by now; what the descriptor means stays the same.
        let raw = ec_pidfd_open(process)
        guard raw >= 0 else { continue }
        let handle = Descriptor(owning: raw)
        if parent(of: process) == parents[process] { _ = ec_pidfd_signal(handle.raw, number) }
      }
      known.formUnion(next)
    }
  }

  private static func parents() -> [Int32: Int32] {
    var found: [Int32: Int32] = [:]
    for name in (try? Directory(path: "/proc").entries()) ?? [] {
      guard let process = Int32(name) else { continue }
      found[process] = parent(of: process)
    }
    return found
  }

  /// The fourth field of `stat`; the second one is a name in brackets that may hold anything.
  private static func parent(of process: Int32) -> Int32? {
    guard let bytes = try? Directory(path: "/proc/\(process)").read("stat", atMost: 4096),
      let end = bytes.lastIndex(of: UInt8(ascii: ")"))
    else { return nil }
    let fields = bytes[(end + 1)...].split(separator: UInt8(ascii: " "))
    return fields.count > 1 ? Int32(String(decoding: fields[1], as: UTF8.self)) : nil
  }
}
