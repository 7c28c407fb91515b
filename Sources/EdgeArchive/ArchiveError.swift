package import EdgeJob
package import EdgeSystem

/// Why an archive could not be made or handled here: what failed, where, why, and what to do next.
///
/// It speaks about our side; what is wrong with somebody else's archive is a `Refusal`.
package struct ArchiveError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What was being done: `pack source/a.py`.
  package let what: String
  /// Why it failed.
  package let why: String
  /// What the reader of the message can do about it; may be empty.
  package let hint: String
  /// The error number of the system call that failed, or 0.
  package let errno: Int32

  package init(_ what: String, why: String, hint: String = "", errno: Int32 = 0) {
    self.what = what
    self.why = why
    self.hint = hint
    self.errno = errno
  }

  package init(_ what: String, _ error: SystemError) {
    self.init(what, why: error.description, errno: error.errno)
  }

  package var description: String {
    "cannot \(what): \(why)" + (hint.isEmpty ? "" : "\n\(hint)")
  }
}

/// Why an archive was not unpacked: the archive, or the machine.
package enum UnpackError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The archive is not what it should be.
  case refused(Refusal)
  /// The destination could not be written, such as a full disk.
  case system(SystemError)

  package var description: String {
    switch self {
    case .refused(let refusal): refusal.reason
    case .system(let error): error.description
    }
  }
}
