internal import EdgeJob
internal import EdgeSystem
internal import Glibc

/// Writes files, links and directories below one directory; every step is relative to its
/// descriptor, stays below it and follows no link (openat2(2)), whatever the names are.
final class TreeWriter {
  private let root: Directory
  // By bytes: two spellings of the same characters are two names on a disk.
  private var directories: Set<[UInt8]> = []
  private var layers: [[UInt8]: Int] = [:]
  private var file: Int32 = -1
  private var path = ""

  /// - Parameter directory: a borrowed descriptor.
  init(_ directory: Int32) throws(UnpackError) {
    let copy = fcntl(directory, F_DUPFD_CLOEXEC, 3)
    guard copy >= 0 else { throw .system(SystemError("dup", "destination")) }
    root = Directory(owning: Descriptor(owning: copy), name: "destination")
  }

  deinit { end() }

  /// Starts a member; for a file `write` follows, then `end`.
  /// - Returns: false where a file of a higher layer is there already.
  func begin(_ member: Member, at path: String, owner: UInt32?, layer: Int) throws(UnpackError)
    -> Bool
  {
    end()
    self.path = path
    if member.kind == .directory {
      try makeDirectory(path, owner)
      return true
    }
    if let slash = path.lastIndex(of: "/") { try makeDirectory(String(path[..<slash]), owner) }
    let key = Array(path.utf8)
    if let other = layers[key] {
      if other == layer { throw refused("is there already") }
      if other > layer { return false }
      try system { () throws(SystemError) in try root.remove(path) }
    }
    layers[key] = layer
    switch member.kind {
    case .directory: preconditionFailure("a directory was made above")
    case .file: try makeFile(member, owner)
    case .link: try makeLink(member, owner)
    }
    return true
  }

  private func makeFile(_ member: Member, _ owner: UInt32?) throws(UnpackError) {
    let made = try creating { () throws(SystemError) in
      try root.open(path, O_WRONLY | O_CREAT | O_EXCL, mode: member.mode).release()
    }
    file = made
    if let owner { try check("chown", fchown(made, owner, owner)) }
    // The umask has taken bits away, and a change of owner may.
    try check("chmod", fchmod(made, member.mode))
  }

  private func makeLink(_ member: Member, _ owner: UInt32?) throws(UnpackError) {
    let (parent, name) = split(path)
    // The parent was made by us or opened without following a link, so the name is all that the
    // call resolves.
    let directory = try creating { () throws(SystemError) in
      try root.open(parent, O_RDONLY | O_DIRECTORY).release()
    }
    defer { close(directory) }
    guard symlinkat(member.target, directory, name) == 0 else {
      if errno == EEXIST { throw refused("is there already") }
      throw .system(SystemError("symlink", MemberName.shown(path)))
    }
    if let owner {
      try check("chown", fchownat(directory, name, owner, owner, AT_SYMLINK_NOFOLLOW))
    }
  }

  /// Makes a directory and those above it.
  private func makeDirectory(_ path: String, _ owner: UInt32?) throws(UnpackError) {
    let key = Array(path.utf8)
    if directories.contains(key) { return }
    if let slash = path.lastIndex(of: "/") { try makeDirectory(String(path[..<slash]), owner) }
    let (parent, name) = split(path)
    try creating { () throws(SystemError) in
      let above = try root.directory(parent)
      do throws(SystemError) {
        try above.makeDirectory(name, mode: 0o755)
      } catch {
        // Another part may have made it; then it must be a directory, not a link to one.
        if !error.exists { throw error }
        _ = try above.directory(name)
        return
      }
      let made = try above.directory(name)
      if let owner, fchown(made.raw, owner, owner) != 0 { throw SystemError("chown", name) }
    }
    directories.insert(key)
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws(UnpackError) {
    var offset = 0
    while offset < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
      let count = Glibc.write(file, rest.baseAddress, rest.count)
      if count < 0, errno == EINTR { continue }
      if count < 0 { throw .system(SystemError("write", MemberName.shown(path))) }
      offset += count
    }
  }

  /// Closes the file that `begin` has opened.
  func end() {
    if file >= 0 { close(file) }
    file = -1
  }

  private func split(_ path: String) -> (parent: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    return (String(path[..<slash]), String(path[path.index(after: slash)...]))
  }

  private func refused(_ why: String) -> UnpackError {
    .refused(Refusal("\(MemberName.shown(path)): \(why)"))
  }

  private func check(_ call: String, _ result: Int32) throws(UnpackError) {
    if result != 0 { throw .system(SystemError(call, MemberName.shown(path))) }
  }

  private func system<Result>(_ body: () throws(SystemError) -> Result) throws(UnpackError)
    -> Result
  {
    do { return try body() } catch { throw .system(error) }
  }

  /// Errors that mean another member, or something that was there before, stands in the way speak
  /// about the archive; the others speak about the machine.
  private func creating<Result>(_ body: () throws(SystemError) -> Result) throws(UnpackError)
    -> Result
  {
    do { return try body() } catch {
      switch error.errno {
      case EEXIST: throw refused("is there already")
      case ELOOP, EXDEV: throw refused("lies behind a symbolic link")
      case ENOTDIR: throw refused("lies below a file")
      default: throw .system(error)
      }
    }
  }
}
