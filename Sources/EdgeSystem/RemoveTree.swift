internal import Glibc

extension Directory {
  /// Removes a file or a whole directory below this one, however deep and whoever may read it;
  /// never follows a link and never leaves the tree.
  package func removeTree(_ name: [UInt8]) throws(SystemError) {
    let name = name + [0]
    if unlink(name, flags: 0) { return }
    if errno == ENOENT { return }
    guard errno == EISDIR || errno == EPERM else { throw SystemError("unlink", self.name) }
    try emptyDirectory(name)
    if !unlink(name, flags: AT_REMOVEDIR), errno != ENOENT {
      throw SystemError("rmdir", self.name)
    }
  }

  /// Removes a file or a whole directory with a name of ours.
  package func removeTree(_ name: String) throws(SystemError) {
    try removeTree(Array(name.utf8))
  }

  private func unlink(_ name: [UInt8], flags: Int32) -> Bool {
    name.withUnsafeBufferPointer {
      $0.withMemoryRebound(to: CChar.self) { unlinkat(raw, $0.baseAddress!, flags) == 0 }
    }
  }

  private func emptyDirectory(_ name: [UInt8]) throws(SystemError) {
    let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
    let child = name.withUnsafeBufferPointer {
      $0.withMemoryRebound(to: CChar.self) { path in
        // Without these bits the owner could not list it.
        fchmodat(raw, path.baseAddress!, 0o700, 0)
        return openat(raw, path.baseAddress!, flags)
      }
    }
    guard child >= 0 else { throw SystemError("open", self.name) }
    let directory = Directory(owning: Descriptor(owning: child), name: self.name + "/…")
    for entry in try directory.names() { try directory.removeTree(entry) }
  }
}
