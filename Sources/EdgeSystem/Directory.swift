internal import CLinux
internal import Glibc

/// What fstat(2) tells about a file.
package struct FileStatus: Hashable, Sendable {
  package let kind: Kind
  /// Permission bits with setuid, setgid and sticky.
  package let mode: UInt32
  /// Bytes.
  package let size: Int64
  /// The user id of the owner.
  package let owner: UInt32
  /// The id of the group.
  package let group: UInt32
  /// Names that lead to it.
  package let links: UInt64
  /// The file system on which it lies.
  package let device: UInt64
  /// Its number on that file system.
  package let inode: UInt64
  /// Last change of the content, nanoseconds since 1970 UTC.
  package let modified: Int64

  /// What it is; `other` are devices, sockets and FIFOs.
  package enum Kind: Hashable, Sendable { case file, directory, link, other }

  init(_ info: stat) {
    kind =
      switch info.st_mode & S_IFMT {
      case S_IFREG: .file
      case S_IFDIR: .directory
      case S_IFLNK: .link
      default: .other
      }
    mode = info.st_mode & 0o7777
    size = Int64(info.st_size)
    owner = info.st_uid
    group = info.st_gid
    links = UInt64(info.st_nlink)
    device = UInt64(info.st_dev)
    inode = UInt64(info.st_ino)
    modified = Int64(info.st_mtim.tv_sec) * 1_000_000_000 + Int64(info.st_mtim.tv_nsec)
  }
}

extension Descriptor {
  /// What fstat(2) tells about it.
  package func status() throws(SystemError) -> FileStatus {
    var info = stat()
    _ = try checked("fstat", "descriptor") { fstat(raw, &info) }
    return FileStatus(info)
  }
}

/// An open directory; every path is relative to it, stays below it and follows no symbolic link.
package struct Directory: ~Copyable, Sendable {
  package let descriptor: Descriptor
  /// How it was opened, for messages.
  package let name: String

  /// Opens a directory by its path from anywhere; only the path's own links are followed.
  package init(path: String) throws(SystemError) {
    descriptor = Descriptor(
      owning: try checked("open", path) {
        ec_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
      })
    name = path
  }

  /// A directory below this one that need not be readable: names in it can be used, not listed.
  package func place(_ path: String) throws(SystemError) -> Directory {
    Directory(owning: try open(path, O_DIRECTORY | ec_o_path), name: subject(path))
  }

  /// Takes over an open directory.
  package init(owning descriptor: consuming Descriptor, name: String) {
    self.descriptor = descriptor
    self.name = name
  }

  /// The number of the descriptor, borrowed.
  package var raw: Int32 { descriptor.raw }

  func subject(_ path: String) -> String { "\(name)/\(path)" }

  /// A directory below this one.
  package func directory(_ path: String) throws(SystemError) -> Directory {
    let descriptor = try open(path, O_RDONLY | O_DIRECTORY)
    return Directory(owning: descriptor, name: subject(path))
  }

  /// The last component of a path and the directory that holds it, for calls that know no
  /// openat2(2): they would follow symbolic links on the way there. The directory need not be
  /// readable.
  func nameInParent(_ path: String) throws(SystemError) -> NameInParent {
    if path.utf8.contains(0) { throw SystemError("open", errno: EINVAL, subject: subject(path)) }
    guard let cut = path.lastIndex(of: "/") else { return NameInParent(in: raw, name: path) }
    let name = String(path[path.index(after: cut)...])
    return NameInParent(in: try open(String(path[..<cut]), ec_o_path | O_DIRECTORY), name: name)
  }

  /// Opens a file below this directory, close-on-exec; openat2(2) with RESOLVE_BENEATH and
  /// RESOLVE_NO_SYMLINKS.
  package func open(_ path: String, _ flags: Int32, mode: UInt32 = 0) throws(SystemError)
    -> Descriptor
  {
    if path.utf8.contains(0) { throw SystemError("open", errno: EINVAL, subject: subject(path)) }
    return Descriptor(
      owning: try checked("open", subject(path)) {
        ec_openat2(raw, path, flags | O_CLOEXEC | O_NOFOLLOW, mode, ec_resolve_beneath_nofollow)
      })
  }

  /// The whole content of a regular file of at most `most` bytes.
  package func read(_ path: String, atMost most: Int) throws(SystemError) -> [UInt8] {
    // O_NONBLOCK: a FIFO that lies here instead must not stop us.
    let file = try open(path, O_RDONLY | O_NONBLOCK)
    guard try file.status().kind == .file else {
      throw SystemError("open", errno: EINVAL, subject: "\(subject(path)) is no regular file")
    }
    return try file.read(atMost: most)
  }

  /// What a name below this directory is, without following a link.
  package func status(_ path: String) throws(SystemError) -> FileStatus {
    try open(path, ec_o_path).status()
  }

  /// True where the name exists. Any other failure counts as absent.
  package func contains(_ path: String) -> Bool { (try? status(path)) != nil }

  /// The names in this directory except `.` and `..`, as bytes, in no order.
  package func names() throws(SystemError) -> [[UInt8]] {
    let copy = try checked("open", name) {
      ec_openat(raw, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
    }
    guard let stream = fdopendir(copy) else {
      let error = SystemError("fdopendir", name)
      close(copy)
      throw error
    }
    defer { closedir(stream) }
    var names: [[UInt8]] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        if errno != 0 { throw SystemError("readdir", name) }
        return names
      }
      let bytes = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if bytes != [0x2E], bytes != [0x2E, 0x2E] { names.append(bytes) }
    }
  }

  /// The names that are text without a leading dot, sorted: what our own protocol puts here.
  /// Others are left alone.
  package func entries() throws(SystemError) -> [String] {
    try names().compactMap { String(validating: $0, as: UTF8.self) }
      .filter { !$0.hasPrefix(".") }.sorted()
  }

  /// Makes a directory; its mode is set exactly, whatever the umask.
  package func makeDirectory(_ path: String, mode: UInt32 = 0o700) throws(SystemError) {
    let place = try nameInParent(path)
    _ = try checked("mkdir", subject(path)) { mkdirat(place.parent, place.name, mode) }
    let made = try directory(path)
    _ = try checked("chmod", subject(path)) { fchmod(made.raw, mode) }
  }

  /// Makes a directory where there is none.
  package func ensureDirectory(_ path: String, mode: UInt32 = 0o700) throws(SystemError) {
    do { try makeDirectory(path, mode: mode) } catch {
      if !error.exists { throw error }
    }
  }

  /// Removes a name that is no directory.
  package func remove(_ path: String) throws(SystemError) {
    let place = try nameInParent(path)
    _ = try checked("unlink", subject(path)) { unlinkat(place.parent, place.name, 0) }
  }

  /// Removes an empty directory.
  package func removeDirectory(_ path: String) throws(SystemError) {
    let place = try nameInParent(path)
    _ = try checked("rmdir", subject(path)) { unlinkat(place.parent, place.name, AT_REMOVEDIR) }
  }

  /// Renames; EEXIST where the new name is taken, renameat2(2) RENAME_NOREPLACE. A network file
  /// system that knows no such flag is asked first: only where nobody else makes names in the
  /// new directory, as in a worker's own, is that as good.
  package func rename(_ path: String, to other: borrowing Directory, _ newPath: String)
    throws(SystemError)
  {
    let old = try nameInParent(path)
    let new = try other.nameInParent(newPath)
    _ = try checked("rename", subject(path)) {
      let status = ec_rename_noreplace(old.parent, old.name, new.parent, new.name)
      guard status < 0, errno == EINVAL else { return status }
      if faccessat(new.parent, new.name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 {
        return renameat(old.parent, old.name, new.parent, new.name)
      }
      errno = EEXIST
      return -1
    }
  }

  /// Renames over what is there.
  package func replace(_ path: String, to other: borrowing Directory, _ newPath: String)
    throws(SystemError)
  {
    let old = try nameInParent(path)
    let new = try other.nameInParent(newPath)
    _ = try checked("rename", subject(path)) {
      renameat(old.parent, old.name, new.parent, new.name)
    }
  }

  /// Makes the names in this directory durable.
  package func sync() throws(SystemError) {
    _ = try checked("fsync", name) { fsync(raw) }
  }

  /// Makes everything on this file system durable, syncfs(2).
  package func syncFileSystem() throws(SystemError) {
    _ = try checked("syncfs", name) { ec_syncfs(raw) }
  }

  /// Bytes and inodes that are free for an ordinary user.
  package func freeSpace() throws(SystemError) -> (bytes: UInt64, inodes: UInt64) {
    var bytes: UInt64 = 0
    var inodes: UInt64 = 0
    _ = try checked("fstatfs", name) { ec_free_space(raw, &bytes, &inodes) }
    return (bytes, inodes)
  }
}

/// A name, and the directory that holds it.
struct NameInParent: ~Copyable {
  /// Borrowed, or kept open by `opened`.
  let parent: Int32
  let name: String
  private let opened: Descriptor?

  init(in parent: Int32, name: String) {
    self.parent = parent
    self.name = name
    opened = nil
  }

  init(in directory: consuming Descriptor, name: String) {
    parent = directory.raw
    self.name = name
    opened = consume directory
  }
}
