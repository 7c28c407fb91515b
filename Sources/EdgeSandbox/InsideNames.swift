internal import EdgeSystem

/// The names that a launch gives to its directories, and where those really are. The same at every
/// level that has a root of its own.
struct InsideNames {
  /// Name and real path; a longer name comes before those that it lies below.
  private let pairs: [(name: String, path: String)]

  /// - Throws: stage `mount` where a directory of the launch cannot be found.
  init(_ launch: Launch, in workspace: borrowing Workspace) throws(LaunchFailure) {
    guard let place = workspace.place else {
      pairs = []
      return
    }
    var pairs = [(launch.mountPoint, place.path + "/work"), ("/tmp", place.path + "/tmp")]
    for path in launch.writableDirectories {
      let name = Workspace.name(ofWritable: path)
      do { try workspace.root.ensureDirectory(name, mode: 0o777) } catch {
        throw LaunchFailure(stage: "workspace", errno: error.errno, subject: error.subject)
      }
      pairs.append((path, "\(place.path)/\(name)"))
    }
    for item in launch.readOnly {
      guard let identity = FileIdentity(item.descriptor) else {
        throw LaunchFailure(stage: "mount", errno: 9, subject: item.path)
      }
      let real = DetachedTree.path(of: item.descriptor)
      pairs.append((item.path, real))
      // The path is what the jail opens, so it has to lead to what was handed over.
      guard let found = try? Directory(path: real), FileIdentity(found.raw) == identity else {
        throw LaunchFailure(stage: "mount", errno: 116, subject: item.path)
      }
    }
    self.pairs = pairs.map { (name: $0.0, path: $0.1) }
      .sorted { $0.name.utf8.count > $1.name.utf8.count }
  }

  /// Where something really is; the same where it has no other place.
  func place(of path: String) -> String {
    for (name, real) in pairs {
      if path == name { return real }
      if path.hasPrefix(name + "/") { return real + path.dropFirst(name.count) }
    }
    return path
  }

  /// Words that are such a path as a whole.
  func words(_ words: [String]) -> [String] {
    pairs.isEmpty ? words : words.map(place)
  }

  /// `NAME=value`, where the value or a part of a list of paths is such a path.
  func environment(_ entries: [String]) -> [String] {
    if pairs.isEmpty { return entries }
    return entries.map { entry in
      guard let cut = entry.firstIndex(of: "=") else { return entry }
      let parts = entry[entry.index(after: cut)...]
        .split(separator: ":", omittingEmptySubsequences: false)
      return entry[...cut] + parts.map { place(of: String($0)) }.joined(separator: ":")
    }
  }
}

extension Sandbox {
  /// Where something that is named as if in the sandbox's own root really is: for what a program
  /// is told in another way than by its arguments and variables.
  /// - Parameter path: `/work`, `/tests`, `/runner` (areas by their names), or anything below.
  package func place(of path: String, in workspace: borrowing Workspace) -> String {
    guard let place = workspace.place else { return path }
    let parts = path.split(separator: "/", maxSplits: 1)
    let rest = parts.count > 1 ? "/" + parts[1] : ""
    guard path.hasPrefix("/"), let first = parts.first else { return path }
    switch "/" + first {
    case Launch.defaultMountPoint: return "\(place.path)/work\(rest)"
    case "/tmp": return "\(place.path)/tmp\(rest)"
    default:
      let area = Workspace.name(ofArea: String(first))
      return workspace.root.contains(area) ? "\(place.path)/\(area)\(rest)" : path
    }
  }
}
