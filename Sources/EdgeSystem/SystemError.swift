internal import Glibc

/// A system call that failed: which one, on what, and with which error number.
package struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The call, such as `rename`.
  package let call: String
  /// The error number, errno(3).
  package let errno: Int32
  /// The file or thing that it was about, escaped for people.
  package let subject: String

  package init(_ call: String, errno: Int32, subject: String) {
    self.call = call
    self.errno = errno
    self.subject = subject
  }

  /// From the calling thread's errno.
  package init(_ call: String, _ subject: String) {
    self.init(call, errno: Glibc.errno, subject: subject)
  }

  package var description: String {
    "\(call) \(subject): \(String(cString: strerror(errno)))"
  }

  /// True where the name does not exist, ENOENT.
  package var isNotFound: Bool { errno == ENOENT }
  /// True where the name is taken, EEXIST.
  package var exists: Bool { errno == EEXIST }
  /// True where the disk or its table of files is full.
  package var isFull: Bool { errno == ENOSPC || errno == EDQUOT }
  /// True where the file system may only be read.
  package var isReadOnly: Bool { errno == EROFS }
}

/// Repeats a call that was interrupted, and turns −1 into an error.
func checked<Result: SignedInteger>(
  _ call: String, _ subject: @autoclosure () -> String, _ body: () -> Result
) throws(SystemError) -> Result {
  while true {
    let result = body()
    if result >= 0 { return result }
    if errno != EINTR { throw SystemError(call, errno: errno, subject: subject()) }
  }
}
