internal import EdgeSystem

/// Where this process may make control groups, cgroups(7): one directory for each controller in
/// version 1, the same directory for all in version 2.
struct GroupTree: Hashable, Sendable {
  enum Version: String, Sendable {
    case v1 = "cgroup v1"
    case v2 = "cgroup v2"
  }
  enum Controller: String, CaseIterable, Sendable { case memory, pids, cpuacct, cpuset }

  var version: Version
  /// Directory in which a group for this controller can be made.
  var places: [Controller: String]

  /// What is mounted and can be written, by trying; nil where no group can be made at all.
  static func probe() -> GroupTree? {
    guard let mounts = text("/proc/self/mountinfo"), let own = text("/proc/self/cgroup") else {
      return nil
    }
    let tree = first(mounts: mounts, own: own) ?? second(mounts: mounts, own: own)
    guard var tree else { return nil }
    for (controller, place) in tree.places where !isUsable(place) {
      tree.places[controller] = nil
    }
    return tree.places.isEmpty ? nil : tree
  }

  private static func text(_ path: String) -> String? {
    guard let cut = path.lastIndex(of: "/"),
      let directory = try? Directory(path: String(path[..<cut])),
      let file = try? directory.open(String(path[path.index(after: cut)...]), 0),
      let bytes = try? file.read(atMost: 1 << 20)
    else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Mounts of one type: where, which part of the hierarchy, and with which options.
  private static func mounted(_ type: String, in mounts: String) -> [(
    point: String, root: String, options: [Substring]
  )] {
    mounts.split(separator: "\n").compactMap { line in
      let fields = line.split(separator: " ")
      guard let dash = fields.firstIndex(of: "-"), fields.count > dash + 3, dash >= 6,
        fields[dash + 1] == type
      else { return nil }
      return (String(fields[4]), String(fields[3]), fields[dash + 3].split(separator: ","))
    }
  }

  /// The directory of our own group, from the mount and the line in /proc/self/cgroup.
  private static func place(point: String, root: String, group: Substring) -> String {
    let below = root == "/" ? group : group.hasPrefix(root) ? group.dropFirst(root.count) : ""
    return below == "/" || below.isEmpty ? point : point + below
  }

  private static func first(mounts: String, own: String) -> GroupTree? {
    var places: [Controller: String] = [:]
    for line in own.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      for controller in Controller.allCases
      where parts[1].split(separator: ",").contains(Substring(controller.rawValue)) {
        let mount = mounted("cgroup", in: mounts).first {
          $0.options.contains(Substring(controller.rawValue))
        }
        guard let mount else { continue }
        places[controller] = place(point: mount.point, root: mount.root, group: parts[2])
      }
    }
    return places[.memory] == nil ? nil : GroupTree(version: .v1, places: places)
  }

  private static func second(mounts: String, own: String) -> GroupTree? {
    guard let mount = mounted("cgroup2", in: mounts).first,
      let line = own.split(separator: "\n").first(where: { $0.hasPrefix("0::") })
    else { return nil }
    let place = place(point: mount.point, root: mount.root, group: line.dropFirst(3))
    // A group with members cannot hand controllers down, so ours then stand beside it.
    var candidates = [place]
    if place != mount.point, let cut = place.lastIndex(of: "/") {
      candidates.append(String(place[..<cut]))
    }
    for candidate in candidates {
      guard let directory = try? Directory(path: candidate) else { continue }
      if let control = try? directory.open("cgroup.subtree_control", 1) {
        for name in ["+memory", "+pids", "+cpu", "+cpuset"] { try? control.write(name.utf8) }
      }
      let active = text(candidate + "/cgroup.subtree_control") ?? ""
      let names = active.split { $0 == " " || $0 == "\n" }
      if names.contains("memory"), names.contains("pids"), isUsable(candidate) {
        var tree = GroupTree(
          version: .v2, places: [.memory: candidate, .pids: candidate, .cpuacct: candidate])
        if names.contains("cpuset") { tree.places[.cpuset] = candidate }
        return tree
      }
    }
    return nil
  }

  private static func isUsable(_ place: String) -> Bool {
    guard let directory = try? Directory(path: place) else { return false }
    sweep(directory)
    let name = "edgecoder-\(ProcessID.own)-probe-\(Hex16.random())"
    guard (try? directory.makeDirectory(name, mode: 0o755)) != nil else { return false }
    return (try? directory.removeDirectory(name)) != nil
  }

  /// Removes groups whose maker is dead; a group with members stays.
  private static func sweep(_ directory: borrowing Directory) {
    for name in (try? directory.entries()) ?? [] where name.hasPrefix("edgecoder-") {
      let parts = name.split(separator: "-")
      guard parts.count > 2, let process = Int32(parts[1]), !ProcessID.isAlive(process) else {
        continue
      }
      try? directory.removeDirectory(name)
    }
  }
}
