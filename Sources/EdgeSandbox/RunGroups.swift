internal import EdgeSystem
internal import Glibc

/// The control groups of one run: fresh, so that every counter starts at 0; removed with the value.
struct RunGroups: ~Copyable {
  private let version: GroupTree.Version
  private let name: String
  /// Where a group of this name was made.
  private let places: [String]
  /// The files that take the number of a process, borrowed by the launcher.
  let members: [Int32]
  private let directories: [GroupTree.Controller: Int32]
  /// True where swap is part of the memory limit, or there is none.
  let swapIsLimited: Bool

  /// No groups at all: nothing is limited, and no counter is known.
  init() { self.init(.v1, "", RunGroupsParts()) }

  private init(_ version: GroupTree.Version, _ name: String, _ parts: RunGroupsParts) {
    self.version = version
    self.name = name
    places = parts.places
    members = parts.members
    directories = parts.directories
    swapIsLimited = parts.swapIsLimited
  }

  /// Makes the groups and sets their limits; nothing is left of them where that fails.
  static func make(_ tree: GroupTree, name: String, memory: Int64, processes: Int64)
    throws(LaunchFailure) -> RunGroups
  {
    var parts = RunGroupsParts()
    do {
      try parts.fill(tree, name: name, memory: memory, processes: processes)
    } catch {
      // The value removes what was made so far.
      _ = RunGroups(tree.version, name, parts)
      throw LaunchFailure(stage: "cgroup", errno: error.errno, subject: error.subject)
    }
    return RunGroups(tree.version, name, parts)
  }

  deinit {
    for raw in members + Array(directories.values) { close(raw) }
    for place in places { RunGroups.remove(name, in: place) }
  }

  func has(_ controller: GroupTree.Controller) -> Bool { directories[controller] != nil }

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
  var label: String? { places.isEmpty ? nil : name }

  /// An empty group can still be busy for a moment after its last member has been reaped.
  private static func remove(_ name: String, in place: String) {
    guard let parent = try? Directory(path: place) else { return }
    for _ in 0..<50 {
      do {
        try parent.removeDirectory(name)
        return
      } catch  where error.errno == EBUSY {
        usleep(1000)
      } catch {
        return
      }
    }
  }
}
