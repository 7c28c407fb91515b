package import EdgeSystem
internal import Glibc

/// Copies what a job left behind into a clean place: regular files, directories and links, never
/// devices, FIFOs or sockets, and never by following a link.
package enum CopyTree {
  /// How much is copied at most.
  package struct Limits {
    var entries: Int
    var bytes: Int64

    package init(entries: Int, bytes: Int64) {
      self.entries = entries
      self.bytes = bytes
    }
  }

  /// - Parameters:
  ///   - owner: who owns the copies.
  ///   - skipping: paths (and what is below them) that are left out.
  /// - Returns: what was not copied, for the report; empty where everything was.
  package static func copy(
    from source: borrowing Directory, to target: borrowing Directory, owner: UInt32?,
    limits: Limits, skipping: (String) -> Bool
  ) throws(SystemError) -> [String] {
    var left: [String] = []
    var bytes: Int64 = 0
    let (entries, isComplete) = try source.walk(atMost: limits.entries)
    if !isComplete { left.append("more than \(limits.entries) files, or too deep") }
    for entry in entries {
      guard let name = entry.name else {
        left.append("a name that is not UTF-8")
        continue
      }
      if skipping(name) { continue }
      switch entry.status.kind {
      case .directory:
        try target.ensureDirectory(name, mode: 0o755)
        if let owner { try target.directory(name).descriptor.give(to: owner) }
      case .file:
        bytes += entry.status.size
        if bytes > limits.bytes {
          left.append("more than \(limits.bytes) bytes")
          return left
        }
        try copyFile(name, entry.status, from: source, to: target, owner: owner)
      case .link:
        if let link = try? source.linkTarget(name) { try? target.makeLink(name, to: link) }
      case .other:
        left.append("\(name) is no file")
      }
    }
    return left
  }

  private static func copyFile(
    _ name: String, _ status: FileStatus, from source: borrowing Directory,
    to target: borrowing Directory, owner: UInt32?
  ) throws(SystemError) {
    // A file that its owner made unreadable is readable for us all the same, unless we are the
    // same ordinary user; then it stays behind.
    guard let file = try? source.open(name, O_RDONLY | O_NONBLOCK) else { return }
    let mode: UInt32 = status.mode & 0o100 == 0 ? 0o644 : 0o755
    let copied = try target.open(name, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
    _ = try copyHashing(file.raw, from: 0, to: copied.raw, atMost: max(status.size, 1))
    try copied.set(mode: mode)
    if let owner { try copied.give(to: owner) }
  }
}
