internal import EdgeSystem
internal import Glibc

/// The control groups of one run: fresh, so that every counter starts at 0; removed with the value.
struct RunGroups: ~Copyable {
  private let version: GroupTree.Version
  private let name: String
  private var made: [(place: String, controllers: [GroupTree.Controller])] = []
  /// The files that take the number of a process, borrowed by the launcher.
  private(set) var members: [Int32] = []
  private var directories: [GroupTree.Controller: Int32] = [:]
  /// True where swap is part of the memory limit, or there is none.
  private(set) var swapIsLimited = false

  /// No groups at all: nothing is limited, and no counter is known.
  init() {
    version = .v1
    name = ""
  }

  init(tree: GroupTree, name: String, memory: Int64, processes: Int64) throws(LaunchFailure) {
    version = tree.version
    self.name = name
    var places: [String: [GroupTree.Controller]] = [:]
    for (controller, place) in tree.places { places[place, default: []].append(controller) }
    for (place, controllers) in places.sorted(by: { $0.key < $1.key }) {
      do {
        let parent = try Directory(path: place)
        try parent.makeDirectory(name, mode: 0o755)
        made.append((place, controllers))
        let group = try parent.directory(name)
        members.append(try group.open("cgroup.procs", O_WRONLY).release())
        for controller in controllers {
          directories[controller] = try group.descriptor.duplicate().release()
        }
        if controllers.contains(.memory) { try limitMemory(group, memory) }
        if controllers.contains(.pids) { try put(group, "pids.max", "\(processes)") }
      } catch {
        throw LaunchFailure(stage: "cgroup", errno: error.errno, subject: error.subject)
      }
    }
  }

  deinit {
    for raw in members + Array(directories.values) { close(raw) }
    for group in made { RunGroups.remove(name, in: group.place) }
  }

  func has(_ controller: GroupTree.Controller) -> Bool { directories[controller] != nil }

  private func put(_ group: borrowing Directory, _ file: String, _ value: String)
    throws(SystemError)
  {
    let file = try group.open(file, O_WRONLY)
    try file.write(value.utf8)
  }

  private mutating func limitMemory(_ group: borrowing Directory, _ bytes: Int64)
    throws(SystemError)
  {
    switch version {
    case .v1:
      try put(group, "memory.limit_in_bytes", "\(bytes)")
      do {
        try put(group, "memory.memsw.limit_in_bytes", "\(bytes)")
        swapIsLimited = true
      } catch where error.errno == ENOENT {
        // The kernel counts no swap here. Not to swap the group at all is the next best.
        try? put(group, "memory.swappiness", "0")
      }
    case .v2:
      try put(group, "memory.max", "\(bytes)")
      do {
        try put(group, "memory.swap.max", "0")
        swapIsLimited = true
      } catch where error.errno == ENOENT {}
    }
  }

  private func text(_ controller: GroupTree.Controller, _ file: String) -> String? {
    guard let raw = directories[controller] else { return nil }
    let descriptor = openat(raw, file, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    let owned = Descriptor(owning: descriptor)
    return (try? owned.read(atMost: 1 << 16)).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The number behind a word at the start of a line, or the only number of the file.
  private func number(_ controller: GroupTree.Controller, _ file: String, _ word: String? = nil)
    -> Int64?
  {
    for line in text(controller, file)?.split(separator: "\n") ?? [] {
      let parts = line.split(separator: " ")
      if let word {
        if parts.count == 2, parts[0] == word { return Int64(parts[1]) }
      } else if let only = parts.first {
        return Int64(only)
      }
    }
    return nil
  }

  /// CPU time of everything that ever was in the group, nanoseconds.
  var cpuNanoseconds: Int64? {
    switch version {
    case .v1: number(.cpuacct, "cpuacct.usage")
    case .v2: number(.cpuacct, "cpu.stat", "usage_usec").map { $0 * 1000 }
    }
  }

  var memoryPeakBytes: Int64? {
    number(.memory, version == .v1 ? "memory.max_usage_in_bytes" : "memory.peak")
  }

  var outOfMemoryKills: Int64 {
    number(.memory, version == .v1 ? "memory.oom_control" : "memory.events", "oom_kill") ?? 0
  }

  var processRefusals: Int64 { number(.pids, "pids.events", "max") ?? 0 }

  /// How the paths of the groups in /proc/PID/cgroup end; nil where there are none.
  var label: String? { made.isEmpty ? nil : name }

  /// An empty group can still be busy for a moment after its last member has been reaped.
  private static func remove(_ name: String, in place: String) {
    guard let parent = try? Directory(path: place) else { return }
    for _ in 0..<50 {
      do {
        try parent.removeDirectory(name)
        return
      } catch where error.errno == EBUSY {
        usleep(1000)
      } catch {
        return
      }
    }
  }
}
