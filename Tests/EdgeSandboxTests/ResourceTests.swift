import EdgeJob
import EdgeSandbox
import EdgeSystem
import Glibc
import Testing

/// Programs that use too much, each once with the protection and once without.
@Suite(.enabled(if: isRoot && Probe.isAvailable, "needs root and a C compiler"))
struct ResourceTests {
  let small = smallLimits

  private func hasGroups() throws -> Bool {
    try Box().sandbox.host.findings.first { $0.property == "memory" }?.ok == true
  }

  @Test func forksAreCounted() throws {
    let box = try Box(limits: small)
    let report = try box.run(["./probe", "forks", "60"])
    // The limit holds for all of them: 31 children and the program itself.
    #expect(report.out == "31")
    #expect(report.termination == .exited(1))
    if try hasGroups() {
      #expect(report.verdict() == .tooManyProcesses)
      #expect(report.limitsHit.processRefusals == 29)
    }
    #expect(report.usage.orphans == 31)
    #expect(Processes.of(box.user).isEmpty)
    let free = try Box(limits: small, without: [.groups, .rlimits]).run(["./probe", "forks", "60"])
    #expect(free.out == "60")
  }

  @Test func withoutGroupsForksMeetTheRlimit() throws {
    let report = try Box(limits: small, without: [.groups]).run(["./probe", "forks", "60"])
    #expect(report.out == "31")
    #expect(report.enforced["processes"] == "rlimit nproc 32")
  }

  @Test func memoryOfTheTreeIsLimited() throws {
    let report = try Box(limits: small).run(["./probe", "eat", "200"])
    if try hasGroups() {
      #expect(report.verdict() == .outOfMemory)
      #expect(report.limitsHit.outOfMemoryKills > 0)
      #expect(report.usage.memoryPeakBytes <= small.memoryBytes)
    }
    #expect(report.out != "OK")
    let free = try Box(limits: small, without: [.groups, .rlimits]).run(["./probe", "eat", "200"])
    #expect(free.out == "OK")
  }

  @Test func memoryIsSummedOverProcesses() throws {
    // Each is below the limit of one process.
    let script = "for i in 1 2 3 4; do ./probe eat 60 >/dev/null & done; wait; echo done"
    guard try hasGroups() else { return }
    #expect(try Box(limits: small).sh(script).verdict() == .outOfMemory)
    #expect(try Box(limits: small, without: [.groups]).sh(script).verdict() == .passed)
  }

  @Test func filesInTheWorkspaceAreMemory() throws {
    guard try hasGroups() else { return }
    var limits = small
    limits.diskBytes = 256 << 20
    let script = "head -c 200000000 /dev/zero > /dev/shm/x; head -c 200000000 /dev/zero > x"
    #expect(try Box(limits: limits).sh(script).verdict() == .outOfMemory)
    #expect(
      try Box(limits: limits, without: [.groups]).sh(script).verdict() == .workspaceFull)
  }

  @Test func withoutGroupsMemoryMeetsTheRlimit() throws {
    let report = try Box(limits: small, without: [.groups]).run(["./probe", "eat", "200"])
    #expect(report.out == "ENOMEM")
    #expect(report.enforced["memory"]?.hasPrefix("rlimit data") == true)
  }

  @Test func cpuTimeIsLimited() throws {
    var limits = small
    limits.cpuMilliseconds = 300
    let report = try Box(limits: limits).run(["./probe", "spin", "60000"])
    #expect(report.verdict() == .timedOut(.cpu))
    #expect((300..<1500).contains(report.usage.cpuMilliseconds))
    let free = try Box(limits: limits, without: [.watch]).run(["./probe", "spin", "600"])
    #expect(free.verdict() == .passed)
    #expect(free.usage.cpuMilliseconds >= 600)
  }

  @Test func cpuTimeIsThatOfTheTree() throws {
    var limits = small
    limits.cpuMilliseconds = 500
    guard try hasGroups() else { return }
    let script = "for i in 1 2 3; do ./probe spin 300 & done; wait"
    #expect(try Box(limits: limits).sh(script).verdict() == .timedOut(.cpu))
  }

  @Test func timeOnTheWallIsLimited() throws {
    var limits = small
    limits.wallMilliseconds = 300
    let report = try Box(limits: limits).run(["sleep", "60"])
    #expect(report.verdict() == .timedOut(.wall))
    #expect((300..<5000).contains(report.usage.wallMilliseconds))
    let free = try Box(limits: limits, without: [.watch]).run(["sleep", "0.6"])
    #expect(free.verdict() == .passed)
  }

  @Test func aStoppedTreeIsKilledAsWell() throws {
    var limits = small
    limits.wallMilliseconds = 300
    let report = try Box(limits: limits).sh("kill -STOP $$")
    #expect(report.verdict() == .timedOut(.wall))
  }

  @Test(arguments: ["big", "/tmp/big", "/dev/shm/big"])
  func theWorkspaceHasASize(_ path: String) throws {
    let script = "head -c 6000000 /dev/zero > \(path)"
    #expect(try Box(limits: small).sh(script).verdict() == .workspaceFull)
    #expect(
      try Box(limits: small, without: [.quota, .rlimits]).sh(script).verdict() == .passed)
  }

  @Test func theWorkspaceHoldsSoManyFiles() throws {
    let script = "i=0; while [ $i -lt 400 ]; do : > f$i || exit 3; i=$((i+1)); done; ls | wc -l"
    #expect(try Box(limits: small).sh(script).verdict() == .workspaceFull)
    #expect(try Box(limits: small, without: [.quota]).sh(script).out == "401")
  }

  @Test func aFloodOfOutputIsStopped() throws {
    let report = try Box(limits: small).run(["yes"])
    #expect(report.verdict() == .outputTooLarge)
    #expect(report.stdout.count == 64 << 10)
    #expect(report.limitsHit.outputBytesDropped > 1 << 20)
    let free = try Box(limits: small, without: [.watch]).sh("yes | head -c 4000000")
    #expect(free.verdict() == .passed)
    #expect(free.stdout.count == 64 << 10)
    #expect(free.usage.outputBytes == 4_000_000)
  }

  @Test func alittleTooMuchOutputIsCutAndCounted() throws {
    let report = try Box(limits: small).sh("head -c 70000 /dev/zero; exit 3")
    #expect(report.verdict() == .failed(exit: 3))
    #expect(report.stdout.count == 65536)
    #expect(report.limitsHit.outputBytesDropped == 70000 - 65536)
  }

  @Test func openFilesAreLimited() throws {
    let script =
      "i=3; while [ $i -lt 90 ]; do eval \"exec $i</dev/null\" || exit 3; i=$((i+1)); done"
    let bash = ["bash", "-c", script]
    #expect(try Box(limits: small).run(bash).termination != .exited(0))
    #expect(try Box(limits: small, without: [.rlimits]).run(bash).termination == .exited(0))
  }

  @Test func daemonsDieWithTheRun() throws {
    let box = try Box(limits: small)
    let daemon = "setsid sh -c 'sleep 300 & sleep 300' >/dev/null 2>&1 & sleep 0.2; exit 7"
    let report = try box.sh(daemon)
    #expect(report.verdict() == .failed(exit: 7))
    #expect(report.usage.orphans >= 2)
    #expect(Processes.of(box.user).isEmpty)
  }

  @Test func withoutASandboxTheDaemonLives() throws {
    let script = "setsid sleep 300 >/dev/null 2>&1 & echo $!"
    let file = try Descriptor.memory("out")
    var child = try Spawn(
      path: "/bin/sh", arguments: ["-c", script], environment: ["PATH=/usr/bin:/bin"],
      descriptors: [1: file.raw]
    ).start()
    _ = child.wait()
    lseek(file.raw, 0, SEEK_SET)
    let text = String(decoding: try file.read(atMost: 100), as: UTF8.self)
    let daemon = try #require(Int32(text.dropLast()))
    usleep(100_000)
    #expect(kill(daemon, 0) == 0)
    kill(daemon, SIGKILL)
  }
}
