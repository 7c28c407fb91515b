import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

extension EndToEnd {
  /// `run`: no daemon, several at once, take-over, signals.
  @Suite struct RunTests {}
}

extension EndToEnd.RunTests {
  @Test func severalRunsShareASpool() throws {
    let place = try Workplace()
    for run in 1...3 {
      for number in 1...5 { try place.task("task-\(run)-\(number)", "sleep 0.1; echo \(run)") }
    }
    let result = try place.shell(
      """
      for run in 1 2 3; do
        edgecoder run --json --slots 1 task-$run-* >$run.json 2>$run.log & eval "p$run=$!"
      done
      wait $p1 && wait $p2 && wait $p3
      """)
    expect(result, 0)
    var workers: Set<String> = []
    for run in 1...3 {
      let document = try JSON.parse(place.folder.read("\(run).json"))
      let rows = try #require(document["jobs"]?.elements)
      #expect(rows.count == 5)
      for row in rows {
        #expect(row["task"]?.text?.hasPrefix("task-\(run)-") == true)
        #expect(row["ending"]?["verdict"]?.text == "passed")
      }
      // Each run's own worker did each run's own jobs.
      let own = Set(rows.compactMap { $0["worker"]?.text })
      #expect(own.count == 1, "\(own)")
      workers.formUnion(own)
    }
    #expect(workers.count == 3, "\(workers)")
    #expect(try place.ledgerIsClean())
    #expect(try place.names("spool/workers").isEmpty, "a run's worker folders go with it")
  }

  @Test func whenTheLeaderIsKilledTheOthersFinish() throws {
    let place = try Workplace()
    for run in 1...3 {
      for number in 1...3 { try place.task("t\(run)\(number)", "sleep \(run == 1 ? 4 : 1)") }
    }
    let leader = try place.start(
      "leader", "run", "--slots", "1", place.folder.path("t11"), place.folder.path("t12"))
    try eventually("it runs a job, so it leads") {
      try place.rows().contains { $0["state"]?.text == "running" }
    }
    let runs = try (2...3).map { run in
      try place.start(
        "run-\(run)", "run", "--slots", "1", "--json", place.folder.path("t\(run)1"),
        place.folder.path("t\(run)2"), place.folder.path("t\(run)3"))
    }
    try eventually("all three have workers") { try place.names("spool/workers").count == 3 }
    leader.signal(SIGKILL)
    _ = leader.wait()
    for run in runs { #expect(run.wait() == .exited(0)) }
    let others = try place.rows().filter { $0["task"]?.text?.hasPrefix("t1") == false }
    #expect(others.count == 6 && others.allSatisfy { $0["ending"]?["verdict"]?.text == "passed" })
    // Its worker finishes what it has in hand, and takes nothing more for a run that is gone.
    try eventually("no worker is left") { place.processes.isEmpty }
    expect(try place.edgecoder("run", "--resume"), 0)
    let all = try place.rows()
    #expect(all.count == 8 && all.allSatisfy { $0["ending"]?["verdict"]?.text == "passed" })
    #expect(all.allSatisfy { $0["attempt"]?.integer == 1 }, "nothing ran twice")
    #expect(try place.ledgerIsClean())
  }

  @Test func aSignalLeavesTheJobsAndResumeGoesOn() throws {
    let place = try Workplace()
    // The first attempt waits for a file that the second one finds gone: time is not a judge.
    try place.task("slow", "sleep 4")
    try place.task("quick", "true")
    let run = try place.start(
      "run", "run", "--slots", "1", place.folder.path("slow"), place.folder.path("quick"))
    try eventually("it runs") {
      try place.rows().contains { $0["state"]?.text == "running" }
    }
    run.signal(SIGINT)
    expectEnd(of: run, .exited(130), within: 5)
    #expect(place.log("run").contains("edgecoder run --resume"), "\(place.log("run"))")
    try eventually("its worker is gone") { place.processes.isEmpty }
    #expect(try place.rows().allSatisfy { $0["ending"] == nil })
    let resumed = expect(try place.edgecoder("run", "--resume", "--json"), 0)
    #expect(try resumed.json["jobs"]?.elements?.count == 2)
    #expect(try place.rows().allSatisfy { $0["ending"]?["verdict"]?.text == "passed" })
    expect(try place.edgecoder("run", "--resume"), 0)
    #expect(try place.ledgerIsClean())
  }

  @Test(arguments: [SIGINT, SIGTERM]) func aSignalCancels(signal: Int32) throws {
    let place = try Workplace()
    try place.task("slow", "sleep 100")
    let run = try place.start(
      "run", "run", "--on-signal", "cancel", "--slots", "1", place.folder.path("slow"),
      place.folder.path("slow"))
    try eventually("it runs") {
      try place.rows().contains { $0["state"]?.text == "running" }
    }
    run.signal(signal)
    expectEnd(of: run, .exited(128 + signal), within: 5)
    let rows = try place.rows()
    #expect(rows.map { $0["state"]?.text } == ["cancelled", "cancelled"], "\(rows)")
    let balance = try place.edgecoder("ledger", "balance", "--account", "local", "--json").json
    #expect(balance["accounts"]?.elements?.first?["reserved"]?.text == "0")
    #expect(try place.ledgerIsClean())
  }

  @Test func submitAndWaitWithASignal() throws {
    let place = try Workplace()
    try place.task("slow", "sleep 100")
    try place.startServices()
    defer { place.stopServices() }
    let waiting = try place.start(
      "wait", "submit", "--wait", "--on-signal", "cancel", place.folder.path("slow"))
    try eventually("it runs") {
      try place.rows().contains { $0["state"]?.text == "running" }
    }
    waiting.signal(SIGTERM)
    expectEnd(of: waiting, .exited(143), within: 5)
    let job = try #require(try place.rows().first?["job"]?.text)
    try place.wait(job, for: "cancelled")
  }

  @Test func aTimeoutLeavesTheJobs() throws {
    let place = try Workplace()
    try place.task("slow", "sleep 100")
    let result = expect(
      try place.edgecoder("run", "--timeout", "1s", place.folder.path("slow")), 124)
    #expect(result.errors.contains("1 of 1 jobs"))
    let job = try #require(try place.rows().first?["job"]?.text)
    // The worker is gone, and the job is where the next run finds it.
    #expect(try place.state(job) == "ready")
    expect(try place.edgecoder("cancel", job), 0)
  }

  /// The worker of a run takes other people's jobs only with --share.
  @Test func sharing() throws {
    let place = try Workplace()
    try place.task("mine", "true")
    try place.task("theirs", "true")
    let other = try place.submitOne(place.folder.path("theirs"))
    expect(try place.edgecoder("run", place.folder.path("mine")), 0)
    #expect(try place.state(other) == "ready")
    expect(try place.edgecoder("run", "--share", "--slots", "1", place.folder.path("mine")), 0)
    expect(try place.edgecoder("run", "--resume"), 0)
    #expect(try place.ending(other) == "passed")
  }

  /// Each attempt in its limits: the wall clock, and a worker that is not there.
  @Test func verdictsOfLimits() throws {
    let place = try Workplace()
    let slow = try place.task("slow", "sleep 100")
    expect(try place.shell("sed -i 's/wall = .*/wall = \"1\"/' slow/task.toml"), 0)
    let result = expect(try place.edgecoder("run", slow), 1)
    #expect(result.output.contains("timedOut"), "\(result)")
    #expect(try place.ending(#require(try place.rows().first?["job"]?.text)) == "timedOut")
  }
}
