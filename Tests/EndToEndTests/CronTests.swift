import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

extension EndToEnd {
  /// The parts of `run` as cron starts them: often, twice, and at the same time.
  @Suite struct CronTests {}
}

extension EndToEnd.CronTests {
  @Test func cronAlone() throws {
    let place = try Workplace()
    let jobs = try place.submit(try place.task("ok", "echo fine"), "--count", "12")
    // A worker is there for a while; the rest comes and goes.
    let worker = try place.start("worker", "worker", "--slots", "2", "--until-idle", "4s")
    try eventually("the worker lives") { place.exists("spool/workers/local/worker.json") }
    try eventually("all have ended", seconds: 40) {
      for command in ["schedule", "settle"] {
        let result = try place.edgecoder(command, "--once")
        #expect(result.status == 0 && result.stdout.isEmpty && result.stderr.isEmpty, "\(result)")
      }
      return try place.rows().allSatisfy { $0["ending"] != nil }
    }
    #expect(worker.wait() == .exited(0))
    for job in jobs { #expect(try place.ending(job) == "passed") }
    for command in ["schedule", "settle"] {
      let idle = expect(try place.edgecoder(command, "--once"), 0)
      #expect(idle.stdout.isEmpty && idle.stderr.isEmpty)
    }
    #expect(try place.ledgerIsClean())
  }

  @Test func manyAtTheSameTime() throws {
    let place = try Workplace()
    try place.task("ok", "true")
    let worker = try place.start("worker", "worker", "--slots", "2", "--until-idle", "5s")
    try eventually("the worker lives") { place.exists("spool/workers/local/worker.json") }
    // Three rounds of eight of each at once, with submissions between them.
    let script = """
      for round in 1 2 3; do
        edgecoder submit ok --count 4 >>jobs &
        for i in 1 2 3 4 5 6 7 8; do
          edgecoder schedule --once >>said 2>&1 || echo "schedule $?" >>said &
          edgecoder settle --once >>said 2>&1 || echo "settle $?" >>said &
        done
        for child in $(jobs -p); do wait $child; done
      done
      """
    expect(try place.shell(script), 0)
    try eventually("all have ended", seconds: 40) {
      expect(try place.edgecoder("schedule", "--once"), 0)
      return try place.rows().allSatisfy { $0["ending"] != nil }
    }
    let said = String(decoding: try place.folder.read("said"), as: UTF8.self)
    #expect(said.isEmpty, "\(said)")
    let jobs = try place.folder.read("jobs").split(separator: 0x0A).count
    #expect(jobs == 12)
    let rows = try place.rows()
    #expect(rows.count == 12 && rows.allSatisfy { $0["ending"]?["verdict"]?.text == "passed" })
    #expect(rows.allSatisfy { $0["attempt"]?.integer == 1 }, "nothing ran twice")
    let lines = try place.edgecoder(
      "ledger", "statement", "--limit", "1000", "--json"
    ).json["lines"]?.elements
    #expect(lines?.count { $0["kind"]?.text == "spend" } == 12, "each was paid once")
    #expect(try place.ledgerIsClean())
    worker.signal(SIGTERM)
    #expect(worker.wait() == .exited(0))
  }

  /// SIGTERM: nothing new is taken, what runs is finished.
  @Test func aWorkerEndsInOrder() throws {
    let place = try Workplace()
    let job = try place.submitOne(try place.task("slow", "sleep 2; echo done"))
    let worker = try place.start("worker", "worker", "--slots", "1")
    try eventually("the worker lives") { place.exists("spool/workers/local/worker.json") }
    expect(try place.edgecoder("schedule", "--once"), 0)
    try place.wait(job, for: "running")
    worker.signal(SIGTERM)
    #expect(worker.wait() == .exited(0))
    expect(try place.edgecoder("settle", "--once"), 0)
    #expect(try place.ending(job) == "passed")
    expect(try place.edgecoder("worker", "--until-idle", "0"), 0)
  }

  /// A second SIGTERM comes from somebody who does not want to wait.
  @Test func aSecondSignalEndsAWorkerAtOnce() throws {
    let place = try Workplace()
    let job = try place.submitOne(try place.task("slow", "sleep 100"))
    let worker = try place.start("worker", "worker", "--slots", "1")
    try eventually("the worker lives") { place.exists("spool/workers/local/worker.json") }
    expect(try place.edgecoder("schedule", "--once"), 0)
    try place.wait(job, for: "running")
    worker.signal(SIGTERM)
    _ = Poll.readable([], milliseconds: 300)
    #expect(worker.isRunning, "it finishes what it has")
    worker.signal(SIGTERM)
    expectEnd(of: worker, .exited(143), within: 5)
    #expect(try place.edgecoder("settle", "--once").errors.contains("workerLost"))
    #expect(try place.state(job) == "ready")
  }

  @Test func oneWorkerOfAName() throws {
    let place = try Workplace()
    _ = try place.start("worker", "worker", "--slots", "1")
    try eventually("the worker lives") { place.exists("spool/workers/local/worker.json") }
    expect(try place.edgecoder("worker", "--slots", "1", "--until-idle", "1s"), 69)
    expect(try place.edgecoder("worker", "--id", "second", "--until-idle", "0"), 0)
    place.stopServices()
  }
}
