internal import Glibc

/// Error numbers in words, errno(3).
enum ErrorText {
  static func of(_ number: Int32) -> String { String(cString: strerror(number)) }
}
