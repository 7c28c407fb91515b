internal import EdgeSystem

/// How much memory there is for the jobs of this machine.
package enum MachineMemory {
  /// Bytes: what the kernel has, or the container is allowed where that is less; nil where neither
  /// is known.
  /// - Parameter root: the directory that has /proc and /sys; another one in tests.
  package static func bytes(root: String = "/") -> Int64? {
    let limits = [
      // cgroup v2 and v1, as a container sees its own.
      number("\(root)/sys/fs/cgroup", "memory.max"),
      number("\(root)/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
    ]
    return ([total(root)] + limits).compactMap { $0 }.min()
  }

  /// `MemTotal:  16384256 kB`, proc_meminfo(5).
  private static func total(_ root: String) -> Int64? {
    guard let text = text("\(root)/proc", "meminfo") else { return nil }
    let line = text.split(separator: "\n").first { $0.hasPrefix("MemTotal:") }
    let kibibytes = line?.split(separator: " ").dropFirst().first.flatMap { Int64($0) }
    return kibibytes.flatMap { (0..<1 << 40).contains($0) ? $0 << 10 : nil }
  }

  private static func number(_ folder: String, _ name: String) -> Int64? {
    text(folder, name).flatMap { Int64($0.split(separator: "\n").first ?? "") }
      .flatMap { $0 > 0 ? $0 : nil }
  }

  private static func text(_ folder: String, _ name: String) -> String? {
    (try? Directory(path: folder).read(name, atMost: 1 << 16))
      .map { String(decoding: $0, as: UTF8.self) }
  }
}
