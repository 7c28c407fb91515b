import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

extension EndToEnd {
  /// `drain` and `undrain`, `cancel --wait`, `status --watch`, and the lead that changes hands.
  @Suite struct DrainTests {}
}

extension EndToEnd.DrainTests {
  private func statusOfAll(_ place: Workplace, _ jobs: [String]) throws -> [String?] {
    try jobs.map { try place.ending($0) ?? place.state($0) }
  }

  /// What runs is finished, nothing starts, also not under a new coordinator; undrain lets it.
  @Test func nothingStartsWhileDraining() throws {
    let place = try Workplace()
    _ = try place.start("worker", "worker", "--slots", "1")
    try eventually("the worker lives") { place.exists("spool/workers/local/worker.json") }
    let first = try place.start("schedule", "schedule")
    let jobs = try place.submit(try place.task("slow", "sleep 2"), "--count", "2")
    try eventually("one runs") { try jobs.contains { try place.state($0) == "running" } }
    let drained = expect(try place.edgecoder("drain", "--reason", "new kernel"), 0)
    #expect(drained.errors.contains("1 job may finish"))
    try eventually("one has ended") { try jobs.contains { try place.ending($0) == "passed" } }
    let left = try #require(try jobs.first { try place.ending($0) == nil })
    #expect(try place.row(left, why: true)["why"]?.text?.contains("take no new jobs") == true)
    first.signal(SIGKILL)
    _ = first.wait()
    _ = try place.start("next", "schedule")
    let late = try place.submitOne(try place.task("late", "true"))
    try place.wait(late, for: "ready")
    _ = Poll.readable([], milliseconds: 1500)
    #expect(try statusOfAll(place, [left, late]) == ["ready", "ready"])
    let status = expect(try place.edgecoder("status"), 0)
    #expect(status.errors.contains("draining since 2") && status.errors.contains(": new kernel"))
    for _ in 0..<2 { expect(try place.edgecoder("undrain"), 0) }
    expect(try place.edgecoder("wait", left, late, "--timeout", "20s"), 0)
    #expect(try place.edgecoder("status").errors.isEmpty)
    place.stopServices()
    #expect(try place.ledgerIsClean())
  }

  /// After the deadline what runs is put back, and no fault is counted: one without a budget for
  /// faults is not dead.
  @Test func afterTheDeadlineTheRestIsPutBack() throws {
    let place = try Workplace()
    try place.startServices(slots: 1)
    defer { place.stopServices() }
    let task = try place.task("slow", "sleep 3")
    let job = try place.submitOne(task, "--retries", "0")
    try place.wait(job, for: "running")
    expect(try place.edgecoder("drain", "--deadline", "0"), 0)
    try place.wait(job, for: "ready")
    expect(try place.edgecoder("undrain"), 0)
    expect(try place.edgecoder("wait", job, "--timeout", "20s"), 0)
    #expect(try place.ledgerIsClean())
    // The twin: a worker that dies with a job of no budget takes it along.
    let other = try place.submitOne(task, "--retries", "0")
    try place.wait(other, for: "running")
    place.stopServices()
    expect(try place.edgecoder("settle", "--once"), 0)
    #expect(try place.state(other) == "dead")
  }

  /// A job that is to be put back, and is cancelled meanwhile, is cancelled.
  @Test func aCancelWinsOverAReturn() throws {
    let place = try Workplace()
    let task = try place.task("slow", "sleep 100")
    let worker = try place.start("worker", "worker", "--slots", "1")
    try eventually("the worker lives") { place.exists("spool/workers/local/worker.json") }
    let schedule = try place.start("schedule", "schedule")
    let job = try place.submitOne(task)
    try place.wait(job, for: "running")
    worker.signal(SIGSTOP)
    expect(try place.edgecoder("drain", "--deadline", "0"), 0)
    try eventually("it is asked for") {
      try place.names("spool/workers/local/inbox").contains { $0.hasSuffix(".cancel") }
    }
    expect(try place.edgecoder("cancel", job), 0)
    try eventually("the request is there") { try place.names("spool/control").isEmpty }
    worker.signal(SIGCONT)
    expect(try place.edgecoder("wait", job, "--timeout", "20s"), 130)
    schedule.signal(SIGTERM)
    _ = schedule.wait()
    #expect(try place.ledgerIsClean())
  }

  /// Cancel and end race; one of them wins, the caller is told which, and the ledger agrees.
  @Test func cancelAndEndHaveOneWinner() throws {
    let place = try Workplace()
    try place.startServices(slots: 2)
    let task = try place.task("short", "sleep 0.1")
    var codes: [Int32: Int] = [:]
    for pause in 0..<12 {
      let job = try place.submitOne(task)
      _ = Poll.readable([], milliseconds: Int32(pause * 30))
      let result = try place.edgecoder("cancel", job, "--wait")
      codes[result.status, default: 0] += 1
      let ending = try place.row(job)["ending"]
      if result.status == 130 {
        #expect(ending?["ending"]?.text == "cancelled", "\(result)")
        #expect(result.errors.contains("job \(job) was cancelled"))
      } else {
        #expect(result.status == 0 && ending?["verdict"]?.text == "passed", "\(result)")
        #expect(result.errors.contains("job \(job) had ended before: passed"))
      }
    }
    #expect(codes.keys.allSatisfy { [0, 130].contains($0) } && codes.count == 2, "\(codes)")
    place.stopServices()
    let spent = try place.edgecoder("ledger", "statement", "--limit", "1000", "--json")
      .json["lines"]?.elements?.count { $0["kind"]?.text == "spend" }
    #expect(spent == codes[0])
    let balance = try place.edgecoder("ledger", "balance", "--account", "local", "--json").json
    #expect(balance["accounts"]?.elements?.first?["reserved"]?.text == "0")
    #expect(try place.ledgerIsClean())
  }

  @Test func whoeverCancelsAloneIsToldToo() throws {
    let place = try Workplace()
    let job = try place.submitOne(try place.task("ok", "true"))
    let won = expect(try place.edgecoder("cancel", job, "--wait"), 130)
    #expect(won.errors.contains("job \(job) was cancelled"))
    let other = try place.submitOne(place.folder.path("ok"))
    expect(try place.edgecoder("run", "--resume"), 0)
    let lost = expect(try place.edgecoder("cancel", other, "--wait"), 0)
    #expect(lost.errors.contains("had ended before: passed"))
  }

  /// One line for each change, and the end when all have ended.
  @Test func statusFollows() throws {
    let place = try Workplace()
    let jobs = try place.submit(try place.task("ok", "sleep 0.3"), "--count", "2")
    let watching = try place.start("status", "status", "--watch")
    try watching.waitFor("\(jobs[1]) incoming\n")
    try place.startServices(slots: 1)
    for job in jobs { try watching.waitFor("\(job) done passed\n") }
    #expect(watching.wait() == .exited(0))
    place.stopServices()
    let next = try place.submitOne(place.folder.path("ok"))
    let other = try place.start("other", "status", "--watch", next)
    try other.waitFor("\(next) incoming\n")
    other.signal(SIGINT)
    expectEnd(of: other, .exited(130), within: 5)
  }

  /// A run beside a coordinator waits for the lead without asking all the time, and has it as soon
  /// as the coordinator is dead.
  @Test(.program("strace")) func theLeadIsTakenOver() throws {
    let place = try Workplace()
    let schedule = try place.start("schedule", "schedule")
    try eventually("it leads") { place.exists("spool/ledger/leader.lock") }
    let task = try place.task("slow", "sleep 3")
    let run = try place.start("run", "run", "--slots", "1", task)
    try eventually("it runs") { try place.rows().contains { $0["state"]?.text == "running" } }
    let log = place.folder.path("calls")
    let trace = try RunningProgram(
      "timeout", ["1.5", "strace", "-q", "-c", "-S", "calls", "-o", log, "-p", "\(run.process)"],
      environment: ["PATH=/usr/bin:/bin"])
    _ = trace.wait()
    let calls = String(decoding: try place.folder.read("calls"), as: UTF8.self)
    let total = calls.split(separator: "\n").last?.split(separator: " ").compactMap { Int($0) }
    // Some fifty for each look, and a look each second; it was one every twenty milliseconds.
    #expect((total?.max() ?? .max) < 400, "\(calls)")
    schedule.signal(SIGKILL)
    _ = schedule.wait()
    expectEnd(of: run, .exited(0), within: 20)
    #expect(try place.ledgerIsClean())
  }
}
