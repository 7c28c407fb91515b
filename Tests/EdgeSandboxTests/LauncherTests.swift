import EdgeJob
import EdgeSandbox
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// One jail starts many runs: nothing of one is charged to, or seen by, the next.
@Suite(.enabled(if: isRoot && Probe.isAvailable, "needs root and a C compiler"))
struct LauncherTests {
  /// The jails that this process has started for a slot, by their control groups.
  private func jails(_ box: Box) throws -> Set<Int32> {
    let own = "edgecoder-\(getpid())-\(box.sandbox.slot)-"
    var found: Set<Int32> = []
    for place in box.sandbox.host.findings.map(\.note) where place.hasPrefix("/") {
      for name in try Directory(path: place).entries() where name.hasPrefix(own) {
        let group = try Directory(path: place + "/" + name)
        let text = String(decoding: try group.read("cgroup.procs", atMost: 4096), as: UTF8.self)
        found.formUnion(text.split(separator: "\n").compactMap { Int32($0) })
      }
    }
    return found
  }

  @Test func oneJailServesAllRunsOfAKind() throws {
    let box = try Box()
    _ = try box.sh("true")
    let first = try jails(box)
    #expect(first.count == 1)
    for _ in 0..<5 { #expect(try box.sh("echo > x; ls").out == "probe\nx") }
    #expect(try jails(box) == first)
    // Another profile is another kind, and its jail stays beside the first.
    _ = try box.run(["true"], profile: "python")
    #expect(try jails(box).isSuperset(of: first))
    #expect(try jails(box).count == 2)
  }

  @Test func itIsGoneWithItsSandbox() throws {
    var jail: Set<Int32> = []
    do {
      let box = try Box()
      _ = try box.sh("true")
      jail = try jails(box)
    }
    #expect(jail.count == 1)
    #expect(jail.allSatisfy { kill($0, 0) == -1 && errno == ESRCH })
  }

  @Test func aJailThatDiedBetweenTwoRunsIsReplaced() throws {
    let box = try Box()
    _ = try box.sh("true")
    let first = try jails(box)
    for process in first { kill(process, SIGKILL) }
    #expect(eventually { first.allSatisfy { kill($0, 0) != 0 || isZombie($0) } })
    #expect(try box.sh("echo next").out == "next")
    #expect(try jails(box).isDisjoint(with: first))
  }

  private func isZombie(_ process: Int32) -> Bool {
    Processes.all().contains { $0.process == process && $0.isZombie }
  }

  @Test func countersBeginAnewWithEachRun() throws {
    let box = try Box(limits: smallLimits)
    #expect(try box.run(["./probe", "eat", "500"]).verdict() == .outOfMemory)
    #expect(try box.run(["./probe", "forks", "60"]).limitsHit.processRefusals > 0)
    #expect(try box.run(["./probe", "spin", "600"]).usage.cpuMilliseconds >= 500)
    let last = try box.sh("true")
    #expect(last.verdict() == .passed)
    #expect(last.limitsHit == RunReport.LimitsHit())
    #expect(last.usage.cpuMilliseconds < 300)
    #expect(last.usage.memoryPeakBytes < 32 << 20)
  }

  @Test func theLimitsAreThoseOfTheRun() throws {
    let box = try Box(limits: smallLimits)
    var launch = try box.launch(["./probe", "eat", "150"])
    #expect(try box.run(launch).verdict() == .outOfMemory)
    launch.limits.memoryBytes = 256 << 20
    #expect(try box.run(launch).verdict() == .passed)
    launch.limits.memoryBytes = 64 << 20
    #expect(try box.run(launch).verdict() == .outOfMemory)
  }

  @Test func memoryThatAnEarlierRunHoldsIsNotCounted() throws {
    let box = try Box(limits: smallLimits)
    var limits = smallLimits
    limits.diskBytes = 80 << 20
    var launch = try box.launch(["sh", "-c", "head -c 50000000 /dev/zero > x"])
    launch.limits = limits
    let workspace = try box.sandbox.makeWorkspace(limits: limits, profile: launch.profile)
    #expect(try box.sandbox.run(launch, in: workspace).verdict() == .passed)
    // The file still is, and was paid for by the run that wrote it.
    let next = try box.sh("head -c 50000000 /dev/zero | tail -c 50000000 | wc -c")
    #expect(next.out == "50000000")
    #expect(next.limitsHit.outOfMemoryKills == 0)
  }

  @Test func aRunThatFailsToStartDoesNotSpoilTheNext() throws {
    let box = try Box()
    _ = try box.sh("true")
    let failure = #expect(throws: LaunchFailure.self) { try box.run(["/no/such/program"]) }
    #expect(failure?.stage == "exec")
    #expect(try box.sh("echo after").out == "after")
  }

  /// On kernels before 6.15 the whole workspace is moved in, and bound from there.
  @Test func anOlderKernelGivesTheSameView() throws {
    let script = "awk '{print $5, $6}' /proc/self/mountinfo; ls -a / /work /tmp /dev/shm"
    let now = try Box().sh(script)
    let older = try Box(host: try SandboxHost.probe(useGroups: true, copiesDetached: false))
    #expect(now.verdict() == .passed)
    let then = try older.sh(script)
    #expect(then.out == now.out)
    let workspace = try older.sandbox.makeWorkspace(
      limits: smallLimits, profile: try older.launch(["true"]).profile)
    _ = try older.sandbox.run(try older.launch(["true"]), in: workspace)
    let second = #expect(throws: LaunchFailure.self) {
      try older.sandbox.run(try older.launch(["true"]), in: workspace)
    }
    #expect(second?.subject == "second run")
  }
}
