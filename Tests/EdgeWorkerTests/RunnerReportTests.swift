import EdgeJob
import EdgeTestSupport
import Testing

@testable import EdgeWorker

/// The judge alone, fed with reports as they could come from any hand.
struct RunnerReportTests {
  private static let nonce = "0123456789abcdef0123456789abcdef"

  private func plan(
    _ expected: [String], runner: TaskManifest.Verifier.Runner = .python,
    without: Set<RunnerPlan.Defence> = []
  ) -> RunnerPlan {
    RunnerPlan(
      manifest: TaskManifest(name: "t", kind: .verify, language: "python", profile: "python"),
      verifier: TaskManifest.Verifier(runner: runner, files: ["a.py"], expected: expected),
      nonce: Self.nonce, without: without)
  }

  private func report(
    _ tests: [(String, String)], nonce: String = nonce, broken: [String] = []
  ) -> [UInt8] {
    let document: JSON = [
      "schema": "edgecoder.tests/1", "nonce": .string(nonce), "broken": .texts(broken),
      "tests": .array(
        tests.map { ["name": .string($0.0), "status": .string($0.1), "message": "", "ms": 3] }),
    ]
    return document.canonical
  }

  @Test func everyExpectedNameMustPass() {
    let plan = plan(["a", "b"])
    let judge = { plan.judge(report($0), ended: .passed).verdict }
    #expect(judge([("a", "passed"), ("b", "passed")]) == .passed)
    #expect(judge([("a", "passed")]) == .failedTests(failed: [], missing: ["b"]))
    #expect(judge([("a", "failed"), ("b", "passed")]) == .failedTests(failed: ["a"], missing: []))
    #expect(judge([("a", "skipped")]) == .failedTests(failed: ["a"], missing: ["b"]))
    #expect(judge([]) == .failedTests(failed: [], missing: ["a", "b"]))
  }

  @Test func aNameThatReportsTwiceMustPassTwice() {
    let judged = plan(["a"]).judge(report([("a", "failed"), ("a", "passed")]), ended: .passed)
    #expect(judged.verdict == .failedTests(failed: ["a"], missing: []))
  }

  @Test func testsBeyondTheExpectedAreListedAndDecideNothing() {
    let judged = plan(["a"]).judge(report([("a", "passed"), ("x", "failed")]), ended: .passed)
    #expect(judged.verdict == .passed)
    #expect(judged.tests.map(\.name) == ["a", "x"])
    #expect(judged.tests[1] == TestResult(name: "x", status: .failed, milliseconds: 3))
  }

  @Test func missingTestsStandInTheListToo() {
    let judged = plan(["a", "b"]).judge(report([("a", "passed")]), ended: .passed)
    #expect(judged.tests.last == TestResult(name: "b", status: .failed, message: "did not report"))
  }

  @Test func anEmptyListOfExpectedNamesDoesNotPassByItself() {
    #expect(plan([]).judge(report([]), ended: .passed).verdict != .passed)
  }

  @Test func aBrokenFileVoidsThePass() {
    let bytes = report([("a", "passed")], broken: ["a.py: modified"])
    let judged = plan(["a"]).judge(bytes, ended: .passed)
    #expect(judged.verdict != .passed)
    #expect(judged.notices == ["a.py: modified"])
  }

  @Test func aReportWithAnotherNonceIsNone() {
    let bytes = report([("a", "passed")], nonce: "ffffffffffffffffffffffffffffffff")
    #expect(
      plan(["a"]).judge(bytes, ended: .passed).verdict == .failedTests(failed: [], missing: ["a"]))
  }

  @Test func aLimitThatWasMetStandsAboveTheReport() {
    let judged = plan(["a"]).judge(report([("a", "passed")]), ended: .timedOut(.wall))
    #expect(judged.verdict == .timedOut(.wall))
    #expect(judged.tests.count == 1)
  }

  @Test func hostileBytesNeverPass() {
    let good = report([("a", "passed")])
    let plan = plan(["a"])
    var random = SplitMix64(seed: 42)
    var hostile: [[UInt8]] = [
      [], [0], Array("{}".utf8), good + good, good + [0x20, 0x7B], Array(good.dropLast()),
      Array(repeating: 0x5B, count: 100_000), [UInt8](repeating: 0x20, count: 5 << 20) + good,
      Array("{\"schema\":\"edgecoder.tests/1\"}".utf8), [0xFF, 0xFE] + good,
    ]
    for _ in 0..<2000 {
      var bytes = good
      let position = Int(random.next() % UInt64(bytes.count))
      bytes[position] = bytes[position] ^ UInt8(1 + random.next() % 255)
      hostile.append(bytes)
    }
    for bytes in hostile where bytes != good {
      let judged = plan.judge(bytes, ended: .passed)
      // A changed message or time is still our report; a changed name, status or nonce is not.
      if judged.verdict == .passed { #expect(judged.tests[0].name == "a") }
    }
    for bytes in hostile.prefix(10) {
      #expect(plan.judge(bytes, ended: .passed).verdict != .passed)
    }
  }

  @Test(arguments: ["1", "1.0", " 1\n", "2", "01", "10.25"])
  func aRewardOfAtLeastOneIsOne(text: String) {
    #expect(RunnerPlan.isReward(Array(text.utf8)))
    let judged = plan([], runner: .reward).judge([], ended: .passed, reward: Array(text.utf8))
    #expect(judged.verdict == .passed)
  }

  @Test(arguments: [
    "", "0", "0.99", "-1", "+1", "1e3", "1.", ".5", "nan", "inf", "true", "1 1", "1,0", "0x1",
    "1\u{0}", "١",
  ])
  func anythingElseIsNoReward(text: String) {
    #expect(!RunnerPlan.isReward(Array(text.utf8)))
    let judged = plan([], runner: .reward).judge([], ended: .passed, reward: Array(text.utf8))
    #expect(judged.verdict == .failedTests(failed: ["reward"], missing: []))
  }

  @Test func aRewardNeedsStatusZero() {
    let plan = plan([], runner: .reward)
    let one = Array("1\n".utf8)
    #expect(plan.judge([], ended: .failed(exit: 1), reward: one).verdict == .failed(exit: 1))
    #expect(plan.judge([], ended: .passed, reward: nil).verdict != .passed)
  }

  @Test func theRunnerExitIsTheStatus() {
    let plan = plan([], runner: .exit)
    #expect(plan.judge([], ended: .passed).verdict == .passed)
    #expect(plan.judge([], ended: .failed(exit: 3)).verdict == .failed(exit: 3))
  }
}
