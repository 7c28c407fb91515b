import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

extension EndToEnd {
  /// Workers on other machines that share the spool's file system.
  @Suite(.program("bindfs"), .program("unshare"), .enabled(if: Identity.user == 0))
  struct OtherHostTests {}
}

extension EndToEnd.OtherHostTests {
  /// A coordinator, another machine that has claimed a job, and that job, which sleeps.
  private func begin(_ seconds: String, _ more: String...) throws -> (
    place: Workplace, host: OtherHost, job: String
  ) {
    let place = try Workplace()
    _ = try place.start("schedule", "schedule")
    let host = try OtherHost(place, "far")
    let task = try place.task("sleeper", "sleep \(seconds)")
    let arguments = ["submit", task] + more
    let result = try runProgram(Workplace.program, arguments, environment: place.environment)
    guard let job = result.lines.first else { throw Unexpected("\(result)") }
    do {
      try eventually("the task runs") { process(with: seconds) != nil }
    } catch {
      throw Unexpected("\(error); \(host.log); \(place.log("schedule"))")
    }
    return (place, host, job)
  }

  private func sumsAreRight(_ place: Workplace, posted: Int) throws {
    #expect(try place.ledgerIsClean())
    let posts = try place.rows().count { $0["charged"] != nil }
    #expect(posts == posted)
  }

  @Test func `it works, and says when it ends`() throws {
    let place = try Workplace()
    let coordinator = try place.start("schedule", "schedule")
    let host = try OtherHost(place, "far")
    let job = try place.submitOne(try place.task("ok", "echo done"))
    expect(try place.edgecoder("wait", job, "--timeout", "30s"), 0)
    #expect(try place.row(job)["worker"]?.text == "far")
    #expect(try place.edgecoder("workers").output.contains("idle"), "\(host.log)")
    host.shutDown()
    let line = String(decoding: try place.folder.read("spool/workers/far/renewal"), as: UTF8.self)
    #expect(line.hasPrefix("2000 far-4000") && line.contains(" ended"), "\(line)")
    #expect(try place.edgecoder("workers").output.contains("lost"))
    // Nothing was left by a file system without unnamed files.
    let left = try place.shell("find spool -name '.unnamed*'")
    #expect(left.output.isEmpty, "\(left)")
    coordinator.signal(SIGTERM)
    _ = coordinator.wait()
    expect(try place.edgecoder("fsck"), 0)
    try sumsAreRight(place, posted: 1)
  }

  @Test func `the jobs of a machine without power go to others when its lease is over`() throws {
    let (place, host, job) = try begin("4.4101")
    host.cutPower()
    _ = try place.start("worker", "worker", "--slots", "1")
    expect(try place.edgecoder("wait", job, "--timeout", "40s"), 0)
    let row = try place.row(job)
    #expect(row["worker"]?.text == "local")
    #expect(row["attempt"]?.integer == 2)
    #expect(
      place.log("schedule").contains("worker far on far has not renewed its lease for 2 s"),
      "\(place.log("schedule"))")
    try sumsAreRight(place, posted: 1)
  }

  /// A worker that is stopped cannot know that time passes; the kernel does.
  @Test func `a worker that is stopped is killed before its jobs run elsewhere`() throws {
    let (place, host, job) = try begin("5.4102")
    let worker = try #require(host.worker)
    let ticket = try #require(try place.names("spool/workers/far/running").first)
    kill(worker, SIGSTOP)
    try eventually("its sandbox is gone", seconds: 4) { process(with: "5.4102") == nil }
    #expect(place.exists("spool/workers/far/running/\(ticket)"), "it was given away before")
    host.waitForEnd()
    _ = try place.start("worker", "worker", "--slots", "1")
    expect(try place.edgecoder("wait", job, "--timeout", "40s"), 0)
    #expect(try place.row(job)["worker"]?.text == "local")
    try sumsAreRight(place, posted: 1)
  }

  /// The twin: nothing ends a worker that has no lease, so its job stays where it is.
  @Test func `without a lease a worker that is stopped keeps its job`() throws {
    let place = try Workplace()
    _ = try place.start("schedule", "schedule")
    let worker = try place.start("first", "worker", "--slots", "1", "--lease", "off")
    let job = try place.submitOne(try place.task("sleeper", "sleep 7.4103"))
    try eventually("the task runs") { process(with: "7.4103") != nil }
    worker.signal(SIGSTOP)
    _ = try place.start("second", "worker", "--id", "second", "--slots", "1")
    #expect(try place.edgecoder("wait", job, "--timeout", "4s").status == 124)
    #expect(process(with: "7.4103") != nil)
    #expect(try place.state(job) == "running")
    worker.signal(SIGKILL)
    expect(try place.edgecoder("wait", job, "--timeout", "40s"), 0)
  }

  /// Its renewal hangs in the kernel, as with a file server that does not answer.
  @Test func `a worker whose disk hangs is killed as well`() throws {
    let (place, host, job) = try begin("6.4104")
    let server = try #require(host.fileServer)
    kill(server, SIGSTOP)
    try eventually("its sandbox is gone", seconds: 4) { process(with: "6.4104") == nil }
    kill(server, SIGCONT)
    host.cutPower()
    _ = try place.start("worker", "worker", "--slots", "1")
    expect(try place.edgecoder("wait", job, "--timeout", "40s"), 0)
    #expect(try place.row(job)["attempt"]?.integer == 2)
    try sumsAreRight(place, posted: 1)
  }

  @Test func `a job that must not run twice is dead when its machine is lost`() throws {
    let (place, host, job) = try begin("8.4105", "--on-lost", "fail")
    host.cutPower()
    _ = try place.start("worker", "worker", "--slots", "1")
    expect(try place.edgecoder("wait", job, "--timeout", "20s"), 69)
    #expect(try place.row(job)["why"]?.text?.contains("wants no second attempt") == true)
    try sumsAreRight(place, posted: 0)
  }

  @Test func `a job that waits for its machine goes on when that is back`() throws {
    let (place, host, job) = try begin("3.4106", "--on-lost", "wait")
    host.cutPower()
    let worker = try place.start("worker", "worker", "--slots", "1")
    #expect(try place.edgecoder("wait", job, "--timeout", "4s").status == 124)
    let why = try place.row(job, why: true)["why"]?.text ?? ""
    #expect(why.contains("worker far on far has not renewed"), "\(why)")
    #expect(why.contains("waits for it"), "\(why)")
    #expect(try place.state(job) == "running")
    worker.signal(SIGTERM)
    _ = worker.wait()
    let again = try OtherHost(place, "far")
    expect(try place.edgecoder("wait", job, "--timeout", "40s"), 0)
    #expect(try place.row(job)["worker"]?.text == "far", "\(again.log)")
    try sumsAreRight(place, posted: 1)
  }

  @Test func `or is cancelled`() throws {
    let (place, host, job) = try begin("9.4107", "--on-lost", "wait")
    host.cutPower()
    try eventually("the coordinator has noticed") {
      place.log("schedule").contains("has not renewed its lease")
    }
    expect(try place.edgecoder("cancel", job), 0)
    try place.wait(job, for: "cancelled")
    try sumsAreRight(place, posted: 0)
  }

  /// A second machine under the same name would give the first one's jobs away.
  @Test func `a name is used on one machine at a time`() throws {
    let (place, host, job) = try begin("5.4108")
    let second = try OtherHost(place, "near", worker: "far")
    second.waitForEnd()
    #expect(second.log.contains("runs on another machine already"), "\(second.log)")
    expect(try place.edgecoder("wait", job, "--timeout", "40s"), 0)
    #expect(try place.row(job)["attempt"]?.integer == 1, "\(host.log)")
    try sumsAreRight(place, posted: 1)
  }

  /// The kernel keeps signals of its own timers from the first process of a namespace.
  @Test func `a worker that nothing could kill gets no lease`() throws {
    let place = try Workplace()
    let host = try OtherHost(place, "far", asInit: true)
    host.waitForEnd()
    #expect(host.log.contains("process 1"), "\(host.log)")
  }

  @Test func `a lease has a length that is allowed`() throws {
    let place = try Workplace()
    for length in ["1s", "2h", "soon"] {
      expect(try place.edgecoder("worker", "--lease", length), 64)
    }
  }
}
