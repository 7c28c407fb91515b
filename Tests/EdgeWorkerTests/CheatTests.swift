import EdgeJob
import EdgeTestSupport
import EdgeWorker
import Testing

/// Eight ways to pass without solving the task, and what stands against each.
@Suite(.program("bwrap"), .program("setpriv"), .python("pytest"))
struct CheatTests {
  /// One cheat, and the one thing that has to be away for it to pass.
  struct Cheat: CustomTestStringConvertible, Sendable {
    var name: String
    var without: Set<RunnerPlan.Defence> = []
    var gaps: Set<RunnerHarness.Gap> = []
    var runner = TaskManifest.Verifier.Runner.pytest
    var testDescription: String { name }
  }

  static let cheats = [
    Cheat(name: "exit-early", without: [.names]),
    Cheat(name: "patch-framework", without: [.integrity]),
    Cheat(name: "conftest-hook", without: [.conftest]),
    Cheat(name: "equality-overload", without: [.strict]),
    Cheat(name: "reward-file", without: [.reward]),
    Cheat(name: "edit-tests", gaps: [.testsInRunPhase]),
    Cheat(name: "read-proc", without: [.proc]),
    Cheat(name: "linger", gaps: [.survivors], runner: .reward),
  ]

  @Test(arguments: cheats)
  func theHonestSolutionPassesWhereTheCheatDoesNot(cheat: Cheat) throws {
    var harness = try harness("honest", runner: cheat.runner)
    let honest = try harness.run()
    #expect(honest.verdict == .passed, "\(honest)")
    harness = try self.harness(cheat.name, runner: cheat.runner)
    let caught = try harness.run()
    #expect(caught.verdict != .passed, "\(caught)")
  }

  @Test(arguments: cheats)
  func theCheatPassesWithItsOneDefenceOff(cheat: Cheat) throws {
    var harness = try harness(cheat.name, runner: cheat.runner)
    harness.without = cheat.without
    harness.gaps = cheat.gaps
    let fooled = try harness.run()
    #expect(fooled.verdict == .passed, "\(fooled)")
  }

  @Test func aChangedTestFrameworkIsNamed() throws {
    let caught = try harness("patch-framework", runner: .pytest).run()
    #expect(caught.notices.contains { $0.contains("the test framework was modified") }, "\(caught)")
  }

  /// The runners' own share in it: here nothing but the supervisor ends what was left behind.
  @Test(arguments: [false, true])
  func whatATestFileLeavesRunningDiesBeforeTheReport(killed: Bool) throws {
    var harness = try harness("linger", runner: .pytest)
    harness.gaps = [.survivors]
    harness.without = killed ? [.reward] : [.reward, .linger]
    harness.command = []
    let judged = try harness.run()
    #expect((judged.verdict != .passed) == killed, "\(judged)")
  }

  private func harness(_ name: String, runner: TaskManifest.Verifier.Runner) throws
    -> RunnerHarness
  {
    let folder = "\(RepositoryRoot.path)/Tests/EdgeWorkerTests/Cheats"
    let names = [
      "test_ascending", "test_values", "MiddleTest::test_descending", "MiddleTest::test_equal",
    ]
    return RunnerHarness(
      files: try filesOf("\(folder)/\(name)"), tests: try filesOf("\(folder)/task"),
      verifier: TaskManifest.Verifier(
        runner: runner, files: runner == .pytest ? ["middle_test.py"] : [],
        expected: runner == .pytest ? names.map { "middle_test.py::\($0)" } : [],
        command: runner == .reward ? ["bash", "/tests/test.sh"] : []),
      command: ["/usr/bin/python3", "-B", "solution.py"])
  }
}
