import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

extension EndToEnd {
  /// What can be asked of single jobs.
  @Suite struct JobTests {}
}

extension EndToEnd.JobTests {
  @Test func theSameKeyIsTheSameJob() throws {
    let place = try Workplace()
    let task = try place.task("ok", "true")
    let other = try place.task("other", "exit 1")
    // Before anybody has admitted it, after that, and when it has ended.
    let job = try place.submitOne(task, "--key", "nightly")
    for _ in 0..<3 {
      #expect(try place.submitOne(task, "--key", "nightly") == job)
      let refused = expect(try place.edgecoder("submit", other, "--key", "nightly"), 65)
      #expect(refused.stdout.isEmpty && refused.errors.contains(job))
      #expect(try place.rows().count == 1)
      #expect(try place.names("spool/incoming").count <= 1)
      if try place.state(job) == "ready" {
        expect(try place.edgecoder("run", "--resume"), 0)
      } else {
        expect(try place.edgecoder("schedule", "--once"), 0)
      }
    }
    #expect(try place.ending(job) == "passed")
    expect(try place.edgecoder("run", task, "--key", "nightly"), 0)
    expect(try place.edgecoder("run", other, "--key", "nightly"), 65)
    let lines = try place.edgecoder("ledger", "statement", "--json").json["lines"]?.elements
    #expect(lines?.count { $0["kind"]?.text == "spend" } == 1, "paid once")
    // Another key is another job.
    #expect(try place.submitOne(task, "--key", "weekly") != job)
  }

  /// A credit is a second of CPU time; the task's own limit is five.
  @Test func aBudgetEndsAJobBeforeItsOwnLimit() throws {
    let place = try Workplace()
    let task = try place.task("spins", "while :; do :; done")
    func ending(_ most: String) throws -> (ending: String?, spent: String?) {
      let run = expect(try place.edgecoder("run", "-q", task, "--credits-max", most), 1)
      let lines = try place.edgecoder("ledger", "statement", "--json").json["lines"]?.elements
      let spent = lines?.last { $0["kind"]?.text == "spend" }?["amount"]?.text
      return (try place.ending(try #require(run.lines.first)), spent)
    }
    let short = try ending("0.4")
    #expect(short.ending == "budgetExhausted")
    #expect(short.spent == "-400000")
    // Where it buys more than the task may use, that is the limit.
    #expect(try ending("6").ending == "timedOut")
    // A job that needs less than its budget ends as ever.
    let quick = try place.task("quick", "true")
    expect(try place.edgecoder("run", "-q", quick, "--credits-max", "1"), 0)
    // What buys nothing is refused before it runs.
    let refused = expect(try place.edgecoder("run", "-q", quick, "--credits-max", "0.0005"), 65)
    #expect(refused.errors.contains("buy no CPU time"), "\(refused)")
  }

  @Test func holdReleaseCancelRetry() throws {
    let place = try Workplace()
    let task = try place.task("ok", "true")
    let job = try place.submitOne(task)
    expect(try place.edgecoder("hold", job, "--reason", "the disk is full"), 0)
    #expect(try place.row(job)["why"]?.text == "the disk is full")
    expect(try place.edgecoder("run", "--resume", "--timeout", "2s"), 0)
    #expect(try place.state(job) == "held")
    expect(try place.edgecoder("release", job), 0)
    #expect(try place.state(job) == "ready")
    expect(try place.edgecoder("cancel", job), 0)
    expect(try place.edgecoder("wait", job), 130)
    #expect(try place.edgecoder("release", job).status != 0, "it is not held")
    expect(try place.edgecoder("retry", job), 0)
    expect(try place.edgecoder("run", "--resume"), 0)
    #expect(try place.ending(job) == "passed")
    #expect(try place.edgecoder("cancel", job).status != 0, "it has ended")
    #expect(try place.ledgerIsClean())
  }

  @Test func aRunningJobIsCancelled() throws {
    let place = try Workplace()
    let task = try place.task("slow", "sleep 100")
    try place.startServices()
    defer { place.stopServices() }
    let job = try place.submitOne(task)
    try place.wait(job, for: "running")
    let asked = expect(try place.edgecoder("cancel", job, "--reason", "enough"), 0)
    #expect(asked.errors.contains("asked the coordinator"))
    expect(try place.edgecoder("wait", job, "--timeout", "10s"), 130)
    // Its slot is free again.
    let quick = try place.submitOne(try place.task("ok", "true"))
    expect(try place.edgecoder("wait", quick, "--timeout", "20s"), 0)
    #expect(try place.ledgerIsClean())
  }

  /// Worker and leader are gone; the job stands in the dead worker's folder.
  @Test func aJobOfADeadWorkerIsCancelled() throws {
    let place = try Workplace()
    let job = try place.submitOne(try place.task("slow", "sleep 100"))
    let worker = try place.start("worker", "worker", "--slots", "1")
    try eventually("it lives") { place.exists("spool/workers/local/worker.json") }
    expect(try place.edgecoder("schedule", "--once"), 0)
    try place.wait(job, for: "running")
    worker.signal(SIGKILL)
    _ = worker.wait()
    expect(try place.edgecoder("cancel", job), 0)
    #expect(try place.state(job) == "cancelled")
    #expect(try place.ledgerIsClean())
  }

  @Test func dependencies() throws {
    let place = try Workplace()
    let (good, bad) = (try place.task("ok", "true"), try place.task("bad", "exit 3"))
    let first = try place.submitOne(good)
    let second = try place.submitOne(good, "--after", first)
    let failing = try place.submitOne(bad)
    let never = try place.submitOne(good, "--after", failing)
    let third = try place.submitOne(good, "--after", never)
    expect(try place.edgecoder("submit", good, "--after", "01m83at4crevm9mmaz08vjcf4k"), 66)
    expect(try place.edgecoder("schedule", "--once"), 0)
    #expect(
      try place.row(second, why: true)["why"]?.text?.contains("waits for job \(first)") == true)
    let result = try place.edgecoder("run", "--resume", "--json")
    expect(result, 1)
    #expect(try place.ending(second) == "passed")
    for job in [never, third] {
      #expect(try place.ending(job) == "dependencyFailed")
      expect(try place.edgecoder("wait", job), 1)
    }
    #expect(try place.ledgerIsClean())
  }

  @Test func timesAndPriorities() throws {
    let place = try Workplace()
    let task = try place.task("ok", "true")
    let late = try place.submitOne(task, "--within", "1s")
    let submitted = Clocks.milliseconds()
    let later = try place.submitOne(task, "--delay", "2s")
    let low = try place.submitOne(task, "--priority", "-5")
    let high = try place.submitOne(task, "--priority", "5", "--queue", "urgent")
    let never = try place.submitOne(task, "--delay", "1h")
    _ = Poll.readable([], milliseconds: 1100)
    expect(try place.edgecoder("schedule", "--once"), 0)
    #expect(try place.ending(late) == "expired")
    expect(try place.edgecoder("wait", late), 1)
    #expect(try place.row(never, why: true)["why"]?.text?.hasPrefix("waits until 2") == true)
    // One slot, so the order of the ends is the order of the starts.
    let run = try place.start("run", "run", "--resume", "--slots", "1")
    for job in [high, low, later] { try place.wait(job, for: "done") }
    run.signal(SIGINT)
    _ = run.wait()
    func finished(_ job: String) throws -> Int64 { try place.row(job)["finished"]?.integer ?? 0 }
    #expect(try finished(high) <= finished(low))
    #expect(try finished(later) >= submitted + 2000)
    #expect(try place.state(never) == "ready")
  }

  @Test func batches() throws {
    let place = try Workplace()
    let task = try place.task("ok", "true")
    let jobs = try place.submit(task, "--count", "20")
    #expect(Set(jobs).count == 20)
    #expect(try place.names("spool/incoming").count == 1, "one file, one flush")
    // They are jobs from the moment on that their ids were printed.
    #expect(try place.state(jobs[7]) == "incoming")
    #expect(Set(try place.rows().compactMap { $0["job"]?.text }) == Set(jobs))
    expect(try place.edgecoder("wait", jobs[3], "--timeout", "0"), 124)
    expect(try place.edgecoder("cancel", jobs[19]), 0)
    expect(try place.edgecoder("run", "--resume"), 0)
    #expect(try place.rows().count { $0["ending"]?["verdict"]?.text == "passed" } == 19)
    #expect(try place.names("spool/blobs").count == 1, "one archive")
    let keyed = try place.submit(task, "--count", "3", "--key", "batch")
    #expect(try place.submit(task, "--count", "3", "--key", "batch") == keyed)
    expect(try place.edgecoder("run", "--resume"), 0)
    #expect(try place.submit(task, "--count", "3", "--key", "batch") == keyed)
    #expect(try place.rows().count == 23)
  }

  @Test func pruning() throws {
    let place = try Workplace()
    let task = try place.task("ok", "true")
    expect(try place.edgecoder("run", task, "--count", "5"), 0)
    let waiting = try place.submitOne(try place.task("later", "true"), "--hold", "later")
    expect(try place.edgecoder("schedule", "--once"), 0)
    let dry = expect(try place.edgecoder("prune", "--keep-last", "2", "--dry-run"), 0)
    #expect(dry.errors.contains("would remove 3 results"), "\(dry)")
    #expect(try place.rows().count == 6)
    for _ in 0..<2 {
      let quiet = expect(try place.edgecoder("prune", "--keep-last", "2"), 0)
      #expect(quiet.stdout.isEmpty && quiet.stderr.isEmpty, "cron would mail this: \(quiet)")
      #expect(try place.rows().count == 3)
    }
    expect(try place.edgecoder("prune", "--keep", "1h"), 0)
    #expect(try place.rows().count == 3)
    expect(try place.edgecoder("prune", "--keep-last", "0"), 0)
    #expect(try place.rows().count == 1)
    // What is needed still is there, and the books are whole.
    expect(try place.edgecoder("release", waiting), 0)
    expect(try place.edgecoder("run", "--resume"), 0)
    #expect(try place.ledgerIsClean())
  }

  @Test func whyAJobWaits() throws {
    let place = try Workplace()
    let task = try place.task("odd", "true", more: "[requires]\nprograms = [\"no-such-program\"]")
    let job = try place.submitOne(task)
    #expect(try place.row(job, why: true)["why"]?.text?.contains("not admitted") == true)
    expect(try place.edgecoder("schedule", "--once"), 0)
    #expect(try place.row(job, why: true)["why"]?.text == "no live worker")
    try place.startServices()
    defer { place.stopServices() }
    try eventually("it is held") { try place.state(job) == "held" }
    #expect(try place.row(job)["why"]?.text?.contains("program:no-such-program") == true)
    expect(try place.edgecoder("wait", job, "--timeout", "0"), 124)
  }
}
