import EdgeTestSupport
import Testing

/// A seeded sample of the campaign of `scripts/bench chaos`: worker and coordinator are killed at
/// drawn system calls, and the power is cut; a judge that shares no code with the program then
/// counts results and payments.
@Suite(.serialized) struct KillTests {
  /// Where strace cannot trace (no such program, or ptrace is forbidden), nothing can be killed at
  /// a system call.
  static let canTrace =
    (try? runProgram(
      "strace", ["-q", "-o", "/dev/null", "-e", "trace=getppid", "/bin/true"], seconds: 20))?
    .status == 0

  static let driver = "\(RepositoryRoot.path)/scripts/benches/chaos"

  /// Runs the driver against the program beside this test.
  private func campaign(_ arguments: [String], seconds: Int) throws -> ProgramResult {
    let program = binary("edgecoder")
    let folder = program.dropLast("/edgecoder".count)
    let path = environmentVariable("PATH") ?? "/usr/bin:/bin"
    return try runProgram(
      "python3", [KillTests.driver] + arguments,
      environment: ["PATH=\(path)", "EDGECODER_BIN=\(folder)"], seconds: seconds)
  }

  @Test(
    .program("strace"), .program("python3"),
    .enabled(if: canTrace, "strace cannot trace here: scripts/setup --tests, and allow ptrace"))
  func killedAtDrawnCallsNothingIsLostOrPaidTwice() throws {
    let result = try campaign(
      ["--trials", "12", "--jobs", "30", "--storms", "0", "--cuts", "0", "--no-twins"], seconds: 600
    )
    #expect(result.status == 0, "\(result)")
    for line in [
      "lost 0", "paid_twice 0", "double_results 0", "wrong_sums 0", "pending 0",
      "verify_failures 0", "stuck 0",
    ] {
      #expect(result.output.split(separator: "\n").contains { $0 == line }, "\(result)")
    }
  }

  /// Coordinator, worker and clients die at the named points of `CrashPoint`, over and over.
  @Test(
    .program("strace"), .program("python3"),
    .enabled(if: canTrace, "strace cannot trace here: scripts/setup --tests, and allow ptrace"))
  func killedAtEveryNamedPointNothingIsLostOrRunTwice() throws {
    let result = try campaign(
      ["--trials", "0", "--storms", "180", "--cuts", "0", "--no-twins"], seconds: 600)
    #expect(result.status == 0, "\(result)")
    for line in [
      "storm_kills", "storm_lost 0", "storm_paid_twice 0", "storm_ran_twice 0",
      "storm_double_results 0", "storm_pending 0", "storm_left_over 0", "storm_stuck 0",
    ] {
      #expect(result.output.contains(line), "\(result)")
    }
  }

  @Test(
    .program("strace"), .program("python3"),
    .enabled(if: canTrace, "strace cannot trace here: scripts/setup --tests, and allow ptrace"))
  func whatWasAcknowledgedSurvivesAPowerCut() throws {
    let result = try campaign(
      ["--trials", "0", "--storms", "0", "--cuts", "12", "--no-twins"], seconds: 600)
    #expect(result.status == 0, "\(result)")
    #expect(result.output.contains("power_cut_lost 0"), "\(result)")
  }

  /// The same judge on a program that forgets what it has paid, and on a submit that does not
  /// flush.
  @Test(
    .program("strace"), .program("python3"),
    .enabled(if: canTrace, "strace cannot trace here: scripts/setup --tests, and allow ptrace"),
    arguments: ["unique_key", "submit_folder_fsync"])
  func withOneProtectionRemovedTheTrialFails(protection: String) throws {
    let result = try campaign(["--quick", "--twin", protection], seconds: 600)
    #expect(result.status == 0, "\(result)")
    let line = result.output.split(separator: "\n").first { $0.hasPrefix("without_\(protection) ") }
    #expect(line.map { !$0.hasSuffix("not_seen") } ?? false, "\(result)")
  }
}
