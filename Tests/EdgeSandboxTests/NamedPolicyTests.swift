import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Testing

@testable import EdgeSandbox

/// What people ask of a policy.
struct NamedPolicyTests {
  private let folder = TemporaryDirectory()

  private func python() throws -> NamedPolicy { try profile("python") }

  private func profile(_ name: String) throws -> NamedPolicy {
    try NamedPolicy.load("\(Box.profiles)/\(name).json")
  }

  @Test(arguments: [
    ("socket", ["AF_UNIX", "SOCK_STREAM"], "allow", "group "),
    ("socket", ["AF_INET", "SOCK_STREAM"], "EPERM", "default"),
    ("socket", ["0x100000001"], "allow", "group "), ("ptrace", [], "end the run", "kill"),
    ("clone3", [], "ENOSYS", "group "), ("clone", ["CLONE_NEWUSER|17"], "EPERM", "default"),
    ("9999", [], "ENOSYS", "newer"), ("mknod", ["0", "S_IFIFO|0644"], "allow", "group "),
    ("mknod", ["0", "S_IFCHR"], "EPERM", "default"),
    ("prctl", ["PR_SET_SECCOMP"], "EPERM", "default"),
  ])
  func explanations(_ call: String, _ texts: [String], _ action: String, _ by: String) throws {
    let arguments = try texts.map { try #require(CallArgument.value($0), "\($0)") }
    let answer = try python().decision(call, arguments)
    #expect(answer.action == action && answer.decidedBy.hasPrefix(by) && answer.agrees)
    #expect(!answer.why.isEmpty)
  }

  #if arch(x86_64)
    @Test func otherConventions() throws {
      let answer = try python().decision("0x40000027", [])
      #expect(answer.decidedBy == "architecture" && answer.action == "kill the process")
      #expect(answer.agrees)
      #expect(try python().decision("0xffffffff", []).agrees)
    }
  #endif

  @Test(arguments: ["x", "", "0x", "1|", "AF_MOON", "99999999999999999999"])
  func noArguments(_ text: String) { #expect(CallArgument.value(text) == nil) }

  @Test(arguments: Policies.ours) func thePlainFormMeansTheSame(_ name: String) throws {
    try comparePlain(try profile(name), name)
  }

  @Test(.sharedData("seccomp"), arguments: Policies.documents)
  func thePlainFormOfOthersMeansTheSame(_ name: String) throws {
    try comparePlain(try Policies.document(name), name)
  }

  private func comparePlain(_ asked: NamedPolicy, _ name: String) throws {
    let plain = try NamedPolicy.document(
      try JSON.parse(try asked.oci().canonical), "\(name), plain")
    #expect(plain.policy.defaultAction == asked.policy.defaultAction)
    let program = try SeccompProgram(
      try SeccompFilter.make(plain.policy, reporting: false, cache: nil).instructions)
    let found = try CallClasses(asked.policy).disagreements(program, reporting: false)
    #expect(found.isEmpty, "\(found)")
    #expect(try asked.differences(plain).filter { $0.kind == "call" }.isEmpty)
  }

  @Test func differences() throws {
    let found = try python().differences(try profile("javascript"))
    #expect(found.contains { $0.kind == "call" && $0.name == "io_uring_setup" })
    #expect(found.contains { $0.kind == "limits" && $0.name == "memoryBytes" })
    #expect(found.contains { $0.kind == "environment" && $0.name == "NODE_ENV" })
    #expect(found.contains { $0.kind == "fileSystem" && $0.name == "proc" })
    #expect(try python().differences(try python()).isEmpty)
  }

  @Test func eachGroupHasItsReason() throws {
    let groups = try python().groups
    #expect(groups.count > 25 && groups.allSatisfy { $0.why?.isEmpty == false })
    #expect(groups.last?.number == nil && groups.last?.calls.contains("ptrace") == true)
  }

  private func wrapped(network: String, _ document: String = "docker-default") throws
    -> NamedPolicy
  {
    let data = try #require(SharedData.folder("seccomp"))
    try folder.write(
      "\(document).json", try Directory(path: data).read("\(document).json", atMost: 1 << 20))
    let path = try folder.write(
      "mine.json",
      text: """
        {"extends": "base", "name": "mine", "version": 1, "summary": "As Docker.",
         "network": "\(network)",
         "seccomp": {"file": "\(document).json", "why": "What runs in Docker runs here."}}
        """)
    try folder.write(
      "base.json", try Directory(path: Box.profiles).read("base.json", atMost: 1 << 20))
    return try NamedPolicy.load(path)
  }

  @Test(
    .sharedData("seccomp"),
    arguments: [
      ("none", ["EPERM", "EPERM", "EPERM"]), ("unix", ["allow", "EPERM", "EPERM"]),
      ("loopback", ["allow", "allow", "EPERM"]),
    ])
  func aDocumentWithAGrant(_ network: String, _ wanted: [String]) throws {
    let policy = try wrapped(network: network)
    let answers = try [[1, 1], [2, 1], [16, 3]].map {
      try policy.decision("socket", $0).action
    }
    #expect(answers == wanted)
    // What base kills stays killed, whatever Docker allows.
    #expect(try policy.decision("ptrace", []).action == "end the run")
    #expect(try policy.decision("shmget", []).action == "allow")
    let classes = CallClasses(policy.policy)
    let program = try SeccompProgram(try SeccompFilter.of(policy.policy).instructions)
    let found = try classes.disagreements(program, reporting: false)
    #expect(found.isEmpty, "\(found)")
  }

  @Test(
    .sharedData("seccomp"), .enabled(if: isRoot, "needs root"), arguments: Policies.documents)
  func programsRunBehindADocument(_ name: String) throws {
    let profile = try #require(try wrapped(network: "unix", name).profile)
    let box = try Box(limits: smallLimits)
    var launch = Launch(
      profile: profile, limits: smallLimits, arguments: ["sh", "-c", "echo here; ls / >&2"])
    let good = try box.run(launch)
    #expect(good.verdict() == .passed && good.out == "here", "\(good.err)")
    guard Probe.isAvailable else { return }
    launch.arguments = ["./probe", "unshare"]
    #expect(try box.run(launch).verdict() == .violation(syscall: "unshare"))
  }

  @Test(.sharedData("seccomp")) func theReasonOfADocumentIsThatOfItsGroups() throws {
    let policy = try wrapped(network: "unix")
    #expect(policy.groups.allSatisfy { $0.why?.isEmpty == false })
    #expect(policy.lint().allSatisfy { $0.severity == .warning }, "\(policy.lint())")
  }

  @Test(.sharedData("seccomp")) func theDigestCoversTheDocument() throws {
    let one = try #require(try wrapped(network: "unix").profile)
    let other = try #require(try wrapped(network: "none").profile)
    #expect(one.digest != other.digest && one.network == .unix && other.network == .none)
  }

  @Test(arguments: [
    #"{"file": "../x.json", "why": "y"}"#, #"{"file": "none.json", "why": "y"}"#,
    #"{"file": ".x.json", "why": "y"}"#, #"{"file": 1, "why": "y"}"#,
  ])
  func filesElsewhereAreRefused(_ seccomp: String) throws {
    let path = try folder.write("mine.json", text: #"{"extends": "base", "seccomp": \#(seccomp)}"#)
    #expect(throws: LaunchFailure.self) { try NamedPolicy.load(path) }
  }

  @Test(arguments: NetworkGrant.allCases) func grants(_ grant: NetworkGrant) throws {
    let text = String(
      decoding: try Directory(path: Box.profiles).read("base.json", atMost: 1 << 20),
      as: UTF8.self)
    let path = try folder.write(
      "mine.json",
      text: text.replacing(#""network": "unix""#, with: #""network": "\#(grant.rawValue)""#))
    let policy = try NamedPolicy.load(path)
    #expect(policy.profile?.network == grant && policy.lint().isEmpty)
    func answer(_ arguments: UInt64...) throws -> Bool {
      try policy.decision("socket", arguments).action == "allow"
    }
    #expect(try answer(1, 1) == (grant != .none))
    for domain in [UInt64(2), 10] {
      for type in [UInt64(1), 2] {
        #expect(try answer(domain, type | 0x80800) == (grant == .loopback))
      }
      #expect(try answer(domain, 1, 6) == (grant == .loopback))
      // Raw sockets, and datagrams that are not UDP, such as those of ping.
      #expect(try answer(domain, 3) == false)
      #expect(try answer(domain, 2, 1) == false)
    }
    for domain in [UInt64(16), 17, 38, 40] { #expect(try answer(domain, 3) == false) }
    #expect(try policy.decision("connect", []).action == (grant == .none ? "EPERM" : "allow"))
  }
}
