internal import EdgeSystem
internal import Glibc
internal import Synchronization

/// The control groups of one jail, in which its runs are born one after the other; removed with the
/// value. Counters go on from run to run, so each run is the difference to its `Mark`.
struct RunGroups: ~Copyable, Sendable {
  private let version: GroupTree.Version
  private let name: String
  /// Where a group of this name was made.
  private let places: [String]
  /// The files that take the number of a process, borrowed by the jail.
  let members: [Int32]
  private let files: [RunGroupsParts.File: Int32]
  /// True where swap is part of the memory limit, or there is none.
  let swapIsLimited: Bool
  /// True where its members stay on the processors that were chosen.
  let holdsProcessors: Bool
  private let limits = Mutex(RunGroupsParts.Values(memory: -1, processes: -1))
  /// Bytes that belong to a warm interpreter, and to no run.
  private let kept = Mutex<Int64>(0)

  /// No groups at all: nothing is limited, and no counter is known.
  init() { self.init(.v1, "", RunGroupsParts()) }

  private init(_ version: GroupTree.Version, _ name: String, _ parts: RunGroupsParts) {
    self.version = version
    self.name = name
    places = parts.places
    members = parts.members
    files = parts.files
    swapIsLimited = parts.swapIsLimited
    holdsProcessors = parts.holdsProcessors
  }

  /// Makes the groups; nothing is left of them where that fails.
  /// - Parameter processors: on which its members may run; none = on all.
  static func make(_ tree: GroupTree, name: String, processors: [Int]) throws(LaunchFailure)
    -> RunGroups
  {
    var parts = RunGroupsParts()
    do {
      try parts.fill(tree, name: name, processors: processors)
    } catch {
      // The value removes what was made so far.
      _ = RunGroups(tree.version, name, parts)
      throw LaunchFailure(stage: "cgroup", errno: error.errno, subject: error.subject).explained()
    }
    return RunGroups(tree.version, name, parts)
  }

  deinit {
    for raw in members + Array(files.values) { close(raw) }
    for place in places { RunGroups.remove(name, in: place) }
  }

  func has(_ file: RunGroupsParts.File) -> Bool { files[file] != nil }

  /// Counters at the start of a run.
  struct Mark {
    var cpuNanoseconds: Int64?
    var outOfMemoryKills: Int64 = 0
    var processRefusals: Int64 = 0
  }

  /// Sets the limits of the next run, and starts its counters.
  /// - Returns: nil where these groups cannot serve another run: too much memory of earlier ones is
  ///   still charged to them, or their peak cannot be started anew.
  func begin(memory: Int64, processes: Int64) throws(LaunchFailure) -> Mark? {
    let kept = kept.withLock { $0 }
    let memory = memory + kept
    if let left = number(.memoryUsage), left > RunGroups.leftMax + kept {
      // Pages of files that earlier runs have read.
      _ = write(.memoryEmpty, "0")
      guard let left = number(.memoryUsage), left <= RunGroups.leftMax + kept else { return nil }
    }
    let wanted = RunGroupsParts.Values(memory: memory, processes: processes)
    let old = limits.withLock { $0 }
    let isFresh = old.memory < 0
    if old != wanted {
      // The limit with swap is never below the one without.
      let order: [RunGroupsParts.File] =
        memory > old.memory && old.memory > 0
        ? [.memoryAndSwapLimit, .memoryLimit] : [.memoryLimit, .memoryAndSwapLimit]
      // More may be charged to a group that was used than it is to have now.
      for file in order where !(try set(file, "\(memory)", isFresh)) { return nil }
      guard try set(.processLimit, "\(processes)", isFresh) else { return nil }
      limits.withLock { $0 = wanted }
    }
    // A fresh group has no peak yet.
    if has(.memoryPeak), !isFresh {
      guard write(.memoryPeak, version == .v1 ? "0" : "reset") else { return nil }
    }
    return mark()
  }

  /// Takes what is charged by now for a warm interpreter's own; runs get their memory beside it.
  func keep() {
    let used = number(.memoryUsage) ?? 0
    kept.withLock { $0 = used }
  }

  /// What a jail itself and the caches of its runs may hold, bytes.
  private static let leftMax: Int64 = 8 << 20

  private func mark() -> Mark {
    Mark(
      cpuNanoseconds: cpuNanoseconds, outOfMemoryKills: outOfMemoryKills,
      processRefusals: processRefusals)
  }

  /// False where a used group does not take it; a fresh one has to.
  private func set(_ file: RunGroupsParts.File, _ value: String, _ isFresh: Bool)
    throws(LaunchFailure) -> Bool
  {
    guard files[file] != nil, !write(file, value) else { return true }
    if !isFresh { return false }
    throw LaunchFailure(stage: "cgroup", errno: errno, subject: "\(file)").explained()
  }

  private func write(_ file: RunGroupsParts.File, _ value: String) -> Bool {
    guard let raw = files[file] else { return false }
    return pwrite(raw, value, value.utf8.count, 0) == value.utf8.count
  }

  /// The number behind a word at the start of a line, or the first number of the file.
  private func number(_ file: RunGroupsParts.File, _ word: StaticString? = nil) -> Int64? {
    guard let raw = files[file] else { return nil }
    return withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 1) { buffer in
      let count = pread(raw, buffer.baseAddress, buffer.count, 0)
      guard count > 0 else { return nil }
      return RunGroups.number(in: buffer[..<count], after: word)
    }
  }

  static func number(in text: Slice<UnsafeMutableRawBufferPointer>, after word: StaticString?)
    -> Int64?
  {
    for line in text.split(separator: 0x0A) {
      var digits = line
      if let word {
        let expected = UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
        guard line.starts(with: expected), line.dropFirst(expected.count).first == 0x20 else {
          continue
        }
        digits = line.dropFirst(expected.count + 1)
      }
      var value: Int64 = 0
      for byte in digits {
        guard (0x30...0x39).contains(byte) else { return nil }
        value = value &* 10 &+ Int64(byte - 0x30)
      }
      return digits.isEmpty ? nil : value
    }
    return nil
  }

  /// CPU time of everything that ever was in the group, nanoseconds.
  var cpuNanoseconds: Int64? {
    switch version {
    case .v1: number(.cpu)
    case .v2: number(.cpu, "usage_usec").map { $0 * 1000 }
    }
  }

  /// The most memory at once since `begin`.
  var memoryPeakBytes: Int64? {
    let kept = kept.withLock { $0 }
    return number(.memoryPeak).map { max(0, $0 - kept) }
  }

  var outOfMemoryKills: Int64 { number(.memoryEvents, "oom_kill") ?? 0 }

  var processRefusals: Int64 { number(.processEvents, "max") ?? 0 }

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
