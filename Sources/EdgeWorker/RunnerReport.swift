package import EdgeJob

/// What one hidden test said.
package struct TestResult: Hashable, Sendable {
  package var name: String
  package var status: Status
  /// For people; at most 2,000 characters.
  package var message: String
  /// Time that the test took, milliseconds.
  package var milliseconds: Int64

  /// How a test ended.
  package enum Status: String, Hashable, Sendable { case passed, failed, skipped }

  package init(name: String, status: Status, message: String = "", milliseconds: Int64 = 0) {
    self.name = name
    self.status = status
    self.message = message
    self.milliseconds = milliseconds
  }
}

/// The verdict on a candidate and what it rests on.
package struct Judgement: Hashable, Sendable {
  package var verdict: Verdict
  /// Every test that reported, expected or not, in order; then the expected ones that did not.
  package var tests: [TestResult]
  /// Why a report, or a file's part of it, does not count; for people.
  package var notices: [String]
}

extension RunnerPlan {
  /// The largest report that is read, bytes.
  package static let reportBytesMax = 4 << 20
  private static let schema = "edgecoder.tests/1"

  /// Judges what came out of the verify sandbox. The report may be any bytes at all.
  ///
  /// - Parameters:
  ///   - report: what came through descriptor 3.
  ///   - ended: the sandbox's own word on the program; a limit that was met stands above any
  ///     report.
  ///   - reward: `/logs/verifier/reward.txt`, read from outside when every process was dead; nil
  ///     where there is none.
  package func judge(_ report: [UInt8], ended: Verdict, reward: [UInt8]? = nil) -> Judgement {
    switch verifier.runner {
    case .exit: return Judgement(verdict: ended, tests: [], notices: [])
    case .reward: return judgeReward(ended: ended, reward)
    default: break
    }
    if without.contains(.reward), let reward, Self.isReward(reward) {
      return Judgement(verdict: .passed, tests: [], notices: [])
    }
    switch ended {
    case .passed, .failed: return judgeTests(report)
    default:
      let parsed = try? decode(report)
      return Judgement(verdict: ended, tests: parsed?.tests ?? [], notices: parsed?.broken ?? [])
    }
  }

  /// The Harbor convention: status 0, and a number of at least 1.
  private func judgeReward(ended: Verdict, _ reward: [UInt8]?) -> Judgement {
    guard ended == .passed else { return Judgement(verdict: ended, tests: [], notices: []) }
    if let reward, Self.isReward(reward) {
      return Judgement(verdict: .passed, tests: [], notices: [])
    }
    let notice =
      reward == nil ? "no reward.txt was written" : "reward.txt holds no number of at least 1"
    let failed = reward == nil ? [] : ["reward"]
    let missing = reward == nil ? ["reward"] : []
    return Judgement(
      verdict: .failedTests(failed: failed, missing: missing), tests: [], notices: [notice])
  }

  /// Whether these bytes are a plain decimal number of at least 1, with white space around it. An
  /// exponent or a sign is no plain number.
  static func isReward(_ bytes: [UInt8]) -> Bool {
    let space: Set<UInt8> = [0x20, 0x09, 0x0A, 0x0D]
    let text = bytes.drop { space.contains($0) }.reversed().drop { space.contains($0) }.reversed()
    let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    guard bytes.count <= 4096, (1...2).contains(parts.count),
      parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(digits.contains) })
    else { return false }
    return parts[0].contains { $0 != UInt8(ascii: "0") }
  }

  private func judgeTests(_ report: [UInt8]) -> Judgement {
    let parsed: Report
    do {
      parsed = try decode(report)
    } catch {
      let missing = without.contains(.names) ? [] : verifier.expected
      return Judgement(
        verdict: .failedTests(failed: [], missing: missing),
        tests: missing.map { TestResult(name: $0, status: .failed, message: "did not report") },
        notices: ["the tests left no report that can be read (\(error.problem))"])
    }
    var passed: [String: Bool] = [:]
    for test in parsed.tests {
      passed[test.name] = passed[test.name, default: true] && test.status == .passed
    }
    let failed = verifier.expected.filter { passed[$0] == false }
    let missing = without.contains(.names) ? [] : verifier.expected.filter { passed[$0] == nil }
    let isComplete = parsed.broken.isEmpty && (!verifier.expected.isEmpty || !passed.isEmpty)
    let unreported = missing.map {
      TestResult(name: $0, status: .failed, message: "did not report")
    }
    let isUnparsed =
      !passed.values.contains(true) && parsed.tests.contains { $0.name.hasSuffix("(compile)") }
    // A file that broke fails what it reported, so an empty pair of lists cannot pass here.
    let verdict: Verdict =
      failed.isEmpty && missing.isEmpty && isComplete
      ? .passed : isUnparsed ? .compileError : .failedTests(failed: failed, missing: missing)
    return Judgement(verdict: verdict, tests: parsed.tests + unreported, notices: parsed.broken)
  }

  private struct Report {
    var tests: [TestResult]
    var broken: [String]
  }

  /// Reads a report that carries our nonce, and nothing else.
  private func decode(_ bytes: [UInt8]) throws(JSONError) -> Report {
    guard bytes.count <= Self.reportBytesMax else { throw JSONError("it is too large") }
    var fields = try Fields(try JSON.parse(bytes), of: "report")
    try fields.schema(Self.schema)
    guard try fields.text("nonce") == nonce else { throw JSONError("its nonce is not ours") }
    let broken = try fields.texts("broken")
    var tests: [TestResult] = []
    for element in try fields.elements("tests") {
      var test = try Fields(element, of: "test")
      guard let status = TestResult.Status(rawValue: try test.text("status")) else {
        throw JSONError("a test has an unknown status")
      }
      tests.append(
        TestResult(
          name: try test.text("name"), status: status, message: try test.text("message"),
          milliseconds: max(0, try test.integer("ms"))))
      try test.end()
    }
    try fields.end()
    return Report(tests: tests, broken: broken)
  }
}
