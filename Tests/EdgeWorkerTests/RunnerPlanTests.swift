import EdgeJob
import EdgeTestSupport
import EdgeWorker
import Testing

struct RunnerPlanTests {
  private static let nonce = "a-nonce-of-this-very-run"

  private func plan(
    _ runner: TaskManifest.Verifier.Runner, environment: [String: String] = [:]
  ) -> RunnerPlan {
    let manifest = TaskManifest(
      name: "t", kind: .verify, language: "python", profile: "python", workDirectory: "src",
      mountPoint: "/app", seed: -1)
    return RunnerPlan(
      manifest: manifest,
      verifier: TaskManifest.Verifier(
        runner: runner, files: ["t"], expected: ["secret name"], command: ["bash", "/tests/t"],
        environment: environment),
      nonce: Self.nonce)
  }

  @Test(arguments: [TaskManifest.Verifier.Runner.python, .pytest, .node, .jest, .shell])
  func theNonceIsTheEndOfTheInputAndNowhereElse(runner: TaskManifest.Verifier.Runner) throws {
    let plan = plan(runner)
    #expect(plan.input.suffix(Self.nonce.utf8.count) == Array(Self.nonce.utf8)[...])
    let rest = String(decoding: plan.input.dropLast(Self.nonce.utf8.count), as: UTF8.self)
    #expect(!rest.contains(Self.nonce))
    #expect(!plan.arguments.joined().contains(Self.nonce))
    #expect(!plan.environment.values.joined().contains(Self.nonce))
    // What the runner does not know, no candidate can read there.
    #expect(!rest.contains("secret name"))
    let length = try #require(Int(rest.prefix(8), radix: 16))
    let json = try JSON.parse(rest.utf8.dropFirst(8))
    #expect(length == rest.utf8.count - 8)
    #expect(json["workspace"]?.text == "/app/src")
    #expect(json["without"]?.elements?.isEmpty == true)
    #expect(plan.files.contains { $0.name == "start.py" && !$0.bytes.isEmpty })
  }

  @Test func variablesThatSteerAnInterpreterAreLeftOut() {
    let hostile = [
      "PYTHONPATH": "/work", "PYTHONSTARTUP": "x", "LD_PRELOAD": "x", "NODE_OPTIONS": "x",
      "BASH_ENV": "x", "PYTEST_ADDOPTS": "x", "ENV": "x", "PYTHONHASHSEED": "1", "TERM": "dumb",
    ]
    #expect(
      plan(.pytest, environment: hostile).environment
        == ["TERM": "dumb", "PYTHONHASHSEED": "4294967295"])
  }

  @Test func aCommandRunsAsItIs() {
    let plan = plan(.reward, environment: ["PYTHONPATH": "/app"])
    #expect(plan.arguments == ["bash", "/tests/t"])
    #expect(plan.environment == ["PYTHONPATH": "/app", "TEST_DIR": "/tests"])
    #expect(plan.writableDirectories == ["/logs/verifier"])
    #expect(plan.input.isEmpty)
    #expect(self.plan(.exit).writableDirectories.isEmpty)
  }

  @Test func theRunnersArePlainASCII() {
    for runner in [TaskManifest.Verifier.Runner.python, .pytest, .jest, .shell] {
      for file in plan(runner).files {
        #expect(file.bytes.allSatisfy { $0 < 0x80 }, "\(file.name)")
        #expect(file.bytes.split(separator: 0x0A).count < 330, "\(file.name)")
      }
    }
  }
}
