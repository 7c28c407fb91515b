internal import CLinux
internal import Glibc

/// One thing found in a tree that somebody hostile may have built.
package struct TreeEntry: Hashable, Sendable {
  /// Path below the root, `/` between components, as bytes.
  package let path: [UInt8]
  package let status: FileStatus

  /// The path as text, or nil where it is not UTF-8.
  package var name: String? { String(validating: path, as: UTF8.self) }
}

extension Directory {
  /// Everything below this directory, parents first, sorted by bytes; links are not followed.
  /// - Parameters:
  ///   - most: entries after which the walk stops.
  ///   - depthMax: levels after which the walk does not go deeper.
  /// - Returns: the entries, and whether the walk saw everything.
  package func walk(atMost most: Int, depthMax: Int = 64) throws(SystemError) -> (
    entries: [TreeEntry], isComplete: Bool
  ) {
    var entries: [TreeEntry] = []
    var isComplete = true
    try walk(prefix: [], depth: 0, most: most, depthMax: depthMax, &entries, &isComplete)
    return (entries, isComplete)
  }

  private func walk(
    prefix: [UInt8], depth: Int, most: Int, depthMax: Int, _ entries: inout [TreeEntry],
    _ isComplete: inout Bool
  ) throws(SystemError) {
    for name in try names().sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      if entries.count >= most {
        isComplete = false
        return
      }
      // Names are bytes here: a String would mend those that are not UTF-8.
      guard let status = try? status(bytes: name) else { continue }
      let path = prefix.isEmpty ? name : prefix + [0x2F] + name
      entries.append(TreeEntry(path: path, status: status))
      guard status.kind == .directory else { continue }
      guard depth < depthMax, let child = try? directory(bytes: name) else {
        isComplete = false
        continue
      }
      try child.walk(
        prefix: path, depth: depth + 1, most: most, depthMax: depthMax, &entries, &isComplete)
    }
  }

  private func open(bytes name: [UInt8], _ flags: Int32) throws(SystemError) -> Descriptor {
    let path = name.map { CChar(bitPattern: $0) } + [0]
    return Descriptor(
      owning: try checked("open", self.name) {
        ec_openat2(raw, path, flags | O_CLOEXEC | O_NOFOLLOW, 0, ec_resolve_beneath_nofollow)
      })
  }

  private func status(bytes name: [UInt8]) throws(SystemError) -> FileStatus {
    try open(bytes: name, ec_o_path).status()
  }

  private func directory(bytes name: [UInt8]) throws(SystemError) -> Directory {
    Directory(owning: try open(bytes: name, O_RDONLY | O_DIRECTORY), name: self.name + "/…")
  }

  /// Where a symbolic link points, as bytes.
  package func linkTarget(_ path: String) throws(SystemError) -> [UInt8] {
    let link = try open(path, ec_o_path)
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = try checked("readlink", subject(path)) {
      readlinkat(link.raw, "", &buffer, buffer.count)
    }
    return buffer[..<count].map { UInt8(bitPattern: $0) }
  }

  /// Makes a symbolic link.
  package func makeLink(_ path: String, to target: [UInt8]) throws(SystemError) {
    let text = target.map { CChar(bitPattern: $0) } + [0]
    _ = try checked("symlink", subject(path)) { symlinkat(text, raw, path) }
  }

  /// Makes the directories above a path that are missing.
  package func makeParents(of path: String, mode: UInt32 = 0o755, owner: UInt32? = nil)
    throws(SystemError)
  {
    var current = ""
    for part in path.split(separator: "/").dropLast() {
      current += current.isEmpty ? String(part) : "/\(part)"
      if contains(current) { continue }
      try ensureDirectory(current, mode: mode)
      if let owner { try directory(current).descriptor.give(to: owner) }
    }
  }

  /// Writes a new file, or over the content of one that is there.
  package func write(_ path: String, _ bytes: [UInt8], mode: UInt32, owner: UInt32? = nil)
    throws(SystemError)
  {
    let file = try open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
    guard try file.status().kind == .file else {
      throw SystemError("open", errno: EINVAL, subject: "\(subject(path)) is no regular file")
    }
    try file.write(bytes)
    try file.set(mode: mode)
    if let owner { try file.give(to: owner) }
  }
}

extension Descriptor {
  /// Makes this uid the owner of a file of ours, where we may; an ordinary user's files stay his.
  package func give(to owner: UInt32) throws(SystemError) {
    if geteuid() != 0 { return }
    _ = try checked("chown", "descriptor") { fchown(raw, owner, owner) }
  }
}
