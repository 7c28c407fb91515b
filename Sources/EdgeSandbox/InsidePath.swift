/// Paths as they are seen from inside.
enum InsidePath {
  /// Absolute, without empty parts, `.`, `..` and NUL, and not `/` itself.
  static func isPlain(_ path: String) -> Bool {
    guard path.hasPrefix("/"), path.utf8.count < 4096, !path.utf8.contains(0) else { return false }
    let parts = path.utf8.dropFirst().split(separator: 0x2F, omittingEmptySubsequences: false)
    return parts.allSatisfy {
      !$0.isEmpty && !$0.elementsEqual(".".utf8) && !$0.elementsEqual("..".utf8)
    }
  }

  /// The first parts that belong to the view and never to a launch.
  private static let taken: Set<String> = [
    "usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc", "dev", "proc", "sys", "tmp",
  ]

  /// Directories of the system that a view shows.
  static let systemParts = [
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/sys",
  ]

  /// True where a launch may have something mounted there.
  static func isFree(_ path: String) -> Bool {
    guard isPlain(path) else { return false }
    return !taken.contains(String(path.dropFirst().prefix { $0 != "/" }))
  }

  /// True where one of the two is the other or lies below it.
  static func overlap(_ left: String, _ right: String) -> Bool {
    left == right || left.hasPrefix(right + "/") || right.hasPrefix(left + "/")
  }
}
