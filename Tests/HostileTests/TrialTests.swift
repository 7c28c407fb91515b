import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// Each attack on each level that this process has, and each once more without the layer that
/// stands against it.
@Suite(.enabled(if: HostileProgram.isAvailable, "needs a C compiler"))
struct TrialTests {
  @Test(arguments: Trial.inside)
  func insideTheAttackFails(trial: Trial) throws {
    if let hole = trial.attack.hole(on: trial.level) {
      withKnownIssue("\(hole)") { try TrialTests.check(trial) }
    } else {
      try TrialTests.check(trial)
    }
  }

  @Test(arguments: Trial.twins)
  func withoutTheLayerItWorks(trial: Trial) throws {
    try TrialTests.check(trial)
  }

  static func check(_ trial: Trial) throws {
    let (seen, left) = try trial.run()
    let objection = trial.expected.objection(to: seen, on: trial.level)
    #expect(objection == nil, "\(trial): \(seen.summary)")
    #expect(left.isEmpty, "\(trial) left \(left)")
  }
}

/// One after another: they have the same users on this machine.
@Suite(.serialized) enum TrialsElsewhere {}

extension TrialsElsewhere {
  /// Starts the same in a container, where the level without namespaces is all that can be had.
  @Suite(
    .enabled(
      if: !Level.here[0].isBare && Container.isAvailable && HostileProgram.isAvailable,
      "needs root, crun, ../shared/data and a C compiler"))
  struct TrialsInAContainerTests {
    @Test func everyTrialHoldsForAnOrdinaryUser() throws {
      try run(as: .nobody, TrialsAsNobodyTests.suites)
    }

    /// As root there with what Docker leaves him: the slots have users of their own.
    @Test func everyTrialHoldsForTheSlotsUsers() throws {
      try run(as: .root, "HostileTests.TrialTests/")
    }

    private func run(as user: Container.User, _ filter: String) throws {
      let result = try Container.run(
        try Executable.path(), ["--testing-library", "swift-testing", "--filter", filter], as: user,
        environment: ["PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp"]
          + (environmentVariable("LD_LIBRARY_PATH").map { ["LD_LIBRARY_PATH=\($0)"] } ?? []),
        seconds: 240)
      let output = result.output + result.errors
      #expect(result.status == 0, "\(TrialsAsNobodyTests.failures(output))")
      #expect(output.contains("passed"), "\(output.suffix(500))")
    }
  }
}

extension TrialsElsewhere {
  /// Starts the same as nobody, for the levels that only an ordinary user has.
  @Suite(
    .enabled(
      if: isRoot && HostileProgram.isAvailable && programPath("setpriv") != nil,
      "needs root, setpriv and a C compiler"))
  struct TrialsAsNobodyTests {
    static let suites =
      "HostileTests.(TrialTests|PairTests|SharedFileTests|LeftoverTests|LaunchTests)/"

    @Test func everyTrialHoldsForAnOrdinaryUser() throws { try run(65534, []) }

    /// No namespaces, and no filter of others either: so what stands alone can be left away.
    @Test func everyTrialHoldsWithoutNamespaces() throws {
      try run(65533, ["EDGECODER_HOSTILE_LEVEL=\(Level.landlock)"])
    }

    private func run(_ user: UInt32, _ variables: [String]) throws {
      let nobody = ["--reuid=\(user)", "--regid=\(user)", "--clear-groups"]
      // A checkout in a folder that is closed to others cannot be read by nobody.
      let reachable = try runProgram(
        "setpriv", nobody + ["test", "-r", Profiles.folder + "/base.json"])
      guard reachable.status == 0 else { return }
      var environment = ["PATH=/usr/local/bin:/usr/bin:/bin"] + variables
      for name in ["LD_LIBRARY_PATH", "HOME"] {
        if let value = environmentVariable(name) { environment.append("\(name)=\(value)") }
      }
      let result = try runProgram(
        "setpriv",
        nobody + [
          try Executable.path(), "--testing-library", "swift-testing", "--filter",
          TrialsAsNobodyTests.suites,
        ], environment: environment, seconds: 240)
      let output = result.output + result.errors
      #expect(result.status == 0, "\(TrialsAsNobodyTests.failures(output))")
      #expect(output.contains("passed"), "\(output.suffix(500))")
      #expect(Machine.attackers(of: user).isEmpty)
    }

    /// The lines that tell what went wrong, and no more of them than can be read.
    static func failures(_ output: String) -> String {
      output.split(separator: "\n").filter { $0.contains("recorded an issue") || $0.contains("↳") }
        .prefix(60).joined(separator: "\n")
    }
  }
}
