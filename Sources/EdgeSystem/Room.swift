internal import Glibc

/// What is left on a file system, statvfs(3).
package struct Room: Hashable, Sendable {
  package let bytes: Int64
  /// Names that can still be made; a file system that does not count them has the most there is.
  package let files: Int64

  package init(bytes: Int64, files: Int64) {
    self.bytes = bytes
    self.files = files
  }
}

extension Directory {
  /// What is left on its file system for this user.
  package func room() throws(SystemError) -> Room {
    var info = statvfs()
    _ = try checked("statvfs", name) { fstatvfs(raw, &info) }
    return Room(
      bytes: Int64(clamping: info.f_bavail) * Int64(info.f_frsize),
      files: info.f_files == 0 ? .max : Int64(clamping: info.f_favail))
  }
}
