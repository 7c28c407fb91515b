import EdgeJob
import EdgeReport
import EdgeTestSupport
import Testing

/// Jobs that ended in every way, with hostile names.
enum Sample {
  static func job(_ number: UInt8) -> JobID {
    JobID(prefixOf: Digest(bytes: [UInt8](repeating: number, count: 32)))
  }

  static let endings: [Ending?] = [
    .verdict(.passed), .verdict(.failed(exit: 3)), .verdict(.timedOut(.cpu)),
    .verdict(.refused(reason: "<b>&\"'|`\u{1B}[31m")), .cancelled, .expired, .dependencyFailed,
    .rejected(reason: "no task.toml"), .dead(.launchFailed(stage: "mount", errno: 1)), nil,
  ]

  static func rows() -> [JobRow] {
    endings.enumerated().map { number, ending in
      JobRow(
        job: job(UInt8(number)), task: number == 3 ? "<script>\u{202E}|\u{0}]]>" : "task-\(number)",
        queue: "ci", account: "alice", state: ending == nil ? .running : .done,
        attempt: Int64(number), worker: "w1", ending: ending, why: ending == nil ? "runs" : nil,
        usage: Usage(cpuMilliseconds: 1234, wallMilliseconds: 2345), charged: Credits(micro: 1234),
        admitted: 1_767_225_600_000, finished: 1_767_225_602_345,
        receipt: Digest(bytes: [UInt8](repeating: 0xEE, count: 32)))
    }
  }

  static func suite() -> JUnitSuite {
    let output = Array("out ]]> <&> \u{1B}[31mred\u{1B}[0m \u{0}\u{FFFF}\n".utf8) + [0xFF, 0xFE]
    return JUnitSuite(
      name: "run \"1\" & <co>", started: 1_767_225_600_000,
      cases: rows().map { $0.testCase(output: output, errors: Array("``` fence\n".utf8)) })
  }
}

struct DocumentTests {
  @Test
  func hasEveryForm() throws {
    let document = Document.jobs(Sample.rows(), suite: Sample.suite())
    for format in OutputFormat.allCases {
      let text = try render(document, as: format)
      #expect(text.hasSuffix("\n"), "\(format)")
      #expect(!text.unicodeScalars.contains("\u{1B}"), "\(format)")
      #expect(!text.unicodeScalars.contains("\u{0}"), "\(format)")
    }
  }

  @Test
  func jsonCarriesItsSchema() throws {
    let document = Document.jobs(Sample.rows())
    let json = try JSON.parse(try render(document, as: .json).utf8)
    #expect(json["schema"]?.text == "edgecoder.status/1")
    #expect(json["jobs"]?.elements?.count == Sample.endings.count)
    let first = try #require(json["jobs"]?.elements?.first)
    #expect(first["ending"] == ["verdict": "passed"])
    #expect(first["charged"] == "1234")
    for line in try render(document, as: .jsonl).split(separator: "\n") {
      #expect(try JSON.parse(line.utf8)["schema"]?.text == "edgecoder.status/1")
    }
  }

  @Test
  func plainIsIdsOnly() throws {
    let text = try render(.jobs(Sample.rows()), as: .plain)
    #expect(text.split(separator: "\n").map(String.init) == Sample.rows().map(\.job.description))
  }

  @Test
  func aThingHasItsProperties() throws {
    let document = Document(
      schema: "edgecoder.job/1",
      properties: [
        Property("job", title: "Job", Cell("x")), Property("cpuMs", title: "CPU", "1.2 s", 1200),
      ])
    #expect(try render(document, as: .table) == "Job  x\nCPU  1.2 s\n")
    let json = #"{"cpuMs":1200,"job":"x","schema":"edgecoder.job/1"}"# + "\n"
    #expect(try render(document, as: .json) == json)
    #expect(try render(document, as: .jsonl) == json)
    #expect(try render(document, as: .plain) == "job x\ncpuMs 1.2 s\n")
    #expect(throws: ReportError.self) { try render(document, as: .junit) }
  }

  @Test
  func otherRowsHaveTheirForms() throws {
    let documents = [
      Document(
        schema: "edgecoder.workers/1", list: "workers",
        rows: [WorkerRow(id: "w1", state: "idle", slots: 2, running: 0, profiles: ["a"], seen: 0)]),
      Document(
        schema: "edgecoder.balance/1", list: "accounts",
        rows: [
          AccountRow(
            account: "a", balance: Credits(micro: 5_000_000), reserved: Credits(micro: 1))
        ]),
      Document(
        schema: "edgecoder.statement/1", list: "lines",
        rows: [
          StatementRow(
            sequence: 1, time: 0, kind: "spend", amount: Credits(micro: -5),
            balance: Credits(micro: 5), job: Sample.job(1), reason: "settled")
        ], facts: [JSON.Member("account", "a")], notes: ["1 line"]),
      Document(
        schema: "edgecoder.doctor/1", list: "checks",
        rows: [CheckRow("locks", .failed, found: "none", next: "use ext4")]),
    ]
    for document in documents {
      for format in OutputFormat.allCases where format != .junit {
        #expect(try !render(document, as: format).isEmpty)
      }
      #expect(throws: ReportError.self) { try render(document, as: .junit) }
      let json = try JSON.parse(try render(document, as: .json).utf8)
      #expect(json["schema"]?.text == document.schema)
    }
    #expect(try render(documents[1], as: .table).contains("4.999999"))
    #expect(try render(documents[2], as: .table).hasSuffix("1 line\n"))
  }
}
