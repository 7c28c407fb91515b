import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Testing

@testable import EdgeSandbox

/// Compiled programs against the meaning of the rules that they were made from.
struct SeccompFilterTests {
  private func program(_ policy: SyscallPolicy, reporting: Bool = false) throws -> SeccompProgram {
    try SeccompProgram(
      try SeccompFilter.make(policy, reporting: reporting, cache: nil).instructions)
  }

  @Test(arguments: Policies.ours + ["loopback"], [false, true])
  func everyNumberAndClassOfArguments(_ name: String, _ reporting: Bool) throws {
    try compare(name, reporting)
  }

  @Test(.sharedData("seccomp"), arguments: Policies.documents, [false, true])
  func everyNumberAndClassOfOthers(_ name: String, _ reporting: Bool) throws {
    try compare(name, reporting)
  }

  private func compare(_ name: String, _ reporting: Bool) throws {
    let policy = try Policies.named(name)
    let classes = CallClasses(policy)
    #expect(classes.calls.count > 1900)
    let found = try classes.disagreements(
      try program(policy, reporting: reporting), reporting: reporting)
    #expect(found.isEmpty, "\(found)")
  }

  /// Any wrong constant, jump or action of an early instruction is noticed by the same comparison.
  @Test func aSpoiledProgramIsFound() throws {
    let policy = try Policies.named("python")
    let classes = CallClasses(policy)
    let good = try SeccompFilter.make(policy, reporting: false, cache: nil).instructions
    var found = 0
    var tried = 0
    for index in stride(from: 1, to: good.count / 8, by: 13) {
      var bytes = good
      // Returns get another action, comparisons another constant.
      bytes[index * 8 + (bytes[index * 8] == 0x06 ? 6 : 4)] ^= 1
      guard let spoiled = try? SeccompProgram(bytes) else { continue }
      tried += 1
      if try !classes.disagreements(spoiled, reporting: false, atMost: 1).isEmpty { found += 1 }
    }
    // A constant of the binary tree may lie in a gap between two numbers.
    #expect(tried > 15 && found * 10 >= tried * 8, "\(found) of \(tried)")
  }

  @Test func aPolicyWithoutARuleIsFound() throws {
    let policy = try Policies.named("python")
    for name in ["read", "socket", "ioctl", "clone3"] {
      let less = SyscallPolicy(
        rules: policy.without([name]), kill: policy.kill, defaultAction: policy.defaultAction)
      let found = try CallClasses(policy).disagreements(try program(less), reporting: false)
      #expect(!found.isEmpty, "\(name)")
    }
  }

  @Test(.sharedData("seccomp")) func documentsOfOthersLoadAsTheyAre() throws {
    let docker = try Policies.document("docker-default")
    #expect(docker.profile == nil && docker.policy.defaultErrno == 1)
    #expect(docker.policy.kill.isEmpty && docker.policy.allowed.count > 350)
    // No capabilities: groups that need one are not there.
    #expect(!docker.policy.allowed.contains("bpf") && !docker.policy.allowed.contains("mount"))
    #expect(docker.policy.allowed.contains("ptrace"), "this kernel is newer than 4.8")
    #expect(docker.notices == ["calls of SCMP_ARCH_X86, SCMP_ARCH_X32 are killed"])
    let podman = try Policies.document("podman-default")
    #expect(podman.policy.defaultErrno == 38)
    #expect(podman.notices.contains { $0.hasPrefix("setns: groups ") })
    #expect(!podman.policy.allowed.contains("setns"))
    for document in [docker, podman] {
      for rule in document.policy.rules {
        for name in rule.names { #expect(SyscallTable.find(name) != .unknown, "\(name)") }
      }
    }
  }

  @Test func theTableAgreesWithTheLibrary() {
    // What both know has one number; what only we know is newer.
    for number in SyscallTable.all {
      let name = SyscallTable.name(of: number)
      #expect(SyscallTable.find(name) == .number(number))
      #expect(LibraryTable.number(name) ?? number == number, "\(name)")
    }
    #expect(SyscallTable.newest >= 471)
    #expect(SyscallTable.find("_llseek") == .elsewhere)
    #expect(SyscallTable.find("renameat3") == .unknown)
  }

  @Test func whatIsTold() throws {
    let policy = try Policies.named("python")
    let quiet = try SeccompFilter.make(policy, reporting: false, cache: nil)
    let told = try SeccompFilter.make(policy, reporting: true, cache: nil)
    #expect(quiet.listens && told.listens)
    #expect(quiet.kills == told.kills && quiet.kills.count == policy.kill.count)
    #expect(quiet.defaultErrno == 1)
    let inspect = try Policies.named("inspect")
    #expect(!(try SeccompFilter.make(inspect, reporting: false, cache: nil).listens))
    #expect(try SeccompFilter.make(inspect, reporting: true, cache: nil).listens)
  }

  @Test func comparisonsOfIntsDoNotSeeTheHighHalf() throws {
    let rules = [
      Policies.allow("socket", Policies.compare(0, "LT", 38)),
      Policies.allow("socket", Policies.compare(0, "GE", 41)),
      Policies.allow("kill", Policies.compare(1, "NE", 9)),
      Policies.allow("personality", Policies.compare(0, "EQ", 0xFFFF_FFFF)),
      // 64 bits: nothing is masked.
      Policies.allow("mmap", Policies.compare(2, "LE", 3)),
      Policies.allow("unshare", Policies.compare(0, "EQ", 0)),
    ].joined(separator: ",")
    let policy = try Policies.plain(rules).policy
    let found = try CallClasses(policy).disagreements(try program(policy), reporting: false)
    #expect(found.isEmpty, "\(found)")
    func answer(_ name: String, _ arguments: UInt64...) throws -> SeccompAction {
      try program(policy).evaluate(
        SeccompCall(
          number: UInt32(try #require(SyscallTable.number(of: name))),
          architecture: ResolvedPolicy.architecture,
          arguments: Array((arguments + Array(repeating: 0, count: 6)).prefix(6))))
    }
    #expect(try answer("socket", 38 | 1 << 32) == .error(1))
    #expect(try answer("socket", 2 | 1 << 32) == .allow)
    #expect(try answer("kill", 1, 9 | 1 << 40) == .error(1))
    #expect(try answer("mmap", 0, 0, 1 << 32) == .error(1))
    #expect(try answer("unshare", 1 << 32) == .error(1))
  }

  @Test(arguments: [
    ("SCMP_ACT_TRACE", "tracer"), ("SCMP_ACT_NOTIFY", "listener"), ("SCMP_ACT_X", "not one"),
  ])
  func actionsThatNobodyServes(_ action: String, _ problem: String) {
    let failure = #expect(throws: LaunchFailure.self) {
      try Policies.plain(Policies.group("read", action))
    }
    #expect(failure?.subject.contains(problem) == true)
  }

  @Test func otherActions() throws {
    let rules = [
      Policies.group("bpf", "SCMP_ACT_KILL_PROCESS"), Policies.group("ptrace", "SCMP_ACT_TRAP"),
      Policies.group("kill", "SCMP_ACT_KILL", Policies.compare(1, "EQ", 9)),
      Policies.group("read", "SCMP_ACT_LOG"),
      #"{"name": "write", "action": "SCMP_ACT_ERRNO", "errno": "EACCES", "x": 1}"#,
    ].joined(separator: ",")
    let plain = try Policies.plain(rules)
    #expect(plain.policy.kill == ["bpf", "ptrace"])
    #expect(plain.notices.count == 2)
    #expect(try plain.decision("bpf", []).action == "end the run")
    #expect(try plain.decision("kill", [1, 9]).action == "kill the process")
    #expect(try plain.decision("kill", [1, 10]).action == "EPERM")
    #expect(try plain.decision("read", []).action == "allow")
    #expect(try plain.decision("write", []).action == "EACCES")
  }

  @Test(arguments: [
    (#""includes": {"caps": ["CAP_BPF"]}"#, false), (#""excludes": {"caps": ["CAP_BPF"]}"#, true),
    (#""includes": {"minKernel": "3.1"}"#, true), (#""includes": {"minKernel": "99.0"}"#, false),
    (#""excludes": {"minKernel": "3.1"}"#, false), (#""includes": {"arches": ["s390"]}"#, false),
    (#""includes": {"arches": ["amd64", "arm64"]}"#, true), (#""includes": {}"#, true),
    (#""excludes": {"arches": ["amd64", "arm64"]}"#, false),
    (#""includes": {"moon": "full"}"#, false), (#""excludes": null"#, true),
  ])
  func conditions(_ condition: String, _ holds: Bool) throws {
    let group = #"{"names": ["bpf"], "action": "SCMP_ACT_ALLOW", \#(condition)}"#
    #expect(try Policies.plain(group).policy.allowed.contains("bpf") == holds)
  }

  @Test(arguments: [
    #""args": {}"#, #""args": [{"index": 6, "op": "SCMP_CMP_EQ", "value": 1}]"#,
    #""args": [{"index": 0, "op": "EQ", "value": 1}]"#, #""errnoRet": 5000"#,
    #""errno": "EMOON""#, #""errno": "EACCES", "errnoRet": 1"#,
    #""args": [{"index": 0, "op": "SCMP_CMP_EQ", "value": 18446744073709551615}]"#,
    #""includes": {"minKernel": "new"}"#,
  ])
  func whatWouldOpenMoreThanMeantIsRefused(_ member: String) {
    #expect(throws: LaunchFailure.self) {
      try Policies.plain(#"{"names": ["bpf"], "action": "SCMP_ACT_ALLOW", \#(member)}"#)
    }
  }
}
