import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Testing

@testable import EdgeSandbox

/// Rules that do not mean what they seem to mean.
struct LintTests {
  private let folder = TemporaryDirectory()

  private func codes(_ groups: String, default action: String = "SCMP_ACT_ERRNO") throws
    -> [String]
  {
    let plain = try Policies.plain("\(Policies.basics),\(groups)", default: action)
    return plain.lint().map { "\($0.severity.rawValue) \($0.code)" }
  }

  @Test(arguments: ["base"] + Policies.ours) func oursAreClean(_ name: String) throws {
    let profile = try SandboxProfile.load(name, directory: Box.profiles)
    let found = PolicyLint.findings(profile.policy, profile: profile)
    #expect(found.isEmpty, "\(found)")
  }

  @Test func aCleanDocument() throws {
    #expect(try codes(Policies.allow("getpid")).isEmpty)
    #expect(try codes(Policies.allow("socket", Policies.compare(0, "EQ", 1))).isEmpty)
  }

  @Test(arguments: [
    (
      "AF_ALG and AF_VSOCK", "error not-equal-pair",
      Policies.allow("socket", Policies.compare(0, "NE", 38)) + ","
        + Policies.allow("socket", Policies.compare(0, "NE", 40))
    ),
    (
      "the narrower rule", "warning dead-rule",
      Policies.allow("socket", Policies.compare(0, "EQ", 1)) + "," + Policies.allow("socket")
    ),
    (
      "contradiction", "error conflict",
      Policies.allow("getpid") + "," + Policies.group("getpid", "SCMP_ACT_ERRNO")
    ),
    (
      "overlap", "error conflict",
      Policies.allow("socket", Policies.compare(0, "EQ", 1)) + ","
        + Policies.group("socket", "SCMP_ACT_ERRNO", Policies.compare(1, "EQ", 3))
    ),
    (
      "above 32 bit", "error wide-value",
      Policies.allow("socket", Policies.compare(0, "EQ", 1 << 32))
    ),
    (
      "not masked", "error cannot-be-masked",
      Policies.allow("socket", Policies.compare(0, "LT", 38))
    ),
    (
      "outside the mask", "error never-holds",
      Policies.allow("mmap", Policies.compare(2, "MASKED_EQ", 1, 2))
    ),
    (
      "twice", "error twice-in-rule",
      Policies.allow(
        "mmap", Policies.compare(2, "GE", 1) + "," + Policies.compare(2, "LE", 2))
    ),
    ("a slip", "warning unknown-call", Policies.allow("opennat")),
    ("no call", "warning empty-group", Policies.allow("")),
    ("one call twice", "warning duplicate", Policies.allow("getpid getpid")),
    (
      "one rule twice", "warning duplicate",
      Policies.allow("getpid") + "," + Policies.allow("getuid getpid")
    ),
    ("ptrace", "warning dangerous", Policies.allow("ptrace")),
    ("io_uring", "warning dangerous", Policies.allow("io_uring_setup")),
    ("mount", "warning dangerous", Policies.allow("fsmount")),
    ("clone", "warning dangerous", Policies.allow("clone")),
    (
      "clone of few", "warning dangerous",
      Policies.allow("clone", Policies.compare(0, "MASKED_EQ", 0x1000_0000, 0))
    ),
    (
      "clone3", "warning clone3",
      Policies.allow("clone", Policies.compare(0, "MASKED_EQ", 0x7E02_0000, 0))
    ),
  ])
  func plantedErrors(_ what: String, _ code: String, _ groups: String) throws {
    let found = try codes(groups)
    #expect(found.contains(code), "\(what): \(found)")
  }

  @Test func theDefaultAndTheLauncher() throws {
    #expect(
      try codes(Policies.allow("getpid"), default: "SCMP_ACT_ALLOW").contains("error default"))
    let found = try Policies.plain(Policies.allow("read write exit_group")).lint()
    #expect(found.map(\.code) == ["launch"])
  }

  @Test(arguments: [
    (#""why": "TCGETS: is it a terminal?""#, #""why": " ""#, "no-reason"),
    (#""restart_syscall", "#, #""restart_sycsall", "#, "unknown-call"),
    (#""names": ["mknod"]"#, #""names": []"#, "empty-group"),
    (#""SEED", "#, #""SEED", "CI", "#, "duplicate"), (#""execve", "#, "", "launch"),
  ])
  func plantedInAProfile(_ old: String, _ new: String, _ code: String) throws {
    let base = try Directory(path: Box.profiles).read("base.json", atMost: 1 << 20)
    let text = String(decoding: base, as: UTF8.self)
    #expect(text.contains(old))
    let path = try folder.write("mine.json", text: text.replacing(old, with: new))
    #expect(try NamedPolicy.load(path).lint().map(\.code).contains(code))
  }

  @Test(.sharedData("seccomp")) func whatOthersWrote() throws {
    let docker = try Policies.document("docker-default").lint()
    #expect(docker.count { $0.code == "cannot-be-masked" } == 2, "< 38 and > 40")
    #expect(docker.contains { $0.text.contains("ptrace") })
    let podman = try Policies.document("podman-default").lint()
    #expect(podman.contains { $0.code == "conflict" && $0.text.contains("setns") })
  }
}
