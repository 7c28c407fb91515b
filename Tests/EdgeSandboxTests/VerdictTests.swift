import EdgeJob
import EdgeSandbox
import EdgeSystem
import Testing

/// The rules by which counters and endings become a verdict.
struct VerdictTests {
  private func verdict(
    _ termination: Termination, _ change: (inout RunReport.LimitsHit) -> Void = { _ in }
  ) -> Verdict {
    var report = RunReport(
      termination: termination, profileDigest: Digest(bytes: [UInt8](repeating: 0, count: 32)))
    change(&report.limitsHit)
    return report.verdict()
  }

  @Test func endings() {
    #expect(verdict(.exited(0)) == .passed)
    #expect(verdict(.exited(137)) == .failed(exit: 137))
    #expect(verdict(.exited(124)) == .failed(exit: 124))
    #expect(verdict(.signalled(9)) == .signalled(9))
    // A program can send itself any signal.
    #expect(verdict(.signalled(31)) == .signalled(31))
  }

  @Test func limitsOfTimeMemoryAndOutputWinOverTheEnding() {
    for ending: Termination in [.exited(0), .exited(1), .signalled(9)] {
      #expect(verdict(ending) { $0.cpu = true } == .timedOut(.cpu))
      #expect(verdict(ending) { $0.wall = true } == .timedOut(.wall))
      #expect(verdict(ending) { $0.outOfMemoryKills = 1 } == .outOfMemory)
      #expect(verdict(ending) { $0.output = true } == .outputTooLarge)
      #expect(verdict(ending) { $0.violation = "bpf" } == .violation(syscall: "bpf"))
    }
  }

  @Test func refusalsCountOnlyWhereTheProgramFailed() {
    #expect(verdict(.exited(0)) { $0.processRefusals = 3 } == .passed)
    #expect(verdict(.exited(1)) { $0.processRefusals = 3 } == .tooManyProcesses)
    #expect(verdict(.exited(0)) { $0.workspaceFull = true } == .passed)
    #expect(verdict(.signalled(7)) { $0.workspaceFull = true } == .workspaceFull)
  }

  @Test func aViolationWinsOverEverything() {
    let all = verdict(.signalled(9)) {
      $0.violation = "mount"
      $0.outOfMemoryKills = 2
      $0.cpu = true
      $0.wall = true
    }
    #expect(all == .violation(syscall: "mount"))
    let memory = verdict(.signalled(9)) {
      $0.outOfMemoryKills = 2
      $0.wall = true
    }
    #expect(memory == .outOfMemory)
  }
}
