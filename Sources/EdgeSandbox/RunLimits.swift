internal import EdgeJob
internal import Glibc

/// The limits that the kernel keeps for each process, setrlimit(2).
enum RunLimits {
  private static let cpu: UInt32 = 0
  private static let fileSize: UInt32 = 1
  private static let data: UInt32 = 2
  private static let stack: UInt32 = 3
  private static let core: UInt32 = 4
  private static let processes: UInt32 = 6
  private static let openFiles: UInt32 = 7
  private static let locked: UInt32 = 8
  private static let addressSpace: UInt32 = 9
  private static let pendingSignals: UInt32 = 11
  private static let messageQueues: UInt32 = 12
  private static let nice: UInt32 = 13
  private static let realTime: UInt32 = 14

  static func write(
    into writer: inout PlanWriter, _ launch: Launch, host: SandboxHost, isWarm: Bool
  ) {
    guard !launch.without.contains(.rlimits) else { return }
    let limits = launch.limits
    let groups = launch.without.contains(.groups) ? nil : host.groups
    // Seconds; the watch stops a tree that is accounted for long before this one does.
    let seconds = (limits.cpuMilliseconds + 999) / 1000
    let hasCPU = groups?.places[.cpuacct] != nil
    set(&writer, cpu, hasCPU ? seconds + 1 : seconds)
    // A little above the quota, so that a full workspace says so and raises no signal.
    set(&writer, fileSize, limits.diskBytes + 1 << 20)
    set(&writer, stack, 8 << 20, 64 << 20)
    // A pipe in core_pattern ignores 0, and takes 1 for "none" as files do, core(5).
    set(&writer, core, 1)
    set(&writer, openFiles, limits.openFiles)
    set(&writer, locked, 64 << 10)
    set(&writer, pendingSignals, 1024)
    set(&writer, messageQueues, 0)
    set(&writer, nice, 0)
    set(&writer, realTime, 0)
    if groups?.places[.pids] == nil {
      // Init counts, too; the jail and a warm interpreter are another user's where there are slots
      // of their own. Without a user namespace all processes of the user count, and the jail is one
      // of them by now.
      let others =
        host.hasSlotUsers
        ? 1 : host.isolation == .landlock ? 1 + UserThreads.count() : isWarm ? 3 : 2
      set(&writer, processes, limits.processes + others)
    }
    if groups?.places[.memory] == nil {
      set(&writer, data, limits.memoryBytes)
      if launch.profile.addressSpaceIsLimited {
        // Shared libraries are mapped, but not paid for with memory.
        set(&writer, addressSpace, limits.memoryBytes + 256 << 20)
      }
    }
  }

  /// Never above what this process itself may have.
  private static func set(
    _ writer: inout PlanWriter, _ resource: UInt32, _ soft: Int64, _ hard: Int64? = nil
  ) {
    var own = rlimit()
    getrlimit(Int32(resource), &own)
    let most = Int64(clamping: own.rlim_max)
    writer.limit(resource, min(soft, most), min(hard ?? soft, most))
  }
}
