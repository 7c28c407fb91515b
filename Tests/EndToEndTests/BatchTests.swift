import EdgeJob
import EdgeTestSupport
import Testing

extension EndToEnd {
  /// Many jobs of one task: arrays, matrices, lists, and what each of them finds.
  @Suite struct BatchTests {}
}

extension EndToEnd.BatchTests {
  /// A task that prints its parameters.
  private func place() throws -> Workplace {
    let place = try Workplace()
    expect(try place.shell("mkdir -p print/source"), 0)
    try place.folder.write(
      "print/source/print.sh",
      text: "env | grep ^EDGECODER_[AB] | sort | tr '\\n' '|'\n")
    try place.folder.write(
      "print/task.toml",
      text: """
        [task]
        name = "print"
        [edgecoder]
        format = 1
        kind = "run"
        language = "shell"
        command = ["/bin/sh", "print.sh"]
        """)
    return place
  }

  private func outputs(_ place: Workplace, _ arguments: String) throws -> [String] {
    let run = expect(try place.shell("edgecoder run print --json \(arguments)"), 0)
    let jobs = try run.json["jobs"]?.elements ?? []
    return try jobs.map { row in
      let job = try #require(row["job"]?.text)
      let log = expect(try place.edgecoder("logs", job), 0)
      return log.output.split(separator: "|").joined(separator: " ")
    }
  }

  @Test func anArray() throws {
    let place = try place()
    let found = try outputs(place, "--array 3-9:3%2")
    #expect(found == [3, 6, 9].map { "EDGECODER_ARRAY_INDEX=\($0)" })
  }

  @Test func aMatrix() throws {
    let place = try place()
    let found = try outputs(place, "--matrix A=x,y B=1,2")
    #expect(
      found
        == ["x1", "x2", "y1", "y2"].map {
          "EDGECODER_A=\($0.first ?? "?") EDGECODER_B=\($0.last ?? "?")"
        })
  }

  @Test func aList() throws {
    let place = try place()
    try place.folder.write(
      "list.jsonl",
      text: """
        {"parameters": {"A": "one"}, "priority": 3}

        {"parameters": {"A": "two words"}, "key": "second"}
        """)
    let found = try outputs(place, "--from list.jsonl")
    #expect(found == ["EDGECODER_A=one", "EDGECODER_A=two words"])
  }

  @Test(arguments: [
    ["--array", "9-3"], ["--array", "1-"], ["--array", "1-3%0"], ["--array", "x"],
    ["--array", "1-20000"], ["--matrix", "A"], ["--matrix", "a=1"], ["--matrix", "A=1", "A=2"],
    ["--count", "0"], ["--count", "2", "--array", "1-2"], ["--max-running", "0"],
  ])
  func whatIsNoBatchIsAUsageError(arguments: [String]) throws {
    let place = try place()
    expect(try place.shell("edgecoder submit print \(arguments.joined(separator: " "))"), 64)
    #expect(try place.names("spool/incoming").isEmpty)
  }

  @Test func aBadLineIsNamed() throws {
    let place = try place()
    for line in [
      "{", "[]", #"{"priority": 999}"#, #"{"colour": "red"}"#, #"{"parameters": {"a": "1"}}"#,
    ] {
      try place.folder.write("list.jsonl", text: "{}\n\(line)\n")
      let run = expect(try place.shell("edgecoder submit print --from list.jsonl"), 65)
      #expect(run.errors.contains("line 2"), "\(run.errors)")
    }
    #expect(try place.names("spool/incoming").isEmpty)
  }

  /// `status` shows some of many, and counts the others.
  @Test func statusIsShort() throws {
    let place = try place()
    expect(try place.shell("edgecoder submit print --count 1000"), 0)
    for coordinator in [false, true] {
      if coordinator { expect(try place.edgecoder("schedule", "--once"), 0) }
      let status = expect(try place.edgecoder("status", "--limit", "5", "--json"), 0)
      #expect(try status.json["jobs"]?.elements?.count == 5)
      #expect(status.errors.contains("995 incoming") || status.errors.contains("744 incoming"))
      let all = try place.edgecoder("status", "--json")
      #expect(try all.json["jobs"]?.elements?.count == 1000)
    }
  }
}

extension EndToEnd.BatchTests {
  @Test func aWholeBatch() throws {
    let place = try Workplace()
    let task = try place.task("ok", "true")
    let jobs = try place.submit(task, "--count", "300")
    expect(try place.edgecoder("hold", jobs[0], "--batch", "--reason", "lunch"), 0)
    #expect(try place.row(jobs[0])["state"]?.text == "held")
    expect(try place.edgecoder("schedule", "--once"), 0)
    let last = try place.row(jobs[299], why: true)
    #expect(last["state"]?.text == "incoming" && last["why"]?.text == "its batch is held: lunch")
    expect(try place.edgecoder("release", jobs[5], "--batch"), 0)
    expect(try place.edgecoder("cancel", jobs[299]), 0)
    #expect(try place.ending(jobs[299]) == "cancelled")
    expect(try place.edgecoder("cancel", jobs[5], "--batch"), 0)
    #expect(try place.rows().count == 300)
    #expect(try place.rows().allSatisfy { $0["ending"]?["ending"]?.text == "cancelled" })
    let wait = try place.edgecoder("wait", jobs[299], "--timeout", "5s")
    #expect(wait.status == 130, "\(wait)")
    let one = try place.submitOne(task)
    expect(try place.edgecoder("cancel", one, "--batch"), 66)
    #expect(try place.ledgerIsClean())
  }
}

extension EndToEnd.BatchTests {
  /// The archive of a held batch is of use as long as one of its jobs has no ticket.
  @Test func prunedBesideAHeldBatch() throws {
    let place = try Workplace()
    let jobs = try place.submit(try place.task("ok", "true"), "--count", "258")
    expect(try place.edgecoder("schedule", "--once"), 0)
    expect(try place.edgecoder("hold", jobs[0], "--batch"), 0)
    let script = "edgecoder cancel \(jobs[..<256].joined(separator: " "))"
    expect(try place.shell(script), 0)
    expect(try place.edgecoder("prune", "--keep", "0s"), 0)
    #expect(try place.names("spool/cancelled").isEmpty)
    #expect(try place.names("spool/blobs").count == 1)
    expect(try place.edgecoder("cancel", jobs[0], "--batch"), 0)
    // As many as were left: those that were pruned do not come back.
    #expect(try Set(place.names("spool/cancelled")) == Set(jobs[256...]))
    #expect(try place.ledgerIsClean())
  }
}
