/// What one attempt says about the task. Charged by measured CPU, and never retried as if it
/// were our failure.
package enum Verdict: Hashable, Sendable {
  case passed
  /// The command ended with this status, not 0.
  case failed(exit: Int32)
  /// Tests that failed, and expected ones that never reported.
  case failedTests(failed: [String], missing: [String])
  case compileError
  case signalled(Int32)
  case timedOut(Clock)
  case outOfMemory
  case tooManyProcesses
  case outputTooLarge
  case workspaceFull
  /// A system call that the profile forbids, by name.
  case violation(syscall: String)
  /// The task cannot be run as it is, with the reason.
  case refused(reason: String)
  case budgetExhausted

  /// Which limit of time was passed.
  package enum Clock: String, Hashable, Sendable { case cpu, wall }

  /// The case's name, as it stands in JSON.
  package var name: String {
    switch self {
    case .passed: "passed"
    case .failed, .failedTests: "failed"
    case .compileError: "compileError"
    case .signalled: "signalled"
    case .timedOut: "timedOut"
    case .outOfMemory: "outOfMemory"
    case .tooManyProcesses: "tooManyProcesses"
    case .outputTooLarge: "outputTooLarge"
    case .workspaceFull: "workspaceFull"
    case .violation: "violation"
    case .refused: "refused"
    case .budgetExhausted: "budgetExhausted"
    }
  }

  /// One line for people: `failed (exit 3)`.
  package var summary: String {
    switch self {
    case .failed(let exit): "failed (exit \(exit))"
    case .failedTests(let failed, let missing):
      "failed (\(failed.count) tests failed, \(missing.count) missing)"
    case .signalled(let signal): "signalled (\(signal))"
    case .timedOut(let clock): "timedOut (\(clock.rawValue))"
    case .violation(let syscall): "violation (\(syscall))"
    case .refused(let reason): "refused (\(reason))"
    default: name
    }
  }

  package var json: JSON {
    switch self {
    case .failed(let exit): ["verdict": "failed", "exit": .int(Int64(exit))]
    case .failedTests(let failed, let missing):
      [
        "verdict": "failed",
        "tests": ["failed": .texts(failed), "missing": .texts(missing)],
      ]
    case .signalled(let signal): ["verdict": "signalled", "signal": .int(Int64(signal))]
    case .timedOut(let clock): ["verdict": "timedOut", "clock": .string(clock.rawValue)]
    case .violation(let syscall): ["verdict": "violation", "syscall": .string(syscall)]
    case .refused(let reason): ["verdict": "refused", "reason": .string(reason)]
    default: ["verdict": .string(name)]
    }
  }

  package init(json: JSON) throws(JSONError) {
    var fields = try Fields(json, of: "verdict")
    let name = try fields.text("verdict")
    switch name {
    case "passed": self = .passed
    case "failed":
      if let tests = fields.take("tests") {
        var lists = try Fields(tests, of: "tests")
        self = .failedTests(
          failed: try lists.texts("failed"), missing: try lists.texts("missing"))
        try lists.end()
      } else {
        self = .failed(exit: try fields.small("exit"))
      }
    case "compileError": self = .compileError
    case "signalled": self = .signalled(try fields.small("signal"))
    case "timedOut":
      guard let clock = Clock(rawValue: try fields.text("clock")) else {
        throw JSONError("\"clock\" of a verdict is neither cpu nor wall")
      }
      self = .timedOut(clock)
    case "outOfMemory": self = .outOfMemory
    case "tooManyProcesses": self = .tooManyProcesses
    case "outputTooLarge": self = .outputTooLarge
    case "workspaceFull": self = .workspaceFull
    case "violation": self = .violation(syscall: try fields.text("syscall"))
    case "refused": self = .refused(reason: try fields.text("reason"))
    case "budgetExhausted": self = .budgetExhausted
    default: throw JSONError("an unknown verdict \"\(name)\"")
    }
    try fields.end()
  }
}

extension Fields {
  /// An integer that fits 32 bits.
  package mutating func small(_ name: String) throws(JSONError) -> Int32 {
    guard let small = Int32(exactly: try integer(name)) else {
      throw JSONError("\"\(name)\" is out of range")
    }
    return small
  }
}
