internal import Glibc

/// Error numbers in words, errno(3).
enum ErrorText {
  static func of(_ number: Int32) -> String { String(cString: strerror(number)) }

  /// Those that filters answer with; the first name of a number is the usual one.
  private static let names: KeyValuePairs<String, Int32> = [
    "EPERM": EPERM, "ENOENT": ENOENT, "EIO": EIO, "ENXIO": ENXIO, "EBADF": EBADF,
    "EAGAIN": EAGAIN, "ENOMEM": ENOMEM, "EACCES": EACCES, "EFAULT": EFAULT, "EBUSY": EBUSY,
    "EEXIST": EEXIST, "ENODEV": ENODEV, "EINVAL": EINVAL, "ENOTTY": ENOTTY, "ENOSPC": ENOSPC,
    "EROFS": EROFS, "EDOM": EDOM, "ERANGE": ERANGE, "ENOSYS": ENOSYS, "ENODATA": ENODATA,
    "EPROTO": EPROTO, "EPROTONOSUPPORT": EPROTONOSUPPORT, "EOPNOTSUPP": EOPNOTSUPP,
    "ENOTSUP": ENOTSUP, "EAFNOSUPPORT": EAFNOSUPPORT, "ECONNREFUSED": ECONNREFUSED,
  ]

  /// The number of an error by its name, or nil.
  static func number(named name: String) -> Int32? { names.first { $0.key == name }?.value }

  /// The name of an error, such as `EPERM`; its number where that is a rare one.
  static func name(of number: Int32) -> String {
    names.first { $0.value == number }?.key ?? "errno \(number)"
  }
}
