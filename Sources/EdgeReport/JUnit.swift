package import EdgeJob

/// A job as a test case of JUnit XML.
package struct JUnitCase: Hashable, Sendable {
  package var name: String
  package var className: String
  /// Time on the wall.
  package var milliseconds: Int64
  package var result: Result
  package var job: JobID?
  /// The number of the attempt, from 1.
  package var attempt: Int64?
  /// SHA-256 of the receipt's envelope.
  package var receipt: Digest?
  /// What the task wrote to standard output.
  package var output: [UInt8]
  /// What the task wrote to standard error.
  package var errors: [UInt8]

  /// How it went, as far as it went.
  package enum Result: Hashable, Sendable {
    case ended(Ending)
    /// One attempt of a job that may have more.
    case attempt(Outcome)
    /// Not ended when the report was made, with the reason.
    case unfinished(String)
  }

  package init(
    name: String, className: String, milliseconds: Int64 = 0, result: Result,
    job: JobID? = nil, attempt: Int64? = nil, receipt: Digest? = nil, output: [UInt8] = [],
    errors: [UInt8] = []
  ) {
    self.name = name
    self.className = className
    self.milliseconds = milliseconds
    self.result = result
    self.job = job
    self.attempt = attempt
    self.receipt = receipt
    self.output = output
    self.errors = errors
  }

  /// The four kinds that the format knows.
  enum Kind: String { case passed, failure, error, skipped }

  /// A verdict that did not pass is a failure of the task, a fault is an error of ours, and what
  /// never ran was skipped.
  var finding: (kind: Kind, type: String, message: String) {
    switch result {
    case .ended(let ending):
      switch ending {
      case .verdict(let verdict): Self.finding(verdict)
      case .dead, .rejected: (.error, ending.name, ending.summary)
      case .cancelled, .expired, .dependencyFailed: (.skipped, ending.name, ending.summary)
      }
    case .attempt(.verdict(let verdict)): Self.finding(verdict)
    case .attempt(.fault(let fault)): (.error, fault.name, fault.summary)
    case .attempt(.cancelled): (.skipped, "cancelled", "cancelled")
    case .unfinished(let reason): (.error, "unfinished", "not finished: \(reason)")
    }
  }

  private static func finding(_ verdict: Verdict) -> (Kind, String, String) {
    (verdict == .passed ? .passed : .failure, verdict.name, verdict.summary)
  }
}

/// Test cases that belong together: one run or batch.
package struct JUnitSuite: Hashable, Sendable {
  package var name: String
  /// When the run began, milliseconds UTC.
  package var started: Int64?
  package var cases: [JUnitCase]
  /// Bytes kept of what each task wrote to standard output, and to standard error.
  package var outputMax: Int

  package init(
    name: String = "edgecoder", started: Int64? = nil, cases: [JUnitCase],
    outputMax: Int = 64 << 10
  ) {
    self.name = name
    self.started = started
    self.cases = cases
    self.outputMax = outputMax
  }

  /// The XML document (the format of Jenkins and GitLab; there is no standard).
  package var xml: String {
    var xml = XML()
    let total = cases.reduce(0) { $0 + $1.milliseconds }
    let counts = [
      ("tests", String(cases.count)), ("failures", count(.failure)), ("errors", count(.error)),
      ("skipped", count(.skipped)), ("time", Amount.seconds(total)),
    ]
    // The format knows no zone and no fractions.
    let time = started.map { String(UTCTime.text(milliseconds: $0).prefix(19)) }
    xml.element("testsuites", [("name", name)] + counts) { xml in
      let timestamp = time.map { [("timestamp", $0)] } ?? []
      xml.element("testsuite", [("name", name)] + counts + timestamp) { xml in
        for testCase in cases { add(testCase, to: &xml) }
      }
    }
    return xml.text
  }

  private func count(_ kind: JUnitCase.Kind) -> String {
    String(cases.count { $0.finding.kind == kind })
  }

  private func add(_ testCase: JUnitCase, to xml: inout XML) {
    let attributes = [
      ("classname", testCase.className), ("name", testCase.name),
      ("time", Amount.seconds(testCase.milliseconds)),
    ]
    let properties = [
      ("job", testCase.job?.description), ("attempt", testCase.attempt.map { String($0) }),
      ("receipt", testCase.receipt.map { "sha256:\($0)" }),
    ]
    let known = properties.compactMap { name, value in value.map { (name, $0) } }
    xml.element("testcase", attributes) { xml in
      if !known.isEmpty {
        xml.element("properties") { xml in
          for (name, value) in known {
            xml.element("property", [("name", name), ("value", value)])
          }
        }
      }
      let (kind, type, message) = testCase.finding
      if kind != .passed { xml.element(kind.rawValue, [("type", type), ("message", message)]) }
      xml.element("system-out", text: shown(testCase.output))
      xml.element("system-err", text: shown(testCase.errors))
    }
  }

  /// The end of what was written: the reason for a failure is usually there.
  private func shown(_ bytes: [UInt8]) -> String {
    guard bytes.count > outputMax else { return Untrusted.text(bytes) }
    let left = bytes.count - outputMax
    return "[\(left) bytes left out]\n" + Untrusted.text(bytes.suffix(outputMax))
  }
}
