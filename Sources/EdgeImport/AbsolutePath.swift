/// Absolute paths of a container, without touching any file.
enum AbsolutePath {
  /// `path` seen from `base`, without `.`, `..`, double slashes and a slash at the end.
  static func resolve(_ path: String, from base: String) -> String {
    var parts: [Substring] = []
    let whole = path.hasPrefix("/") ? path : base + "/" + path
    for part in whole.split(separator: "/") {
      if part == "." { continue }
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }

  /// The part of a path below a directory: empty for the directory itself, nil for anything else.
  static func relative(_ path: String, to directory: String) -> String? {
    if path == directory { return "" }
    let prefix = directory == "/" ? "/" : directory + "/"
    return path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : nil
  }

  /// Directories that the sandbox itself fills: no workspace may lie in them or above them.
  static let reserved = [
    "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/logs", "/proc",
    "/root", "/run", "/runner", "/sbin", "/sys", "/tests", "/tmp", "/usr", "/var",
  ]

  /// True where a workspace may be mounted at this path: plain names only, outside the directories
  /// that the sandbox fills.
  static func isMountPoint(_ path: String) -> Bool {
    guard path != "/", path.hasPrefix("/"), path.utf8.count <= 200 else { return false }
    guard path.split(separator: "/").allSatisfy({ TaskName.isFileName(String($0)) }) else {
      return false
    }
    return !reserved.contains { relative(path, to: $0) != nil }
  }
}
