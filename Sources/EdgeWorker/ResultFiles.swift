internal import EdgeArchive
internal import EdgeJob
internal import EdgeReport
internal import EdgeSandbox
internal import EdgeSystem

/// The result archive: `result.json`, `junit.xml`, the capped output, `patch.diff`, artifacts.
enum ResultFiles {
  static let schema = "edgecoder.result/1"

  static func archive(_ attempt: Attempt, _ ticket: Ticket, fence: Fence, worker: String)
    throws(ArchiveError) -> [UInt8]
  {
    let json = document(attempt, ticket, fence: fence, worker: worker)
    var members = [
      ResultMember(name: "result.json", bytes: json.canonical + [0x0A]),
      ResultMember(name: "junit.xml", bytes: Array(suite(attempt, ticket).xml.utf8)),
    ]
    // The last phase is what people ask for; an earlier one stands beside it.
    for (index, phase) in attempt.phases.enumerated() {
      let prefix = index == attempt.phases.count - 1 ? "" : "\(phase.name)-"
      members.append(ResultMember(name: "\(prefix)stdout", bytes: phase.stdout))
      members.append(ResultMember(name: "\(prefix)stderr", bytes: phase.stderr))
    }
    return try writeResultArchive(members + attempt.members)
  }

  private static func document(
    _ attempt: Attempt, _ ticket: Ticket, fence: Fence, worker: String
  ) -> JSON {
    [
      "schema": .string(schema), "job": .string(ticket.job.description),
      "task": .string(ticket.task.hex), "name": .string(ticket.manifest.name),
      "attempt": .int(ticket.attempt), "fence": .string(fence.description),
      "worker": .string(worker), "outcome": attempt.outcome.json, "usage": attempt.usage.json,
      "enforced": .table(attempt.enforced), "notices": .texts(attempt.notices),
      "phases": .array(attempt.phases.map(phase)), "tests": .array(attempt.tests.map(test)),
    ]
  }

  private static func phase(_ phase: Attempt.Phase) -> JSON {
    [
      "name": .string(phase.name), "verdict": phase.verdict.json, "usage": phase.usage.json,
      "limitsHit": phase.limitsHit.json, "denied": .array(phase.denied.map(\.json)),
      "activity": phase.activity.json,
      "stdoutSha256": .string(Hex.text(Hash.sha256(phase.stdout))),
      "stderrSha256": .string(Hex.text(Hash.sha256(phase.stderr))),
    ]
  }

  private static func test(_ test: TestResult) -> JSON {
    [
      "name": .string(test.name), "status": .string(test.status.rawValue),
      "message": .string(test.message), "ms": .int(test.milliseconds),
    ]
  }

  /// Each test a case; a task without tests is a case itself.
  private static func suite(_ attempt: Attempt, _ ticket: Ticket) -> JUnitSuite {
    let name = ticket.manifest.name
    var cases = attempt.tests.map { test in
      JUnitCase(
        name: test.name, className: name, milliseconds: test.milliseconds,
        result: test.status == .passed
          ? .ended(.verdict(.passed))
          : .ended(.verdict(.failedTests(failed: [test.name], missing: []))), job: ticket.job)
    }
    if cases.isEmpty {
      cases = [
        JUnitCase(
          name: name, className: ticket.manifest.kind.rawValue,
          milliseconds: attempt.usage.wallMilliseconds, result: .attempt(attempt.outcome),
          job: ticket.job)
      ]
    }
    return JUnitSuite(name: name, cases: cases)
  }
}
