internal import EdgeSystem
internal import Glibc

/// What the groups of a jail are made of, while they are made.
struct RunGroupsParts {
  var places: [String] = []
  var members: [Int32] = []
  var files: [File: Int32] = [:]
  var swapIsLimited = false
  /// True where its members stay on the processors that were chosen.
  var holdsProcessors = false

  /// Limits that are in force; −1 = none yet.
  struct Values: Hashable {
    var memory: Int64
    var processes: Int64
  }

  /// The files of a group that stay open.
  enum File: Hashable, Sendable {
    case memoryUsage, memoryPeak, memoryEvents, memoryEmpty, memoryLimit, memoryAndSwapLimit
    case processLimit, processEvents
    case cpu
  }

  /// Makes one group at each place, and opens what is needed of the controllers that lie there.
  /// - Parameter processors: on which its members may run; none = on all.
  mutating func fill(_ tree: GroupTree, name: String, processors: [Int]) throws(SystemError) {
    var controllers: [String: [GroupTree.Controller]] = [:]
    for (controller, place) in tree.places where controller != .cpuset || !processors.isEmpty {
      controllers[place, default: []].append(controller)
    }
    for (place, controllers) in controllers.sorted(by: { $0.key < $1.key }) {
      let parent = try Directory(path: place)
      try parent.makeDirectory(name, mode: 0o755)
      places.append(place)
      let group = try parent.directory(name)
      members.append(try group.open("cgroup.procs", O_WRONLY).release())
      for controller in controllers {
        switch (controller, tree.version) {
        case (.memory, .v1): try openFirstMemory(group)
        case (.memory, .v2): try openSecondMemory(group)
        case (.pids, _):
          try keep(.processLimit, group, "pids.max", O_WRONLY)
          try keep(.processEvents, group, "pids.events", O_RDONLY)
        case (.cpuacct, .v1): try keep(.cpu, group, "cpuacct.usage", O_RDONLY)
        case (.cpuacct, .v2): try keep(.cpu, group, "cpu.stat", O_RDONLY)
        case (.cpuset, _): try choose(processors, group, parent, tree.version)
        }
      }
    }
  }

  private mutating func choose(
    _ processors: [Int], _ group: borrowing Directory, _ parent: borrowing Directory,
    _ version: GroupTree.Version
  ) throws(SystemError) {
    // Nobody can enter a group of version 1 that has no memory nodes.
    if version == .v1 {
      let nodes = try parent.open("cpuset.mems", O_RDONLY).read(atMost: 4096)
      try group.open("cpuset.mems", O_WRONLY).write(nodes)
    }
    let list = processors.map(String.init).joined(separator: ",")
    try group.open("cpuset.cpus", O_WRONLY).write(list.utf8)
    holdsProcessors = true
  }

  private mutating func keep(
    _ file: File, _ group: borrowing Directory, _ name: String, _ flags: Int32
  ) throws(SystemError) {
    files[file] = try group.open(name, flags).release()
  }

  private mutating func openFirstMemory(_ group: borrowing Directory) throws(SystemError) {
    try keep(.memoryUsage, group, "memory.usage_in_bytes", O_RDONLY)
    try keep(.memoryPeak, group, "memory.max_usage_in_bytes", O_RDWR)
    try keep(.memoryEvents, group, "memory.oom_control", O_RDONLY)
    try keep(.memoryLimit, group, "memory.limit_in_bytes", O_WRONLY)
    try keep(.memoryEmpty, group, "memory.force_empty", O_WRONLY)
    do {
      try keep(.memoryAndSwapLimit, group, "memory.memsw.limit_in_bytes", O_WRONLY)
      swapIsLimited = true
    } catch  where error.errno == ENOENT {
      // The kernel counts no swap here. Not to swap the group at all is the next best.
      let file = try? group.open("memory.swappiness", O_WRONLY)
      try? file?.write("0".utf8)
    }
  }

  private mutating func openSecondMemory(_ group: borrowing Directory) throws(SystemError) {
    try keep(.memoryUsage, group, "memory.current", O_RDONLY)
    try keep(.memoryEvents, group, "memory.events", O_RDONLY)
    try keep(.memoryLimit, group, "memory.max", O_WRONLY)
    // Linux 5.19 reads it, and 6.12 starts it anew.
    try? keep(.memoryPeak, group, "memory.peak", O_RDWR)
    if files[.memoryPeak] == nil { try? keep(.memoryPeak, group, "memory.peak", O_RDONLY) }
    do {
      let file = try group.open("memory.swap.max", O_WRONLY)
      try file.write("0".utf8)
      swapIsLimited = true
    } catch  where error.errno == ENOENT {}
  }
}
