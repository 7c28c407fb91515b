import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

extension EndToEnd {
  /// Two coordinators on one spool: one leads, the other is there when it does not any more.
  @Suite struct TakeoverTests {}
}

extension EndToEnd.TakeoverTests {
  /// A coordinator that dies or stops at a point of its way, and a second one that waits.
  private func takeOver(_ place: Workplace, _ crash: String, hang: String = "60s") throws -> String
  {
    let first = try RunningProgram(
      Workplace.program, ["schedule"],
      environment: place.environment + ["EDGECODER_CRASH=\(crash)"])
    let mark = { try? place.folder.read("spool/ledger/leader.lock") }
    try eventually("the first leads") { (mark() ?? []).count > 40 }
    let second = try place.start("second", "schedule", "--hang", hang)
    _ = try place.start("worker", "worker", "--slots", "1")
    let job = try place.submitOne(try place.task("ok", "true"))
    expect(try place.edgecoder("wait", job, "--timeout", "40s"), 0)
    #expect(first.wait() == .signalled(SIGKILL))
    #expect(second.isRunning)
    #expect(try place.ending(job) == "passed")
    #expect(try place.ledgerIsClean())
    second.signal(SIGTERM)
    #expect(second.wait() == .exited(143))
    return place.log("second")
  }

  @Test(arguments: [CrashPoint.admitReserved, .assigned, .settlePosted])
  func whoDiesIsFollowed(_ point: CrashPoint) throws {
    let said = try takeOver(try Workplace(), "\(point.rawValue):1")
    #expect(!said.contains("gave no sign"), "\(said)")
  }

  @Test(arguments: [CrashPoint.admitReserved, .settlePosted])
  func whoHangsIsKilledAndFollowed(_ point: CrashPoint) throws {
    let said = try takeOver(try Workplace(), "\(point.rawValue):1:stop", hang: "1s")
    #expect(said.contains("gave no sign for 1 s and was killed"), "\(said)")
  }

  /// The twin: without the watchdog a leader that hangs is waited for.
  @Test func aLeaderThatHangsIsWaitedForAsLongAsIsAllowed() throws {
    let place = try Workplace()
    let first = try RunningProgram(
      Workplace.program, ["schedule"],
      environment: place.environment + ["EDGECODER_CRASH=admitReserved:1:stop"])
    let job = try place.submitOne(try place.task("ok", "true"))
    let second = try place.start("second", "schedule", "--hang", "10m")
    _ = try place.start("worker", "worker", "--slots", "1")
    #expect(try place.edgecoder("wait", job, "--timeout", "4s").status == 124)
    second.signal(SIGTERM)
    #expect(second.wait() == .exited(143), "who waits for the lead can be ended")
    first.signal(SIGKILL)
    _ = first.wait()
  }

  /// A command that led for a moment and lives on is not what the next one has to fear.
  @Test func whoGaveTheLeadBackHasLeftNoMark() throws {
    let place = try Workplace()
    expect(try place.edgecoder("schedule", "--once"), 0)
    let left = try place.folder.read("spool/ledger/leader.lock")
    #expect(left.allSatisfy { $0 == 0x20 || $0 == 0x0A })
  }
}
