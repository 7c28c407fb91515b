internal import Glibc

/// What is left on a file system, statvfs(3).
package struct Room: Hashable, Sendable {
  /// Bytes that this user can still write.
  package let bytes: Int64
  /// Bytes of the whole file system.
  package let allBytes: Int64
  /// Names that can still be made; a file system that does not count them has the most there is.
  package let files: Int64
  /// Names that the whole file system can have.
  package let allFiles: Int64
}

extension Directory {
  /// What is left on its file system for this user.
  package func room() throws(SystemError) -> Room {
    var info = statvfs()
    _ = try checked("statvfs", name) { fstatvfs(raw, &info) }
    let block = Int64(info.f_frsize)
    let isCounted = info.f_files > 0
    return Room(
      bytes: Int64(clamping: info.f_bavail) * block,
      allBytes: Int64(clamping: info.f_blocks) * block,
      files: isCounted ? Int64(clamping: info.f_favail) : .max,
      allFiles: isCounted ? Int64(clamping: info.f_files) : 0)
  }
}
