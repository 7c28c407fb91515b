import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Testing

@testable import EdgeSandbox

/// Profiles from what real programs call.
@Suite(.enabled(if: isRoot && programPath("python3") != nil, "needs root and python3"))
struct LearnTests {
  private let python = ["python3", "-S", "-c", LearnScript.python]

  @Test func aSmallProgramGetsASmallProfile() throws {
    let learner = try Learner(["true"])
    let learned = try learner.profile()
    #expect(learner.report.verdict() == .passed && learner.report.denied.isEmpty)
    #expect(learned.policy.lint().isEmpty, "\(learned.policy.lint())")
    let count = learned.policy.policy.allowed.count
    #expect(count < 50 && count < learner.base.policy.allowed.count / 4, "\(count)")
    #expect(learned.policy.profile?.network == NetworkGrant.none)
    let replay = try learner.run(["true"])
    #expect(replay.verdict() == .passed && replay.denied.isEmpty)
    #expect(learner.calls.problems(of: replay).isEmpty)
    // Another program calls more.
    let other = try learner.run(["ls", "/"])
    #expect(!other.denied.isEmpty)
  }

  @Test func socketsThreadsAndProcesses() throws {
    let learner = try Learner(python, base: "python")
    #expect(learner.report.out == "hi\n0", "\(learner.report.err)")
    #expect(learner.calls.notGranted.isEmpty, "\(learner.calls.notGranted)")
    let learned = try learner.profile()
    #expect(learned.policy.lint().isEmpty, "\(learned.policy.lint())")
    #expect(learned.policy.profile?.network == .unix)
    let names = Set(learner.calls.granted.map(\.name))
    #expect(names.isSuperset(of: ["socket", "connect", "clone", "wait4", "getdents64"]))
    #expect(learned.policy.policy.allowed.count < learner.base.policy.allowed.count / 2)
    let replay = try learner.run(python)
    #expect(learner.calls.problems(of: replay).isEmpty, "\(replay.denied)")
    #expect(replay.out == "hi\n0")
  }

  @Test func theGrantIsTheNarrowestOfTheBase() throws {
    let text = try SandboxProfile.load("python", directory: Box.profiles).document.canonicalText
    let json = try JSON.parse(
      Array(text.replacing(#""network":"unix""#, with: #""network":"loopback""#).utf8))
    let base = try SandboxProfile(resolved: ProfileSeccomp.granted(json), "loopback")
    let command = ["python3", "-S", "-c", LearnScript.loopback]
    for (command, grant) in [(command, NetworkGrant.loopback), (python, .unix)] {
      let learner = try Learner(command, profile: base, runs: 1)
      #expect(learner.report.verdict() == .passed, "\(learner.report.err)")
      let learned = try learner.profile()
      #expect(learned.policy.profile?.network == grant && learned.policy.lint().isEmpty)
      #expect(learner.calls.problems(of: try learner.run(command)).isEmpty)
    }
  }

  @Test func aCallThatIsLeftOutIsMissed() throws {
    let learner = try Learner(python, base: "python")
    let text = try learner.profile().text
    let shorter = text.replacing(#""getdents64", "#, with: "")
    #expect(shorter.count < text.count)
    let replay = try learner.run(python, under: shorter)
    #expect(replay.denied.map(\.name).contains("getdents64"))
    #expect(learner.calls.problems(of: replay).contains { $0.hasPrefix("denied getdents64(") })
  }

  @Test func theSameCallsGiveTheSameBytes() throws {
    let first = try Learner(python, base: "python").profile().text
    #expect(try Learner(python, base: "python").profile().text == first)
    let json = try JSON.parse(Array(first.utf8))
    #expect(json["extends"] == nil && json.indentedText == first)
    for line in first.split(separator: "\n") where !line.contains(#""why""#) {
      #expect(line.count <= 100, "\(line)")
    }
  }

  @Test func anotherRequestIsAnotherCall() throws {
    let (learnt, other) = (0x541B, 0x5413)
    let learner = try Learner(LearnScript.requests(learnt))
    #expect(learner.report.out == "0")
    #expect(learner.calls.granted.contains { $0.name == "ioctl" && $0.condition == "FIONREAD" })
    #expect(try learner.run(LearnScript.requests(learnt)).out == "0")
    let report = try learner.run(LearnScript.requests(other))
    #expect(report.out == "1")
    #expect(report.denied.map(\.name) == ["ioctl"] && report.denied[0].arguments[1] == 0x5413)
    // The base lets it through, to the kernel's own answer: it is no terminal.
    #expect(try learner.box.run(LearnScript.requests(other)).out == "25")
  }

  @Test func whatHasNoPlaceMakesNoProfile() throws {
    let learner = try Learner(LearnScript.requests(0x10_0000, 1100), runs: 1)
    #expect(learner.calls.lost > 50)
    let failure = #expect(throws: LaunchFailure.self) { try learner.profile() }
    #expect(failure?.stage == "learn")
  }

  @Test func aRunThatEndsOtherwiseIsAProblem() throws {
    let learner = try Learner(["sh", "-c", "exit 3"])
    #expect(learner.calls.endings == [.exited(3)])
    #expect(learner.calls.problems(of: try learner.run(["sh", "-c", "exit 3"])).isEmpty)
    #expect(learner.calls.problems(of: try learner.run(["sh", "-c", "exit 4"])).count == 1)
  }
}
