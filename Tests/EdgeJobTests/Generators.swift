import EdgeJob
import EdgeTestSupport

// Values of the vocabulary, drawn at random.
extension SplitMix64 {
  mutating func json(depth: Int) -> JSON {
    switch number(0...(depth > 0 ? 7 : 5)) {
    case 0: return .null
    case 1: return .bool(once(in: 2))
    case 2: return .int(number(-1000...1000))
    case 3: return .number(Double(number(-1_000_000...1_000_000)) / 64)
    case 4, 5: return .string(text(atMost: 12))
    case 6: return .array((0..<number(0...4)).map { _ in json(depth: depth - 1) })
    default:
      var members: [JSON.Member] = []
      var names: Set<[UInt8]> = []
      for _ in 0..<number(0...4) {
        let name = text(atMost: 6)
        if names.insert(Array(name.utf8)).inserted {
          members.append(JSON.Member(name, json(depth: depth - 1)))
        }
      }
      return .object(members)
    }
  }

  mutating func maybe<Value>(_ make: (inout SplitMix64) -> Value) -> Value? {
    once(in: 2) ? make(&self) : nil
  }

  mutating func list<Value>(_ most: Int, _ make: (inout SplitMix64) -> Value) -> [Value] {
    (0..<number(0...most)).map { _ in make(&self) }
  }

  mutating func table(_ most: Int) -> [String: String] {
    var table: [String: String] = [:]
    for _ in 0..<number(0...most) { table[text(atMost: 8)] = text(atMost: 20) }
    return table
  }

  mutating func digest() -> Digest { Digest(bytes: bytes(32)) }

  mutating func job() -> JobID { JobID(prefixOf: digest()) }

  mutating func fence() -> Fence {
    Fence(
      epoch: UInt32(truncatingIfNeeded: next()), count: UInt32(truncatingIfNeeded: next()))
  }

  mutating func time() -> Int64 { number(0...4_000_000_000_000) }

  mutating func limits() -> Limits {
    Limits(
      cpuMilliseconds: number(1...1_000_000), wallMilliseconds: number(1...1_000_000),
      memoryBytes: number(1...1 << 40), processes: number(1...10_000),
      openFiles: number(1...10_000), outputBytes: number(1...1 << 30),
      diskBytes: number(1...1 << 40), files: number(1...1_000_000),
      processors: number(1...2))
  }

  mutating func usage() -> Usage {
    Usage(
      cpuMilliseconds: number(0...1_000_000), wallMilliseconds: number(0...1_000_000),
      memoryPeakBytes: number(0...1 << 40), outputBytes: number(0...1 << 40),
      orphans: number(0...100))
  }

  mutating func verdict() -> Verdict {
    switch number(0...13) {
    case 0: .passed
    case 1: .failed(exit: Int32(number(1...255)))
    case 2:
      .failedTests(
        failed: list(3) { $0.text(atMost: 9) }, missing: list(3) { $0.text(atMost: 9) })
    case 3: .compileError
    case 4: .signalled(Int32(number(1...64)))
    case 5: .timedOut(.cpu)
    case 6: .timedOut(.wall)
    case 7: .outOfMemory
    case 8: .tooManyProcesses
    case 9: .outputTooLarge
    case 10: .workspaceFull
    case 11: .violation(syscall: text(atMost: 9))
    case 12: .refused(reason: text(atMost: 30))
    default: .budgetExhausted
    }
  }

  mutating func fault() -> Fault {
    switch number(0...5) {
    case 0: .archiveCorrupt
    case 1: .launchFailed(stage: text(atMost: 12), errno: Int32(number(0...133)))
    case 2: .hostOutOfMemory
    case 3: .spoolFull
    case 4: .leaseExpired
    default: .workerLost
    }
  }

  mutating func outcome() -> Outcome {
    switch number(0...2) {
    case 0: .cancelled
    case 1: .verdict(verdict())
    default: .fault(fault())
    }
  }

  mutating func ending() -> Ending {
    switch number(0...5) {
    case 0: .verdict(verdict())
    case 1: .cancelled
    case 2: .expired
    case 3: .dependencyFailed
    case 4: .rejected(reason: text(atMost: 30))
    default: .dead(fault())
    }
  }

  mutating func request() -> Request {
    Request(
      account: maybe { $0.name() }, key: maybe { "k" + $0.name() }, queue: name(),
      priority: number(-100...100), notBefore: maybe { $0.time() }, notAfter: maybe { $0.time() },
      after: list(3) { $0.job() }, retries: number(0...100),
      creditsMax: maybe { Credits(micro: $0.number(0...Int64.max)) },
      hold: maybe { $0.text(atMost: 20) }, session: maybe { $0.text(atMost: 20) },
      onLost: one(of: OnLost.allCases), afterAny: list(2) { $0.job() },
      afterNotOk: list(2) { $0.job() },
      onDependencyFailed: one(of: OnDependencyFailed.allCases))
  }

  mutating func manifest() -> TaskManifest {
    TaskManifest(
      name: name(), summary: text(atMost: 40), kind: once(in: 2) ? .run : .verify,
      language: one(of: ["python", "javascript", "shell"]), profile: name(),
      command: list(3) { $0.text(atMost: 9) }, input: text(atMost: 40), environment: table(3),
      workDirectory: text(atMost: 9), mountPoint: "/work", seed: number(0...1 << 32),
      limits: limits(), verifier: maybe { $0.verifier() }, artifacts: list(3) { $0.artifact() },
      requirements: list(3) { "program:" + $0.name() }, protected: list(3) { $0.text(atMost: 9) },
      extensions: table(3), notices: list(3) { $0.text(atMost: 30) })
  }

  private mutating func verifier() -> TaskManifest.Verifier {
    TaskManifest.Verifier(
      runner: one(of: TaskManifest.Verifier.Runner.allCases), files: list(3) { $0.name() },
      expected: list(3) { $0.text(atMost: 9) }, command: list(3) { $0.text(atMost: 9) },
      environment: table(3), limits: limits())
  }

  private mutating func artifact() -> TaskManifest.Artifact {
    TaskManifest.Artifact(
      path: text(atMost: 12), required: once(in: 2),
      when: one(of: [.always, .success, .failure]), bytesMax: number(1...1 << 40))
  }

  mutating func ticket() -> Ticket {
    Ticket(
      job: job(), request: request(), account: name(), submitter: UInt32(number(0...70_000)),
      blob: digest(), task: digest(), manifest: manifest(),
      reserved: Credits(micro: number(0...Int64.max)), admitted: time(), round: number(1...9),
      faults: list(3) { $0.fault() }, notBefore: time(), hold: maybe { $0.text(atMost: 20) },
      ending: maybe { $0.ending() })
  }

  mutating func receipt() -> Receipt {
    Receipt(
      spool: name(), job: job(), attempt: number(1...100), fence: fence(), worker: name(),
      blob: digest(), task: digest(), profile: name(), profileDigest: maybe { $0.digest() },
      result: maybe { $0.digest() }, outcome: outcome(), usage: usage(), enforced: table(4),
      tools: table(3), started: time(), finished: time())
  }
}
