import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Testing

extension EndToEnd {
  /// What decides who runs, as an owner sets it and people ask for it.
  @Suite struct SchedulingTests {}
}

extension EndToEnd.SchedulingTests {
  /// Two accounts, of which one has three parts: by the count of what ran, whatever it took.
  @Test func partsOfTwoAccounts() throws {
    let place = try Workplace()
    for account in ["a", "b"] {
      expect(try place.edgecoder("account", "create", account), 0)
      expect(try place.edgecoder("account", "grant", account, "1000", "--reason", "test"), 0)
      expect(try place.edgecoder("account", "allow", account, "--uid", "\(Identity.user)"), 0)
    }
    expect(
      try place.edgecoder(
        "policy", "set", "--weight", "a=3", "--max-running", "account:b=3"), 0)
    let policy = try place.edgecoder("policy", "show", "--json").json
    #expect(policy["schema"]?.text == "edgecoder.policy/1")
    #expect(policy["accounts"]?["user:a"]?["weight"]?.integer == 3)
    #expect(policy["accounts"]?["user:b"]?["maxRunning"]?.integer == 3)
    let task = try place.task("work", "for i in {1..20000}; do :; done")
    let first = Set(try place.submit(task, "--account", "a", "--count", "48"))
    _ = try place.submit(task, "--account", "b", "--count", "48")
    _ = try place.start("schedule", "schedule")
    _ = try place.start("worker", "worker", "--slots", "1")
    try eventually("all have ended", seconds: 60) {
      try place.rows().allSatisfy { $0["ending"] != nil }
    }
    let order = try place.rows().sorted {
      ($0["finished"]?.integer ?? 0, $0["job"]?.text ?? "")
        < ($1["finished"]?.integer ?? 0, $1["job"]?.text ?? "")
    }
    // Of the first 48, three parts of four are 36; processor times differ a little.
    let count = order.prefix(48).count { first.contains($0["job"]?.text ?? "") }
    #expect((30...42).contains(count), "\(count)")
    #expect(try place.ledgerIsClean())
    place.stopServices()
  }

  @Test func whatTheSchedulerWouldDo() throws {
    let place = try Workplace()
    expect(try place.edgecoder("policy", "set", "--max-running", "queue:slow=0"), 0)
    let task = try place.task("ok", "true")
    let job = try place.submitOne(task, "--queue", "slow", "--priority", "5")
    let waiting = try place.edgecoder("schedule", "--explain", job, "--json").json
    #expect(waiting["state"]?.text == "incoming")
    let worker = try place.start("worker", "worker", "--slots", "1")
    try eventually("the worker lives") { place.exists("spool/workers/local/worker.json") }
    expect(try place.edgecoder("schedule", "--once"), 0)
    let answer = try place.edgecoder("schedule", "--explain", job, "--json").json
    #expect(answer["schema"]?.text == "edgecoder.explain/1")
    #expect(answer["why"]?.text == "queue slow has its 0 running")
    #expect(answer["why"] == (try place.row(job, why: true)["why"]))
    #expect(answer["priority"]?.integer == 5)
    #expect(answer["workers"]?.elements?.first?["fits"]?.flag == true)
    #expect(answer["caps"]?.elements?.first?["most"]?.integer == 0)
    let table = expect(try place.edgecoder("schedule", "--explain", job), 0).output
    #expect(table.contains("worker local: could take it"), "\(table)")
    expect(try place.edgecoder("policy", "set", "--max-running", "queue:slow=none"), 0)
    expect(try place.edgecoder("schedule", "--once"), 0)
    try place.wait(job, for: "outbox")
    let done = try place.edgecoder("schedule", "--explain", job, "--json").json
    #expect(done["why"]?.text == "worker local has it")
    expect(try place.edgecoder("settle", "--once"), 0)
    #expect(
      try place.edgecoder("schedule", "--explain", job).output.contains("it has ended: passed"))
    expect(try place.edgecoder("schedule", "--explain", "00000000000000000000000000"), 66)
    #expect(worker.isRunning)
    place.stopServices()
  }

  @Test func aPolicyThatCannotBeRead() throws {
    let place = try Workplace()
    expect(try place.edgecoder("policy", "set", "--weight", "a=0"), 64)
    expect(try place.edgecoder("policy", "set", "--max-running", "slow=2"), 64)
    expect(try place.edgecoder("policy", "set", "--retries", "bad=2"), 64)
    try place.folder.write(
      "spool/ledger/policy.json", text: #"{"schema":"edgecoder.policy/1","quota":1}"#)
    for command in [["policy", "show"], ["schedule", "--once"]] {
      let result = try runProgram(
        Workplace.program, command, environment: place.environment)
      expect(result, 78)
      #expect(result.errors.contains("quota"), "\(result)")
    }
  }
}

extension EndToEnd.SchedulingTests {
  @Test func drainAndUndrain() throws {
    let place = try Workplace()
    _ = try place.start("worker", "worker", "--slots", "2")
    try eventually("the worker lives") { place.exists("spool/workers/local/worker.json") }
    expect(try place.edgecoder("drain", "local", "--reason", "new disk"), 0)
    expect(try place.edgecoder("drain", "absent"), 66)
    expect(try place.edgecoder("undrain", "absent"), 66)
    let row = try place.edgecoder("workers", "--json").json["workers"]?.elements?.first
    #expect(row?["state"]?.text == "draining" && row?["why"]?.text == "new disk")
    let file = try JSON.parse(try place.folder.read("spool/workers/local/worker.json"))
    #expect(file["cpus"]?.integer == Int64(Processors.available()))
    #expect((file["memoryBytes"]?.integer ?? 0) > 64 << 20)
    let job = try place.submitOne(try place.task("ok", "true"))
    expect(try place.edgecoder("schedule", "--once"), 0)
    #expect(try place.state(job) == "ready")
    #expect(try place.row(job, why: true)["why"]?.text?.contains("new disk") == true)
    expect(try place.edgecoder("undrain", "local"), 0)
    try eventually("the job has ended") {
      expect(try place.edgecoder("schedule", "--once"), 0)
      return try place.ending(job) == "passed"
    }
    #expect(try place.edgecoder("workers").output.contains("idle"))
    place.stopServices()
  }
}
