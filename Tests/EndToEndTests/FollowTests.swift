import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

extension EndToEnd {
  /// What a running job writes, and how it is told to end.
  @Suite struct FollowTests {}
}

extension EndToEnd.FollowTests {
  /// Lines come while it runs, the rest with its end, and nothing twice.
  @Test func outputIsFollowed() throws {
    let place = try Workplace()
    try place.startServices(slots: 1)
    let script = """
      echo first; sleep 1; printf 'second \\033[31mred\\033[0m\\nno end'; sleep 3
      echo; echo last; echo other >&2
      """
    let job = try place.submitOne(try place.task("talk", script))
    let log = try place.start("logs", "logs", "--follow", job)
    try log.waitFor("first\nsecond red\n")
    #expect(try place.state(job) == "running")
    try log.waitFor("no end\nlast\n")
    #expect(log.wait() == .exited(0))
    #expect(try log.everything() == "first\nsecond red\nno end\nlast\n")
    #expect(try place.edgecoder("logs", job).output == "first\nsecond red\nno end\nlast\n")
    #expect(try place.edgecoder("logs", "-f", "--stderr", job).output == "other\n")
    #expect(try place.names("spool/workers/local/running").isEmpty)
    place.stopServices()
  }

  @Test func aSignalEndsAFollower() throws {
    let place = try Workplace()
    let job = try place.submitOne(try place.task("ok", "true"))
    let log = try place.start("logs", "logs", "-f", job)
    try eventually("it waits") { place.log("logs").contains("is incoming") }
    log.signal(SIGINT)
    expectEnd(of: log, .exited(130), within: 5)
    expect(try place.edgecoder("logs", "-f", String(repeating: "0", count: 26)), 66)
  }

  /// With grace a job that hears SIGTERM ends by itself; one that does not is killed after it, and
  /// both were cancelled.
  @Test(arguments: [true, false]) func graceLetsAJobEndByItself(hears: Bool) throws {
    let place = try Workplace()
    try place.startServices(slots: 1)
    let trap = hears ? "trap 'echo bye; exit 0' TERM" : "trap '' TERM"
    let task = try place.task("slow", "\(trap); echo up; while :; do sleep 0.1; done")
    let job = try place.submitOne(task)
    let log = try place.start("logs", "logs", "-f", job)
    try log.waitFor("up\n")
    let started = Clocks.bootNanoseconds()
    let grace = hears ? "60s" : "2s"
    let result = expect(try place.edgecoder("cancel", job, "--grace", grace, "--wait"), 130)
    let took = Clocks.bootNanoseconds() - started
    #expect(result.errors.contains("job \(job) was cancelled"))
    if hears { try log.waitFor("bye\n") }
    #expect(log.wait() == .exited(0))
    #expect(hears ? took < 20_000_000_000 : took >= 2_000_000_000, "\(took) ns")
    place.stopServices()
    #expect(try place.ledgerIsClean())
  }

  /// A second cancel, without grace, does not wait for the first one's.
  @Test func aSecondCancelEndsTheGrace() throws {
    let place = try Workplace()
    try place.startServices(slots: 1)
    let task = try place.task("slow", "trap '' TERM; echo up; while :; do sleep 0.1; done")
    let job = try place.submitOne(task)
    let log = try place.start("logs", "logs", "-f", job)
    try log.waitFor("up\n")
    expect(try place.edgecoder("cancel", job, "--grace", "1h"), 0)
    _ = Poll.readable([], milliseconds: 500)
    #expect(try place.state(job) == "running")
    expect(try place.edgecoder("cancel", job, "--wait"), 130)
    expect(try place.edgecoder("cancel", job, "--grace", "2h"), 64)
    place.stopServices()
  }
}
