/// Paths that a `task.toml` names.
enum PathText {
  /// A path below some directory: no leading `/`, no `.`, `..` or empty component, no control
  /// character and no backslash. It may hold `*`.
  static func isRelative(_ path: String) -> Bool {
    guard path.utf8.count <= 1024, path.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F && $0 != 0x5C })
    else { return false }
    return path.split(separator: "/", omittingEmptySubsequences: false)
      .allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
  }

  /// An absolute path where something can be mounted without hiding what programs need.
  static func isMountPoint(_ path: String) -> Bool {
    guard path.hasPrefix("/"), isRelative(String(path.dropFirst())) else { return false }
    let first = String(path.dropFirst().prefix { $0 != "/" })
    return !["proc", "sys", "dev", "bin", "sbin", "lib", "lib64", "usr", "etc"].contains(first)
  }
}
