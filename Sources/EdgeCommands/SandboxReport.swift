internal import EdgeJob
internal import EdgeSandbox
internal import EdgeSystem

/// What `sandbox run` says about a run, `edgecoder.sandbox/2`.
enum SandboxReport {
  static let schema = "edgecoder.sandbox/2"

  /// - Parameter times: of each repetition, from the call to the end, nanoseconds.
  static func json(_ result: RunReport, times: [Int64]) -> JSON {
    [
      "schema": .string(schema), "outcome": result.verdict().json,
      "termination": termination(result), "limitsHit": result.limitsHit.json,
      "denied": .array(result.denied.map(\.json)), "usage": result.usage.json,
      "activity": result.activity.json, "enforced": .table(result.enforced),
      "setupNs": .int(result.setupNanoseconds), "profile": .string(result.profileDigest.hex),
      "timesNs": distribution(times),
    ]
  }

  /// Of a run that never was: the task is refused, or this machine is at fault.
  static func json(_ failure: LaunchFailure) -> JSON {
    let outcome: Outcome =
      if failure.isAboutTask {
        .verdict(.refused(reason: failure.description))
      } else if failure.stage == LaunchFailure.hostMemory {
        .fault(.hostOutOfMemory)
      } else {
        .fault(.launchFailed(stage: failure.stage, errno: failure.errno))
      }
    return ["schema": .string(schema), "outcome": outcome.json]
  }

  /// A denied call for people: `socket(0x2, 0x1, 0x0, …) 3 times`.
  static func line(_ call: NotedCall) -> String {
    let arguments = call.arguments.map { "0x" + String($0, radix: 16) }.joined(separator: ", ")
    return "\(call.name)(\(arguments))" + (call.count == 1 ? "" : " \(call.count) times")
  }

  private static func termination(_ result: RunReport) -> JSON {
    switch result.termination {
    case .exited(let status): return ["exit": .int(Int64(status))]
    case .signalled(let signal): return ["signal": .int(Int64(signal))]
    }
  }

  private static func distribution(_ all: [Int64]) -> JSON {
    let sorted = all.sorted()
    return [
      "count": .int(Int64(sorted.count)), "min": .int(sorted[0]),
      "mean": .int(sorted.reduce(0, +) / Int64(sorted.count)),
      "p50": .int(sorted[sorted.count / 2]), "p95": .int(sorted[sorted.count * 95 / 100]),
    ]
  }
}
