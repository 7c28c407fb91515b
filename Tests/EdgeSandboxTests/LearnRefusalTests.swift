import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Testing

@testable import EdgeSandbox

/// What stays closed while a program is learned, and in what is made of it.
@Suite(.enabled(if: isRoot && Probe.isAvailable, "needs root and a C compiler"))
struct LearnRefusalTests {
  @Test(arguments: [
    ("ptrace", "ptrace"), ("keyctl", "keyctl"), ("io_uring", "io_uring_setup"),
    ("unshare", "unshare"), ("mount", "mount"), ("bpf", "bpf"),
  ])
  func whatTheBaseKillsIsDeniedAndNamed(_ what: String, _ call: String) throws {
    let learner = try Learner(["./probe", what], runs: 1)
    #expect(learner.report.out == "EPERM" && learner.report.verdict() == .passed)
    #expect(learner.calls.notGranted.map(\.name) == [call])
    #expect(learner.calls.killed == [call])
    #expect(!learner.calls.granted.contains { $0.name == call })
    // The new profile ends the run as the base does.
    let replay = try learner.run(["./probe", what])
    #expect(replay.verdict() == .violation(syscall: call))
    #expect(learner.calls.problems(of: replay).first == "\(call) ended the run")
  }

  @Test(arguments: [
    (["clone"], "clone"), (["tiocsti"], "ioctl"), (["personality"], "personality"),
    (["prlimit", "1"], "prlimit64"), (["mknod"], "mknodat"), (["undumpable", "1"], "prctl"),
    (["family", "2"], "socket"), (["family", "16"], "socket"),
  ])
  func dangerousArgumentsAreDeniedAndNamed(_ arguments: [String], _ call: String) throws {
    let learner = try Learner(["./probe"] + arguments, runs: 1)
    #expect(learner.report.out == "EPERM")
    let refused = learner.calls.notGranted
    #expect(refused.map(\.name) == [call] || (call, refused.first?.name) == ("mknodat", "mknod"))
    #expect(refused.allSatisfy { !$0.condition.isEmpty && $0.why?.isEmpty == false })
    let learned = try learner.profile()
    #expect(learned.policy.lint().isEmpty, "\(learned.policy.lint())")
    // It fails there as well, and nobody is told: the profile says so.
    let replay = try learner.run(["./probe"] + arguments)
    #expect(replay.out == "EPERM" && learner.calls.problems(of: replay).isEmpty)
  }

  @Test func processesAreLearnedAndNamespacesAreNot() throws {
    let learner = try Learner(["./probe", "forks", "1"])
    #expect(learner.calls.granted.contains { $0.name == "clone" })
    #expect(try learner.run(["./probe", "forks", "1"]).verdict() == .passed)
    let report = try learner.run(["./probe", "clone"])
    #expect(report.out == "EPERM" && report.denied.map(\.name) == ["clone"])
    #expect(try learner.run(["./probe", "clone3"]).out == "ENOSYS")
  }

  @Test func learntArgumentsAreOpenAndOthersAreNot() throws {
    let learner = try Learner(["sh", "-c", "./probe undumpable 0; ./probe prlimit 0; ./probe fifo"])
    #expect(learner.report.out == "OK\nOK\nOK")
    for (arguments, answer) in [
      (["undumpable", "0"], "OK"), (["undumpable", "1"], "EPERM"), (["subreaper"], "EPERM"),
      (["prlimit", "0"], "OK"), (["prlimit", "1"], "EPERM"), (["fifo"], "OK"),
      (["mknod"], "EPERM"),
    ] {
      #expect(try learner.run(["./probe"] + arguments).out == answer, "\(arguments)")
    }
  }

  /// What a foreign convention calls is not even looked at.
  @Test func otherConventionsStillKill() throws {
    #if arch(x86_64)
      let learner = try Learner(["./probe", "int80"], runs: 1)
      #expect(learner.report.verdict() == .violation(syscall: "foreign architecture"))
    #endif
  }

  @Test func allOtherLayersHold() throws {
    let learner = try Learner(["./probe", "fds"], runs: 1)
    let enforcing = try learner.box.run(["./probe", "fds"])
    var (learning, plain) = (learner.report.enforced, enforcing.enforced)
    #expect(learning["syscalls"]?.hasPrefix("seccomp learning") == true)
    learning["syscalls"] = nil
    plain["syscalls"] = nil
    #expect(learning == plain && learner.report.out == enforcing.out)
    let replay = try learner.run(["./probe", "fds"])
    #expect(replay.enforced["syscalls"]?.hasPrefix("seccomp allow-list") == true)
    let learned = try #require(try learner.profile().policy.profile)
    #expect(learned.document["kill"] == learner.base.document["kill"])
    #expect(learned.limits == learner.base.limits && learned.floor == learner.base.floor)
  }

  /// The jail's own calls go on to be its own: what comes from its addresses is not told, and a
  /// program that places code there is refused by its second filter.
  @Test func theCallsOfTheLaunchAreTheJailsAlone() throws {
    let base = try SandboxProfile.load("shell", directory: Box.profiles)
    let learning = try Learning(base: base)
    let stages = StageFilters(
      try SeccompFilter.of(learning.policy, reporting: true), allowing: learning.policy.always)
    let (first, second) = (try SeccompProgram(stages.first), try SeccompProgram(stages.second))
    for name in ["mount", "setresuid", "openat", "clone", "ioctl", "prlimit64", "socket"] {
      var call = SeccompCall(
        number: UInt32(SeccompFilter.number(of: name)),
        architecture: ResolvedPolicy.architecture, instructionPointer: 0x100_0000_1000,
        arguments: [0, 0, 0, 0, 0, 0])
      #expect(try first.evaluate(call) == .allow && second.evaluate(call) == .error(1), "\(name)")
      call.instructionPointer = 0x5555_0000_1000
      #expect(try first.evaluate(call) == .notify && second.evaluate(call) == .allow, "\(name)")
    }
    #expect(learning.policy.always.isSuperset(of: SyscallPolicy.neededForLaunch))
    #expect(learning.policy.always.isDisjoint(with: base.policy.kill))
  }

  @Test func aBoxLearnsAndEnforcesInTurn() throws {
    let learner = try Learner(["./probe", "fifo"], runs: 1)
    #expect(try learner.box.probe("ptrace").isEmpty)
    #expect(try learner.run(["./probe", "fifo"]).verdict() == .passed)
    #expect(try learner.run(["./probe", "fifo"]).seen.isEmpty)
  }

  @Test func aBaseThatForbidsSomeArgumentsIsRefused() throws {
    let base = try SandboxProfile.load("shell", directory: Box.profiles).document
    let text = base.canonicalText.replacing(
      #""syscalls":["#,
      with: #""syscalls":[{"names":["umask"],"action":"SCMP_ACT_ERRNO","why":"x","#
        + #""args":[{"index":0,"value":1,"op":"SCMP_CMP_EQ"}]},"#)
    let profile = try SandboxProfile(resolved: try JSON.parse(Array(text.utf8)), "odd")
    let failure = #expect(throws: LaunchFailure.self) { try Learning(base: profile) }
    #expect(failure?.stage == "learn" && failure?.subject.contains("umask") == true)
  }
}
