import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

extension EndToEnd {
  /// What gave no verdict starts anew, whatever died meanwhile.
  @Suite struct ResumeTests {}
}

extension EndToEnd.ResumeTests {
  private func dies(_ place: Workplace, at point: CrashPoint, _ arguments: String...) throws {
    let dying = try runProgram(
      Workplace.program, arguments,
      environment: place.environment + ["EDGECODER_CRASH=\(point.rawValue):1"], seconds: 60)
    #expect(dying.termination == .signalled(SIGKILL), "\(dying)")
  }

  /// Every file of that name in a folder of jobs.
  private func places(_ place: Workplace, _ job: String) throws -> [String] {
    let found = try place.shell("cd spool && find ready held done dead cancelled -name \(job)")
    return found.lines.map { String($0.split(separator: "/")[0]) }
  }

  private func reserved(_ place: Workplace) throws -> Bool {
    let balance = try place.edgecoder("ledger", "balance", "--json").json
    return balance["accounts"]?.elements?.contains { $0["reserved"]?.text != "0" } ?? false
  }

  private func fallen(_ place: Workplace, _ more: String...) throws -> (String, String) {
    let task = try place.task("ok", "true")
    let parent = try place.submitOne(task, "--hold", "later")
    let child = try place.submitOne(
      task, "--on-dependency-failed", more.first ?? "fail", "--after-ok", parent)
    expect(try place.edgecoder("schedule", "--once"), 0)
    expect(try place.edgecoder("cancel", parent), 0)
    return (parent, child)
  }

  /// Nobody asks again: what the ledger has reserved for goes on under the next leader.
  @Test(arguments: [CrashPoint.retryReserved, .retryPlaced])
  func whoDiesIsFollowed(_ point: CrashPoint) throws {
    let place = try Workplace()
    let (parent, child) = try fallen(place)
    expect(try place.edgecoder("schedule", "--once"), 0)
    #expect(try places(place, child) == ["done"])
    try dies(place, at: point, "resume", parent, child)
    #expect(try reserved(place))
    let isFound = try place.edgecoder("fsck", "--json").json["findings"]?.elements?.isEmpty == false
    #expect(isFound == (point == .retryReserved))
    expect(try place.edgecoder("schedule", "--once"), 0)
    #expect(try places(place, parent) == ["ready"])
    expect(try place.edgecoder("fsck"), 0)
    expect(try place.edgecoder("resume", parent, child), 0)
    expect(try place.edgecoder("schedule", "--once"), 0)
    #expect(try places(place, child) == ["ready"])
    expect(try place.edgecoder("cancel", parent, child), 0)
    #expect(try !reserved(place))
    #expect(try place.ledgerIsClean())
  }

  @Test func aHoldThatWasCutShortHolds() throws {
    let place = try Workplace()
    let task = try place.task("ok", "true")
    let parent = try place.submitOne(task, "--hold", "later")
    let child = try place.submitOne(
      task, "--on-dependency-failed", "hold", "--after-ok", parent)
    expect(try place.edgecoder("schedule", "--once"), 0)
    expect(try place.edgecoder("cancel", parent), 0)
    try dies(place, at: .holdWritten, "schedule", "--once")
    #expect(try places(place, child).sorted() == ["held", "ready"])
    expect(try place.edgecoder("schedule", "--once"), 0)
    #expect(try places(place, child) == ["held"])
    let why = try place.row(child, why: true)["why"]?.text
    #expect(why?.hasPrefix("its dependency failed: job \(parent)") == true)
    let answer = try expect(place.edgecoder("resume", child, parent, "--json"), 0).json
    #expect(answer["resumed"]?.elements?.compactMap(\.text) == [parent, child])
    expect(try place.edgecoder("schedule", "--once"), 0)
    #expect(try places(place, child) == ["ready"])
    #expect(try place.row(child, why: true)["why"]?.text == "waits for job \(parent)")
  }

  @Test func whatCannotBePaidForIsTold() throws {
    let place = try Workplace()
    let task = try place.task("ok", "true")
    expect(try place.edgecoder("account", "create", "poor"), 0)
    expect(try place.edgecoder("account", "grant", "poor", "10", "--reason", "test"), 0)
    expect(try place.edgecoder("account", "allow", "poor", "--uid", "\(Identity.user)"), 0)
    let paid = ["--account", "poor", "--credits-max", "5"]
    let parent = try place.submitOne(task, "--hold", "later", paid[0], paid[1], paid[2], paid[3])
    let child = try place.submitOne(
      task, paid[0], paid[1], paid[2], paid[3], "--after-ok", parent)
    expect(try place.edgecoder("schedule", "--once"), 0)
    expect(try place.edgecoder("cancel", parent), 0)
    expect(try place.edgecoder("schedule", "--once"), 0)
    #expect(try place.ending(child) == "dependencyFailed")
    // Others hold back all that there is; the last of them are rejected.
    for _ in 0..<8 {
      _ = try place.submitOne(task, "--hold", "x", paid[0], paid[1], paid[2], paid[3])
    }
    expect(try place.edgecoder("schedule", "--once"), 0)
    let refused = try place.edgecoder("resume", parent, child, "--json")
    #expect(refused.status == 77, "\(refused)")
    let answer = try refused.json
    #expect(answer["unpaid"]?.integer == 1)
    #expect(answer["fallen"]?.integer == 1)
    #expect(answer["resumed"]?.elements?.isEmpty == true)
    expect(try place.edgecoder("retry", parent), 77)
  }

  /// What is neither a verdict nor can be had any more is counted apart.
  @Test func whatExpiredOrWasRejectedStays() throws {
    let place = try Workplace()
    let task = try place.task("ok", "true")
    let late = try place.submitOne(task, "--within", "0s")
    let dear = try place.submitOne(task, "--credits-max", "0.000001")
    try eventually("it expires") {
      expect(try place.edgecoder("schedule", "--once"), 0)
      return try place.ending(late) == "expired"
    }
    let answer = try expect(place.edgecoder("resume", late, dear, "--json"), 0).json
    #expect(answer["expired"]?.integer == 1)
    #expect(answer["rejected"]?.integer == 1)
    #expect(answer["verdicts"]?.integer == 0)
  }
}
