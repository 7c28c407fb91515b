internal import EdgeSystem
internal import Glibc

/// What the groups of a run are made of, while they are made.
struct RunGroupsParts {
  var places: [String] = []
  var members: [Int32] = []
  var directories: [GroupTree.Controller: Int32] = [:]
  var swapIsLimited = false

  /// Makes one group at each place, with the limits of the controllers that lie there.
  mutating func fill(_ tree: GroupTree, name: String, memory: Int64, processes: Int64)
    throws(SystemError)
  {
    var controllers: [String: [GroupTree.Controller]] = [:]
    for (controller, place) in tree.places { controllers[place, default: []].append(controller) }
    for (place, controllers) in controllers.sorted(by: { $0.key < $1.key }) {
      let parent = try Directory(path: place)
      try parent.makeDirectory(name, mode: 0o755)
      places.append(place)
      let group = try parent.directory(name)
      members.append(try group.open("cgroup.procs", O_WRONLY).release())
      for controller in controllers {
        directories[controller] = try group.descriptor.duplicate().release()
      }
      if controllers.contains(.memory) { try limitMemory(group, memory, tree.version) }
      if controllers.contains(.pids) { try put(group, "pids.max", "\(processes)") }
    }
  }

  private func put(_ group: borrowing Directory, _ file: String, _ value: String)
    throws(SystemError)
  {
    let file = try group.open(file, O_WRONLY)
    try file.write(value.utf8)
  }

  private mutating func limitMemory(
    _ group: borrowing Directory, _ bytes: Int64, _ version: GroupTree.Version
  ) throws(SystemError) {
    switch version {
    case .v1:
      try put(group, "memory.limit_in_bytes", "\(bytes)")
      do {
        try put(group, "memory.memsw.limit_in_bytes", "\(bytes)")
        swapIsLimited = true
      } catch  where error.errno == ENOENT {
        // The kernel counts no swap here. Not to swap the group at all is the next best.
        try? put(group, "memory.swappiness", "0")
      }
    case .v2:
      try put(group, "memory.max", "\(bytes)")
      do {
        try put(group, "memory.swap.max", "0")
        swapIsLimited = true
      } catch  where error.errno == ENOENT {}
    }
  }
}
