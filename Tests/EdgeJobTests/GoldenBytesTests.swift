import EdgeJob
import EdgeTestSupport
import Testing

/// The bytes that are evidence, as they stand in spools, bundles and ledgers. They are final: where
/// one of these tests fails, the code is wrong and not the test.
struct GoldenBytesTests {
  static let job = JobID("014d2pf2dbsqqg28t5cy4tqkff")
  static let blob = Digest(bytes: [UInt8](repeating: 0xAA, count: 32))
  static let task = Digest(bytes: [UInt8](repeating: 0xBB, count: 32))

  @Test
  func theSmallestRequest() {
    #expect(
      Request().json.canonicalText == #"""
        {"after":[],"priority":0,"queue":"default","retries":3,"schema":"edgecoder.request/1"}
        """#)
  }

  @Test
  func aRequestWithEverything() throws {
    #expect(
      try fullRequest().json.canonicalText
        == #"""
        {"account":"user:alice","after":["014d2pf2dbsqqg28t5cy4tqkff"],"creditsMax":"1500000",
        "hold":"until Monday","key":"nightly","notAfter":1767400000000,"notBefore":1767300000000,
        "onLost":"wait","priority":-5,"queue":"ci","retries":0,
        "schema":"edgecoder.request/1","session":"s1"}
        """#.unwrapped)
  }

  private func fullRequest() throws -> Request {
    Request(
      account: "user:alice", key: "nightly", queue: "ci", priority: -5,
      notBefore: 1_767_300_000_000, notAfter: 1_767_400_000_000, after: [try #require(Self.job)],
      retries: 0, creditsMax: Credits(micro: 1_500_000), hold: "until Monday", session: "s1",
      onLost: .wait)
  }

  private func manifest() -> TaskManifest {
    TaskManifest(
      name: "add", summary: "Adds “two” numbers", kind: .verify, language: "python",
      profile: "offline", command: ["python3", "-m", "compileall", "."], input: "1\n2\n",
      environment: ["LANG": "C.UTF-8"], workDirectory: "src", mountPoint: "/work", seed: 7,
      limits: Limits(), verifier: verifier(),
      artifacts: [
        TaskManifest.Artifact(path: "out/*.txt", required: true, when: .success, bytesMax: 65536)
      ],
      requirements: ["program:python3"], protected: ["tests/*"], extensions: ["harbor.x": "1"],
      notices: ["[owner] was ignored"])
  }

  private func verifier() -> TaskManifest.Verifier {
    TaskManifest.Verifier(
      runner: .pytest, files: ["test_add.py"], expected: ["test_add.py::test_one"],
      environment: ["PYTHONHASHSEED": "7"],
      limits: Limits(
        cpuMilliseconds: 1, wallMilliseconds: 2, memoryBytes: 3, processes: 4, openFiles: 5,
        outputBytes: 6, diskBytes: 7, files: 8))
  }

  private static let manifestText = #"""
    {"artifacts":[{"bytesMax":65536,"path":"out/*.txt","required":true,"when":"success"}],
    "command":["python3","-m","compileall","."],"environment":{"LANG":"C.UTF-8"},
    "extensions":{"harbor.x":"1"},"input":"1\n2\n","kind":"verify","language":"python",
    "limits":{"cpuMs":10000,"diskBytes":268435456,"files":20000,"memoryBytes":536870912,
    "openFiles":256,"outputBytes":1048576,"processes":64,"wallMs":30000},"mountPoint":"/work",
    "name":"add","notices":["[owner] was ignored"],"profile":"offline","protected":["tests/*"],
    "requirements":["program:python3"],"seed":7,"summary":"Adds “two” numbers","verifier":{
    "command":[],"environment":{"PYTHONHASHSEED":"7"},"expected":["test_add.py::test_one"],
    "files":["test_add.py"],"limits":{"cpuMs":1,"diskBytes":7,"files":8,"memoryBytes":3,
    "openFiles":5,"outputBytes":6,"processes":4,"wallMs":2},"runner":"pytest"},
    "workDirectory":"src"}
    """#.unwrapped

  @Test
  func aTicket() throws {
    let ticket = Ticket(
      job: try #require(Self.job), request: try fullRequest(), account: "user:alice",
      submitter: 1000, blob: Self.blob, task: Self.task, manifest: manifest(),
      reserved: Credits(micro: 20_000), admitted: 1_767_225_600_000, round: 2,
      faults: [.workerLost, .launchFailed(stage: "mount", errno: 28)],
      notBefore: 1_767_300_000_001, hold: "no worker", ending: .dead(.spoolFull))
    let request = try fullRequest().json.canonicalText
    let expected = #"""
      {"account":"user:alice","admitted":1767225600000,"blob":"\#(Self.blob)","ending":{"ending":
      "dead","fault":{"fault":"spoolFull"}},"faults":[{"fault":"workerLost"},{"errno":28,"fault":
      "launchFailed","stage":"mount"}],"hold":"no worker","job":"014d2pf2dbsqqg28t5cy4tqkff",
      "manifest":\#(Self.manifestText),"notBefore":1767300000001,"request":\#(request),
      "reserved":"20000","round":2,"schema":"edgecoder.ticket/1","submitter":1000,
      "task":"\#(Self.task)"}
      """#.unwrapped
    #expect(ticket.json.canonicalText == expected)
  }

  private func receipt(_ outcome: Outcome, result: Digest?) throws -> Receipt {
    Receipt(
      spool: "sp1", job: try #require(Self.job), attempt: 2, fence: Fence(epoch: 1, count: 3),
      worker: "w1", blob: Self.blob, task: Self.task, profile: "offline",
      profileDigest: result.map { _ in Digest(bytes: [UInt8](repeating: 0xCC, count: 32)) },
      result: result, outcome: outcome,
      usage: Usage(
        cpuMilliseconds: 120, wallMilliseconds: 340, memoryPeakBytes: 5_000_000, outputBytes: 17,
        orphans: 1),
      enforced: ["network": "namespace", "cpu": "cgroup"], tools: ["python": "3.11.2"],
      started: 1_767_225_600_000, finished: 1_767_225_600_340)
  }

  @Test
  func aReceiptWithAResult() throws {
    let result = Digest(bytes: [UInt8](repeating: 0xDD, count: 32))
    let verdict = Verdict.failedTests(failed: ["a::b"], missing: ["c"])
    let expected = #"""
      {"_type":"https://in-toto.io/Statement/v1","predicate":{"attempt":2,"blob":"\#(Self.blob)",
      "enforced":{"cpu":"cgroup","network":"namespace"},"fence":"0000000100000003","finished":
      1767225600340,"job":"014d2pf2dbsqqg28t5cy4tqkff","outcome":{"tests":{"failed":["a::b"],
      "missing":["c"]},"verdict":"failed"},"profile":"offline","profileDigest":
      "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc","result":"\#(result)",
      "spool":"sp1","started":1767225600000,"task":"\#(Self.task)","tools":{"python":"3.11.2"},
      "usage":{"cpuMs":120,"memoryPeakBytes":5000000,"orphans":1,"outputBytes":17,"wallMs":340},
      "worker":"w1"},"predicateType":"urn:edgecoder:receipt:1","subject":[{"digest":{"sha256":
      "\#(result)"},"name":"result/014d2pf2dbsqqg28t5cy4tqkff"}]}
      """#.unwrapped
    let statement = try receipt(.verdict(verdict), result: result).statement
    #expect(statement.canonicalText == expected)
    #expect(Receipt.payloadType == "application/vnd.in-toto+json")
  }

  @Test
  func aReceiptOfAFault() throws {
    let expected = #"""
      {"_type":"https://in-toto.io/Statement/v1","predicate":{"attempt":2,"blob":"\#(Self.blob)",
      "enforced":{"cpu":"cgroup","network":"namespace"},"fence":"0000000100000003","finished":
      1767225600340,"job":"014d2pf2dbsqqg28t5cy4tqkff","outcome":{"fault":"hostOutOfMemory"},
      "profile":"offline","spool":"sp1","started":1767225600000,"task":"\#(Self.task)","tools":
      {"python":"3.11.2"},"usage":{"cpuMs":120,"memoryPeakBytes":5000000,"orphans":1,
      "outputBytes":17,"wallMs":340},"worker":"w1"},"predicateType":"urn:edgecoder:receipt:1",
      "subject":[{"digest":{"sha256":"\#(Self.blob)"},"name":"task/014d2pf2dbsqqg28t5cy4tqkff"}]}
      """#.unwrapped
    let statement = try receipt(.fault(.hostOutOfMemory), result: nil).statement
    #expect(statement.canonicalText == expected)
  }

  @Test(arguments: [
    (Verdict.passed, #"{"verdict":"passed"}"#),
    (.failed(exit: 3), #"{"exit":3,"verdict":"failed"}"#),
    (.compileError, #"{"verdict":"compileError"}"#),
    (.signalled(9), #"{"signal":9,"verdict":"signalled"}"#),
    (.timedOut(.cpu), #"{"clock":"cpu","verdict":"timedOut"}"#),
    (.timedOut(.wall), #"{"clock":"wall","verdict":"timedOut"}"#),
    (.outOfMemory, #"{"verdict":"outOfMemory"}"#),
    (.tooManyProcesses, #"{"verdict":"tooManyProcesses"}"#),
    (.outputTooLarge, #"{"verdict":"outputTooLarge"}"#),
    (.workspaceFull, #"{"verdict":"workspaceFull"}"#),
    (.violation(syscall: "mount"), #"{"syscall":"mount","verdict":"violation"}"#),
    (.refused(reason: "x"), #"{"reason":"x","verdict":"refused"}"#),
    (.budgetExhausted, #"{"verdict":"budgetExhausted"}"#),
  ])
  func everyVerdict(verdict: Verdict, text: String) {
    #expect(verdict.json.canonicalText == text)
  }

  @Test
  func everyFaultAndEnding() {
    #expect(Fault.archiveCorrupt.json.canonicalText == #"{"fault":"archiveCorrupt"}"#)
    #expect(Fault.leaseExpired.json.canonicalText == #"{"fault":"leaseExpired"}"#)
    #expect(Outcome.cancelled.json.canonicalText == #"{"ending":"cancelled"}"#)
    #expect(Ending.cancelled.json.canonicalText == #"{"ending":"cancelled"}"#)
    #expect(Ending.expired.json.canonicalText == #"{"ending":"expired"}"#)
    #expect(Ending.dependencyFailed.json.canonicalText == #"{"ending":"dependencyFailed"}"#)
    #expect(
      Ending.rejected(reason: "x").json.canonicalText == #"{"ending":"rejected","reason":"x"}"#)
  }
}

extension String {
  /// The text as one line: expectations here are broken only for the reader.
  fileprivate var unwrapped: String { split(separator: "\n").joined() }
}
