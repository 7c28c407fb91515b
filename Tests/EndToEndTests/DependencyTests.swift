import EdgeJob
import EdgeTestSupport
import Testing

extension EndToEnd {
  /// Jobs that wait for others.
  @Suite struct DependencyTests {}
}

extension EndToEnd.DependencyTests {
  private func lines(_ place: Workplace, _ text: String) throws -> String {
    try place.folder.write("list.jsonl", text: text)
    return place.folder.path("list.jsonl")
  }

  /// Runs everything that can run; a worker and a coordinator that end.
  private func work(_ place: Workplace) throws {
    let worker = try place.start("worker", "worker", "--slots", "2", "--until-idle", "2s")
    let schedule = try place.start("schedule", "schedule")
    _ = worker.wait()
    schedule.signal(15)
    _ = schedule.wait()
  }

  @Test func `each condition`() throws {
    let place = try Workplace()
    let good = try place.task("good", "true")
    let bad = try place.task("bad", "false")
    let passed = try place.submitOne(good)
    let failed = try place.submitOne(bad)
    var jobs: [String: String] = [:]
    for (name, parent) in [("passed", passed), ("failed", failed)] {
      for option in ["--after", "--after-ok", "--after-any", "--after-not-ok"] {
        jobs["\(option) \(name)"] = try place.submitOne(good, option, parent)
      }
    }
    let both = try place.submitOne(good, "--after-ok", passed, "--after-not-ok", failed)
    let neither = try place.submitOne(good, "--after-ok", passed, "--after-not-ok", passed)
    let fallen = try place.submitOne(good, "--after-any", neither, "--after-not-ok", neither)
    try work(place)
    let met = [
      "--after passed", "--after-ok passed", "--after-any passed", "--after-any failed",
      "--after-not-ok failed",
    ]
    for (name, job) in jobs {
      let right = met.contains(name) ? "passed" : "dependencyFailed"
      #expect(try place.ending(job) == right, "\(name)")
    }
    #expect(try place.ending(both) == "passed")
    #expect(try place.ending(neither) == "dependencyFailed")
    #expect(try place.ending(fallen) == "passed", "it waits for an end that is none")
    #expect(try place.row(neither)["why"]?.text?.contains("job \(passed), which it") == true)
    #expect(try place.ledgerIsClean())
  }

  @Test func `unknown jobs are refused, pruned ones are remembered`() throws {
    let place = try Workplace()
    let good = try place.task("good", "true")
    let nobody = "00000000000000000000000000"
    let refused = try expect(place.edgecoder("submit", good, "--after-any", nobody), 66)
    #expect(refused.errors.contains("there is no job \(nobody) to wait for"), "\(refused)")
    let passed = try place.submitOne(good)
    let failed = try place.submitOne(try place.task("bad", "false"))
    try work(place)
    try expect(place.edgecoder("prune", "--keep", "0s"), 0)
    #expect(try place.edgecoder("status", passed).status != 0, "it was pruned")
    let after = try place.submitOne(good, "--after-ok", passed, "--after-not-ok", failed)
    let fallen = try place.submitOne(good, "--after-ok", failed)
    try work(place)
    #expect(try place.ending(after) == "passed")
    #expect(try place.ending(fallen) == "dependencyFailed")
  }

  @Test func `lines of a file wait for one another`() throws {
    let place = try Workplace()
    let task = try place.task(
      "steps", "echo $EDGECODER_STEP; test \"$EDGECODER_STEP\" != broken")
    // Those that are waited for stand behind those that wait.
    let list = try lines(
      place,
      """
      {"after":["build"],"parameters":{"STEP":"test"}}
      {"after":["#1","#4"],"parameters":{"STEP":"pack"}}
      {"key":"build","parameters":{"STEP":"build"}}
      {"parameters":{"STEP":"broken"}}
      {"afterNotOk":["#4"],"parameters":{"STEP":"mend"}}
      {"afterAny":["#2"],"parameters":{"STEP":"tell"}}

      """)
    let jobs = try place.submit(task, "--from", list)
    let endings = [
      "passed", "dependencyFailed", "passed", "failed", "passed", "passed",
    ]
    try work(place)
    for (job, right) in zip(jobs, endings) { #expect(try place.ending(job) == right) }
    #expect(try place.ledgerIsClean())
  }

  /// More lines than get tickets at once, in a chain from the last to the first.
  @Test func `a parent without a ticket is waited for`() throws {
    let place = try Workplace()
    let task = try place.task("one", "true")
    var text = ""
    for index in 0..<600 {
      let after = index == 599 ? "" : ",\"after\":[\"\(index == 0 ? "last" : "#600")\"]"
      text += "{\"key\":\"\(index == 599 ? "last" : "k\(index)")\"\(after)}\n"
    }
    let jobs = try place.submit(task, "--from", try lines(place, text))
    // One of another submission, which waits for a job with a key that has no ticket.
    try expect(place.edgecoder("schedule", "--once"), 0)
    #expect(try place.row(jobs[500])["state"]?.text != "ready")
    let other = try place.submitOne(task, "--after", jobs[500])
    try expect(place.edgecoder("schedule", "--once"), 0)
    #expect(try place.state(other) == "ready")
    try place.startServices()
    try expect(
      place.edgecoder("wait", jobs[0], jobs[599], "--timeout", "50s"), 0)
    try expect(place.edgecoder("wait", other, "--timeout", "50s"), 0)
  }

  @Test func `circles and strangers in a file are refused`() throws {
    let place = try Workplace()
    let task = try place.task("one", "true")
    for (text, said) in [
      ("{\"after\":[\"#1\"]}\n", "1 → 1"),
      ("{\"key\":\"a\",\"after\":[\"b\"]}\n\n{\"key\":\"b\",\"afterAny\":[\"#1\"]}\n", "1 → 3 → 1"),
      ("{\"after\":[\"#2\"]}\n", "line 1 waits for #2"),
      ("{\"after\":[\"who\"]}\n", "line 1 waits for who"),
      ("{\"after\":[\"#\(Int.min)\"]}\n", "line 1 waits for #-9"),
      (
        "{}\n{\"after\":[\(String(repeating: "\"#1\",", count: 1000))\"#1\"]}\n",
        "line 2 waits for more than 1000 jobs"
      ),
    ] {
      let refused = try expect(
        place.edgecoder("submit", task, "--from", try lines(place, text)), 65)
      #expect(refused.errors.contains(said), "\(refused)")
    }
    #expect(try place.rows().isEmpty)
  }

  /// A key of a batch names its requests, and a key of a line one line.
  @Test func `a key that is used again`() throws {
    let place = try Workplace()
    let task = try place.task("one", "true")
    let list = try lines(place, "{\"key\":\"a\"}\n{\"after\":[\"a\"]}\n")
    let jobs = try place.submit(task, "--from", list, "--key", "nightly", "--max-running", "1")
    for isAdmitted in [false, true] {
      if isAdmitted { try expect(place.edgecoder("schedule", "--once"), 0) }
      _ = try lines(place, "{\"key\":\"a\"}\n{\"after\":[\"a\"]}\n")
      let again = try place.submit(task, "--from", list, "--key", "nightly", "--max-running", "1")
      #expect(again == jobs, "admitted: \(isAdmitted)")
      for text in ["{\"key\":\"a\"}\n{\"afterAny\":[\"a\"]}\n", "{\"key\":\"a\"}\n{}\n{}\n"] {
        _ = try lines(place, text)
        let refused = try expect(
          place.edgecoder("submit", task, "--from", list, "--key", "nightly"), 65)
        #expect(refused.errors.contains("with other requests"), "\(refused)")
      }
    }
    _ = try lines(place, "{\"key\":\"b\"}\n\n{\"key\":\"b\"}\n")
    let twice = try expect(place.edgecoder("submit", task, "--from", list), 65)
    #expect(twice.errors.contains("lines 1 and 3 have the same key b"), "\(twice)")
  }

  @Test func `a whole batch is waited for`() throws {
    let place = try Workplace()
    let task = try place.task("steps", "test \"$EDGECODER_ARRAY_INDEX\" != 3")
    let good = try place.submit(task, "--array", "1-2")
    let bad = try place.submit(task, "--array", "2-3")
    let batches = try [good, bad].map { try #require(JobID($0[0])).batch.description }
    let one = try place.task("one", "true")
    var jobs: [String: String] = [:]
    for (name, batch) in zip(["good", "bad"], batches) {
      for option in ["--after-ok", "--after-any", "--after-not-ok"] {
        jobs["\(option) \(name)"] = try place.submitOne(one, option, batch)
      }
    }
    let both = try place.submitOne(
      one, "--after-any", "batch:\(good[1])", "--after-any", batches[1], "--after-ok", good[1])
    try expect(place.edgecoder("schedule", "--once"), 0)
    let waiting = try place.row(jobs["--after-ok good"] ?? "", why: true)
    #expect(waiting["why"]?.text == "waits for batch \(batches[0])")
    try work(place)
    let met = [
      "--after-ok good", "--after-any good", "--after-any bad", "--after-not-ok bad",
    ]
    for (name, job) in jobs {
      let right = met.contains(name) ? "passed" : "dependencyFailed"
      #expect(try place.ending(job) == right, "\(name)")
    }
    #expect(try place.ending(both) == "passed")
    #expect(try place.ledgerIsClean())
  }

  @Test func `resume starts anew what has no verdict`() throws {
    let place = try Workplace()
    let task = try place.task("steps", "test \"$EDGECODER_STEP\" != bad")
    let list = try lines(
      place,
      """
      {"after":["#2"],"parameters":{"STEP":"a"}}
      {"after":["#3"],"parameters":{"STEP":"b"}}
      {"hold":"wait","parameters":{"STEP":"c"}}
      {"parameters":{"STEP":"bad"}}
      {"after":["#4"],"parameters":{"STEP":"d"}}

      """)
    let jobs = try place.submit(task, "--from", list)
    try expect(place.edgecoder("schedule", "--once"), 0)
    try expect(place.edgecoder("cancel", jobs[2]), 0)
    try work(place)
    let before = [
      "dependencyFailed", "dependencyFailed", "cancelled", "failed", "dependencyFailed",
    ]
    for (job, right) in zip(jobs, before) { #expect(try place.ending(job) == right) }
    // Alone the first one would only fall again.
    try expect(place.edgecoder("retry", jobs[0]), 66)
    let batch = try #require(JobID(jobs[0])).batch.description
    let answer = try expect(place.edgecoder("resume", batch, "--json"), 0).json
    #expect(answer["schema"]?.text == "edgecoder.resume/1")
    #expect(answer["resumed"]?.elements?.compactMap(\.text) == [jobs[2], jobs[1], jobs[0]])
    #expect(answer["verdicts"]?.integer == 1)
    #expect(answer["fallen"]?.integer == 1)
    let again = try expect(place.edgecoder("resume", "--batch", jobs[4], "--json"), 0).json
    #expect(again["resumed"]?.elements?.isEmpty == true)
    #expect(again["underway"]?.integer == 3)
    try work(place)
    let after = ["passed", "passed", "passed", "failed", "dependencyFailed"]
    for (job, right) in zip(jobs, after) { #expect(try place.ending(job) == right) }
    #expect(try place.ledgerIsClean())
    try expect(place.edgecoder("resume", "00000000000000000000000000"), 66)
  }
}
