import EdgeJob
import EdgeSandbox
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// Launches that fail: nothing runs, and nothing is left.
@Suite(.enabled(if: isRoot && Probe.isAvailable, "needs root and a C compiler"))
struct FailureTests {
  /// Groups of this process that are still there, below every place where they can be made.
  private func leftGroups(_ slot: Int) throws -> [String] {
    var found: [String] = []
    for place in try groupPlaces() {
      found += try Directory(path: place).entries().filter {
        $0.hasPrefix("edgecoder-\(getpid())-\(slot)-")
      }
    }
    return found
  }

  /// The folders in which this machine's groups are made.
  private func groupPlaces() throws -> [String] {
    try Box().sandbox.host.findings.map(\.note).filter { $0.hasPrefix("/") }
  }

  @Test(arguments: [
    (1, "plan"), (2, "namespaces"), (4, "cgroup"), (5, "private mounts"), (6, "root"),
    (7, "directory"), (8, "link"), (9, "file"), (10, "bind"), (11, "device"), (12, "pivot"),
    (13, "seal root"), (14, "host name"), (15, "bounding set"), (16, "no new privileges"),
    (17, "seccomp"), (18, "clone"), (19, "mount"), (20, "proc"), (21, "descriptors"), (22, "user"),
    (23, "capabilities"), (24, "start"), (25, "rlimit"), (26, "work directory"), (27, "landlock"),
    (28, "program filter"), (29, "proof"), (30, "exec"),
  ])
  func aFailedStepLeavesNothing(_ number: Int32, _ stage: String) throws {
    let box = try Box()
    var launch = try box.launch(["sh", "-c", "echo > ran"])
    launch.failingStage = number
    let workspace = try box.sandbox.makeWorkspace(limits: launch.limits, profile: launch.profile)
    let mounts = try text("/proc/self/mountinfo")
    do {
      let report = try box.sandbox.run(launch, in: workspace)
      Issue.record("\(stage) did not fail: \(report.termination)")
    } catch {
      #expect(error.stage == stage)
      #expect(error.errno == ECANCELED)
      let isExplained = ["namespaces", "clone", "proc", "cgroup", "landlock", "seccomp"]
      #expect(error.hint != nil || !isExplained.contains(stage))
    }
    let ran = workspace.directory.contains("ran")
    #expect(!ran)
    #expect(Processes.of(box.user).isEmpty)
    #expect(try leftGroups(box.sandbox.slot).isEmpty)
    #expect(try text("/proc/self/mountinfo") == mounts)
    launch.failingStage = 0
    #expect(try Box().run(launch).verdict() == .passed)
  }

  private func text(_ path: String) throws -> String {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw SystemError("open", path) }
    return String(decoding: try Descriptor(owning: file).read(atMost: 1 << 20), as: UTF8.self)
  }

  @Test func aDamagedPlanIsRefused() throws {
    let order: [UInt8] = [0x45, 0x4A, 0x43, 0x52, 1, 0, 0, 0]
    for plan: [UInt8] in [[], [1, 2, 3], Array(repeating: 0, count: 4096), Random.bytes(200)] {
      for length: off_t in [0, 4 << 20] {
        let file = try Descriptor.memory("plan", plan)
        _ = ftruncate(file.raw, max(length, off_t(plan.count)))
        var ends: [Int32] = [-1, -1]
        socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0, &ends)
        let near = Descriptor(owning: ends[0])
        let far = Descriptor(owning: ends[1])
        var child = try Spawn(
          path: binary("edgecoder-jail"), arguments: [], descriptors: [3: file.raw, 4: far.raw]
        ).start()
        try near.write(order)
        #expect(child.wait() == .exited(1))
      }
    }
  }

  @Test func theTreeDiesWithTheJail() throws {
    let box = try Box(limits: smallLimits)
    let launch = try box.launch(["sh", "-c", "sleep 60 & sleep 60"])
    let user = box.user
    let killer = Thread {
      _ = eventually { Processes.of(user).count >= 4 }
      let inside = Set(Processes.of(user).map(\.parent))
      for entry in Processes.all()
      where entry.name == "edgecoder-jail" && entry.user == 0 && inside.contains(entry.process) {
        kill(entry.process, SIGKILL)
      }
    }
    let failure = #expect(throws: LaunchFailure.self) { try box.run(launch) }
    killer.join()
    #expect(failure?.stage == "supervise")
    #expect(eventually { Processes.of(user).isEmpty })
  }

  @Test(arguments: [SandboxHost.Isolation.slots, .landlock])
  func theTreeDiesWithTheWorker(isolation: SandboxHost.Isolation) throws {
    let slot = isolation == .slots ? 3900 : 3899
    var child = try TestBundle.start(
      suite: "VictimTests", variable: "EDGECODER_VICTIM=\(slot) \(isolation)")
    let user = 60000 + UInt32(slot)
    #expect(eventually { Processes.of(user).count >= 3 })
    child.signal(SIGKILL)
    #expect(child.wait() == .signalled(SIGKILL))
    #expect(eventually { Processes.of(user).isEmpty })
    // Its control groups are left until the jail is out of them; the next worker removes those of
    // the dead.
    #expect(
      try eventually {
        _ = try SandboxHost.probe(useGroups: true, isolation: isolation)
        return try groupPlaces().allSatisfy { place in
          !(try Directory(path: place).entries()).contains {
            $0.hasPrefix("edgecoder-\(child.process)-")
          }
        }
      })
  }

  @Test func strictNeedsTheAccountOfTheTree() throws {
    let box = try Box(host: try SandboxHost.probe(useGroups: false))
    let failure = #expect(throws: LaunchFailure.self) { try box.run(["true"], profile: "strict") }
    #expect(failure?.stage == "require memory")
    #expect(failure?.hint != nil)
    let report = try box.run(["true"], profile: "python")
    #expect(report.verdict() == .passed)
    #expect(report.enforced["memory"]?.hasPrefix("rlimit") == true)
  }

  @Test func aMissingJailIsNamed() throws {
    let sandbox = Sandbox(
      host: try SandboxHost.probe(), jail: "/nonexistent/edgecoder-jail", slot: 3901)
    let profile = try SandboxProfile.load("python", directory: Box.profiles)
    let workspace = try sandbox.makeWorkspace(limits: profile.limits, profile: profile)
    let launch = Launch(profile: profile, arguments: ["true"])
    do {
      _ = try sandbox.run(launch, in: workspace)
      Issue.record("ran")
    } catch {
      #expect(error.errno == ENOENT)
    }
  }
}

/// What the worker is in `theTreeDiesWithTheWorker`; started by that test alone.
@Suite(.enabled(if: environmentVariable("EDGECODER_VICTIM") != nil, "started by another test"))
struct VictimTests {
  @Test func runsUntilItIsKilled() throws {
    let words = try #require(environmentVariable("EDGECODER_VICTIM")).split(separator: " ")
    let slot = try #require(Int(words[0]))
    let isolation = SandboxHost.Isolation(rawValue: String(words[1]))
    let sandbox = Sandbox(
      host: try SandboxHost.probe(useGroups: true, isolation: isolation),
      jail: binary("edgecoder-jail"), slot: slot)
    let profile = try SandboxProfile.load("shell", directory: Box.profiles)
    let workspace = try sandbox.makeWorkspace(limits: profile.limits, profile: profile)
    let launch = Launch(profile: profile, arguments: ["sh", "-c", "sleep 60 & sleep 60"])
    _ = try sandbox.run(launch, in: workspace)
  }
}
