import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

extension EndToEnd {
  /// What a crash between two steps of a move leaves, and what the next leader makes of it. The
  /// storms of `scripts/bench chaos` die at every point; these are the ones that people ask for.
  @Suite struct CrashPointTests {}
}

extension EndToEnd.CrashPointTests {
  /// A coordinator that dies at a point, and one that goes on.
  private func crash(_ place: Workplace, at point: CrashPoint) throws {
    let dying = try runProgram(
      Workplace.program, ["schedule", "--once"],
      environment: place.environment + ["EDGECODER_CRASH=\(point.rawValue):1"], seconds: 60)
    #expect(dying.termination == .signalled(SIGKILL), "\(dying)")
    expect(try place.edgecoder("schedule", "--once"), 0)
  }

  /// Where a job stands: every file of that name in a folder of jobs.
  private func places(_ place: Workplace, _ job: String) throws -> [String] {
    let found = try place.shell("cd spool && find ready held done dead cancelled -name \(job)")
    return found.lines.map { String($0.split(separator: "/")[0]) }
  }

  /// As the command does where somebody else leads.
  private func askToCancel(_ place: Workplace, _ job: String) throws {
    let request: JSON = [
      "schema": "edgecoder.control/1", "verb": "cancel", "jobs": .texts([job]), "reason": "",
    ]
    try place.folder.open().publish("spool/control/1-\(job)", request.canonical)
  }

  @Test(arguments: [CrashPoint.controlTaken, .endVoided, .endWritten])
  func anAcknowledgedCancelIsObeyedOnce(_ point: CrashPoint) throws {
    let place = try Workplace()
    let task = try place.task("ok", "true")
    for isHeld in [true, false] {
      let job =
        isHeld
        ? try place.submitOne(task, "--hold", "later") : try place.submitOne(task)
      expect(try place.edgecoder("schedule", "--once"), 0)
      try askToCancel(place, job)
      try crash(place, at: point)
      #expect(try places(place, job) == ["cancelled"], "held: \(isHeld)")
    }
    let balance = try place.edgecoder("ledger", "balance", "--json").json
    #expect(balance["accounts"]?.elements?.allSatisfy { $0["reserved"]?.text == "0" } ?? true)
    #expect(try place.ledgerIsClean())
  }

  /// Cancelled by who ran it, without a request that could be obeyed again: the ledger knows.
  @Test func aReservationThatIsVoidEndsItsJob() throws {
    let place = try Workplace()
    let job = try place.submitOne(try place.task("ok", "true"))
    expect(try place.edgecoder("schedule", "--once"), 0)
    let dying = try runProgram(
      Workplace.program, ["cancel", job],
      environment: place.environment + ["EDGECODER_CRASH=endVoided:1"], seconds: 60)
    #expect(dying.termination == .signalled(SIGKILL))
    expect(try place.edgecoder("schedule", "--once"), 0)
    #expect(try places(place, job) == ["cancelled"])
  }

  @Test func aHoldThatWasCutShortHolds() throws {
    let place = try Workplace()
    let job = try place.submitOne(try place.task("ok", "true"))
    expect(try place.edgecoder("schedule", "--once"), 0)
    // The held file is written, the one in ready/ not yet removed.
    let ready = try #require(try place.shell("find spool/ready -name \(job)").lines.first)
    let copy = try place.folder.read(ready)
    expect(try place.edgecoder("hold", job), 0)
    expect(try place.edgecoder("schedule", "--once"), 0)
    try place.folder.open().publish(ready, copy, mode: 0o440)
    expect(try place.edgecoder("schedule", "--once"), 0)
    #expect(try places(place, job) == ["held"])
    expect(try place.edgecoder("release", job), 0)
    expect(try place.edgecoder("schedule", "--once"), 0)
    #expect(try places(place, job) == ["ready"])
  }

  /// Without the variable, and with one that names nothing, a point is nothing.
  @Test(arguments: ["", "nowhere:1", "leadTaken", "leadTaken:0", "leadTaken:1:pause"])
  func whatNamesNoPointDoesNothing(_ text: String) throws {
    let place = try Workplace()
    let result = try runProgram(
      Workplace.program, ["schedule", "--once"],
      environment: place.environment + ["EDGECODER_CRASH=\(text)"], seconds: 60)
    expect(result, 0)
  }
}
