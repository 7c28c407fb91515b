import EdgeJob
import EdgeTestSupport
import Testing

/// What is written is read back as it was, and nothing else is read.
struct RoundTripTests {
  @Test(arguments: Seed.some(200))
  func verdictsFaultsAndEndings(seed: Seed) throws {
    var random = SplitMix64(seed)
    try check(random.verdict(), \.json) { (json) throws in try Verdict(json: json) }
    try check(random.fault(), \.json) { (json) throws in try Fault(json: json) }
    try check(random.outcome(), \.json) { (json) throws in try Outcome(json: json) }
    try check(random.ending(), \.json) { (json) throws in try Ending(json: json) }
  }

  @Test(arguments: Seed.some(100))
  func requestsAndTickets(seed: Seed) throws {
    var random = SplitMix64(seed)
    try check(random.limits(), \.json) { (json) throws in try Limits(json: json) }
    try check(random.usage(), \.json) { (json) throws in try Usage(json: json) }
    try check(random.request(), \.json) { (json) throws in try Request(json: json) }
    try check(random.manifest(), \.json) { (json) throws in try TaskManifest(json: json) }
    try check(random.ticket(), \.json) { (json) throws in try Ticket(json: json) }
  }

  @Test(arguments: Seed.some(100))
  func receiptsAndInspections(seed: Seed) throws {
    var random = SplitMix64(seed)
    let inspection = Inspection(
      blob: random.digest(), task: random.digest(), manifest: random.manifest(),
      members: random.number(0...1000), bytes: random.number(0...1 << 40))
    try check(inspection, \.json) { (json) throws in try Inspection(json: json) }
    let receipt = random.receipt()
    try check(receipt, \.statement) { (json) throws in try Receipt(statement: json) }
    // The subject is not taken at its word: it must be what the receipt names.
    var other = receipt
    other.result = receipt.result == nil ? random.digest() : nil
    #expect(throws: JSONError.self) {
      try Receipt(statement: receipt.statement.with("subject", other.statement["subject"]))
    }
  }

  /// Reads the canonical bytes back, and refuses every document with one member more or of another
  /// type.
  private func check<Value: Equatable>(
    _ value: Value, _ json: KeyPath<Value, JSON>, read: (JSON) throws -> Value
  ) throws {
    let bytes = value[keyPath: json].canonical
    let parsed = try JSON.parse(bytes)
    let again = try read(parsed)
    #expect(again == value)
    #expect(again[keyPath: json].canonical == bytes)
    #expect(throws: JSONError.self) { try read(parsed.with("unheardOf", true)) }
    for member in parsed.members ?? [] {
      #expect(throws: JSONError.self, "\(member.name)") {
        try read(parsed.with(member.name, .null))
      }
    }
    #expect(throws: JSONError.self) { try read(.array([parsed])) }
  }

  @Test
  func refusesNumbersOutOfRange() {
    var random = SplitMix64(seed: 1)
    let limits = random.limits().json
    for name in ["cpuMs", "wallMs", "memoryBytes", "processes", "files"] {
      #expect(throws: JSONError.self) { try Limits(json: limits.with(name, 0)) }
      #expect(throws: JSONError.self) { try Limits(json: limits.with(name, -1)) }
    }
    #expect(throws: JSONError.self) { try Limits(json: Limits(processors: 2).json.with("cpus", 0)) }
    let usage = random.usage().json
    #expect(throws: JSONError.self) { try Usage(json: usage.with("cpuMs", -1)) }
    let ticket = random.ticket().json
    #expect(throws: JSONError.self) { try Ticket(json: ticket.with("submitter", -1)) }
    for amount in ["-1", "+1", "01", "", "1.0", "9223372036854775808", " 1"] {
      #expect(throws: JSONError.self) { try Ticket(json: ticket.with("reserved", .string(amount))) }
      #expect(throws: JSONError.self) {
        try Request(json: random.request().json.with("creditsMax", .string(amount)))
      }
    }
  }

  @Test
  func refusesRequestsOutOfRange() {
    var random = SplitMix64(seed: 2)
    let request = random.request().json
    let bad: [(String, JSON)] = [
      ("priority", 101), ("priority", -101), ("retries", -1), ("retries", 101),
      ("queue", ""), ("queue", "a/b"), ("queue", ".."), ("queue", "A"), ("account", "x y"),
      ("key", ""), ("key", "a\u{0}b"), ("key", .string(String(repeating: "k", count: 201))),
      ("after", ["nonsense"]), ("schema", "edgecoder.request/2"),
      ("after", .texts((0...1000).map { _ in random.job().description })),
    ]
    for (name, value) in bad {
      #expect(throws: JSONError.self, "\(name)") { try Request(json: request.with(name, value)) }
    }
  }

  @Test
  func refusesAMixtureOfVerdictAndFault() {
    #expect(throws: JSONError.self) {
      try Outcome(json: ["verdict": "passed", "fault": "workerLost"])
    }
    #expect(throws: JSONError.self) {
      try Outcome(json: ["ending": "cancelled", "verdict": "passed"])
    }
    #expect(throws: JSONError.self) {
      try Ending(json: ["ending": "expired", "verdict": "passed"])
    }
    #expect(throws: JSONError.self) { try Ending(json: ["ending": "rejected"]) }
    #expect(throws: JSONError.self) { try Ending(json: ["ending": "dead"]) }
    #expect(throws: JSONError.self) { try Verdict(json: ["verdict": "failed"]) }
    #expect(throws: JSONError.self) {
      try Verdict(json: ["verdict": "failed", "exit": 4_294_967_296])
    }
    #expect(throws: JSONError.self) { try Verdict(json: ["verdict": "perfect"]) }
  }
}

extension JSON {
  /// The object with one member set, added where it is missing.
  func with(_ name: String, _ value: JSON?) -> JSON {
    let others = (members ?? []).filter { Array($0.name.utf8) != Array(name.utf8) }
    return .object(others + [Member(name, value ?? .null)])
  }
}
