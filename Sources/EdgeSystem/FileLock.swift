internal import CLinux
internal import Glibc

/// A lock that the kernel drops when its holder dies: an open-file-description lock, fcntl(2)
/// F_OFD_SETLK, on a file that is never removed.
///
/// The descriptor is close-on-exec, so no child keeps the lock alive.
package struct FileLock: ~Copyable, Sendable {
  private let file: Descriptor

  /// The lock, or nil where somebody else holds it. The file is made where it is missing.
  package static func acquire(
    _ directory: borrowing Directory, _ path: String, mode: UInt32 = 0o600
  )
    throws(SystemError) -> FileLock?
  {
    while true {
      let file = try directory.open(path, O_RDWR | O_CREAT, mode: mode)
      if ec_ofd_lock(file.raw, 0) < 0 {
        if errno == EAGAIN || errno == EACCES { return nil }
        throw SystemError("lock", directory.subject(path))
      }
      // Somebody may have put another file in its place between open and lock.
      if let now = try? directory.status(path), now.inode == (try file.status().inode) {
        return FileLock(file: file)
      }
    }
  }

  private init(file: consuming Descriptor) { self.file = file }

  /// The lock, waiting for it. Blocks the calling thread.
  package static func wait(_ directory: borrowing Directory, _ path: String, mode: UInt32 = 0o600)
    throws(SystemError) -> FileLock
  {
    let file = try directory.open(path, O_RDWR | O_CREAT, mode: mode)
    _ = try checked("lock", directory.subject(path)) { ec_ofd_lock(file.raw, 1) }
    return FileLock(file: file)
  }

  /// Puts these bytes at the beginning of the file, for others to read. Not flushed.
  package func write(_ bytes: [UInt8]) throws(SystemError) {
    let raw = file.raw
    _ = try checked("write", "lock") {
      bytes.withUnsafeBytes { pwrite(raw, $0.baseAddress, $0.count, 0) }
    }
  }

  // Closing alone would leave it to a child that is just being started and holds a copy until exec.
  deinit { _ = ec_ofd_unlock(file.raw) }

  /// True where somebody holds the lock now; false also where the file is missing.
  package static func isHeld(_ directory: borrowing Directory, _ path: String) throws(SystemError)
    -> Bool
  {
    do {
      // For reading: who waits for the holder is woken by the end of a writer, `Watch.add(lock:)`.
      let file = try directory.open(path, O_RDONLY)
      return try checked("lock", directory.subject(path)) { ec_ofd_is_locked(file.raw) } == 1
    } catch {
      if error.isNotFound { return false }
      throw error
    }
  }
}
