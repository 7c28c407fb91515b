internal import CLinux
internal import Glibc

extension Directory {
  /// Removes a file or a whole directory below this one, however deep and whoever may read it;
  /// never follows a link and never leaves the tree. Nothing happens where there is none.
  ///
  /// Directories inside are lifted up to the top of the tree before they are emptied: so no depth
  /// costs descriptors or stack. After a crash what is left is still below the same name.
  package func removeTree(_ name: [UInt8]) throws(SystemError) {
    guard let top = try removeOrOpen(name) else { return }
    var lifted: UInt64 = 0
    while true {
      let entries = try top.names()
      if entries.isEmpty { break }
      for entry in entries {
        guard let child = try top.removeOrOpen(entry) else { continue }
        for inner in try child.names() where try child.removeOrOpen(inner) != nil {
          lifted += 1
          try child.lift(inner, to: top, as: ".lifted-\(lifted)-\(Hex16.random())")
        }
        try top.remove(directory: entry)
      }
    }
    try remove(directory: name)
  }

  /// Removes a file or a whole directory at a path of ours.
  package func removeTree(_ path: String) throws(SystemError) {
    guard let cut = path.lastIndex(of: "/") else { return try removeTree(Array(path.utf8)) }
    let parent: Directory
    do { parent = try directory(String(path[..<cut])) } catch {
      if error.isNotFound { return }
      throw error
    }
    try parent.removeTree(Array(path[path.index(after: cut)...].utf8))
  }

  /// Removes what is no directory; opens what is one, and lets its owner list and empty it.
  private func removeOrOpen(_ name: [UInt8]) throws(SystemError) -> Directory? {
    let path = name.map { CChar(bitPattern: $0) } + [0]
    if unlinkat(raw, path, 0) == 0 || errno == ENOENT { return nil }
    // EPERM is what POSIX wants here, EISDIR what Linux says.
    guard errno == EISDIR || errno == EPERM else { throw SystemError("unlink", self.name) }
    let flags = ec_o_path | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
    let found = try checked("open", self.name) { ec_openat(raw, path, flags, 0) }
    let place = Descriptor(owning: found)
    // fchmod(2) refuses a descriptor that was opened with O_PATH, and chmod by name would follow a
    // link that came in between.
    _ = try checked("chmod", self.name) { chmod("/proc/self/fd/\(place.raw)", 0o700) }
    let listing = O_RDONLY | O_DIRECTORY | O_CLOEXEC
    let opened = try checked("open", self.name) { ec_openat(place.raw, ".", listing, 0) }
    return Directory(owning: Descriptor(owning: opened), name: self.name + "/…")
  }

  private func lift(_ name: [UInt8], to top: borrowing Directory, as newName: String)
    throws(SystemError)
  {
    let path = name.map { CChar(bitPattern: $0) } + [0]
    let target = top.raw
    _ = try checked("rename", self.name) { ec_rename_noreplace(raw, path, target, newName) }
  }

  private func remove(directory name: [UInt8]) throws(SystemError) {
    let path = name.map { CChar(bitPattern: $0) } + [0]
    if unlinkat(raw, path, AT_REMOVEDIR) == 0 || errno == ENOENT { return }
    throw SystemError("rmdir", self.name)
  }
}
