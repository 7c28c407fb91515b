/// The one table of exit codes; the help text, the manual page and the tests read it from here.
package enum ExitCode: Int32, CaseIterable, Sendable {
  case done = 0
  case notPassed = 1
  case cannotTell = 2
  case tampered = 3
  case splitHistory = 4
  case usage = 64
  case badInput = 65
  case notFound = 66
  case unavailable = 69
  case `internal` = 70
  case cannotCreate = 73
  case notDurable = 74
  case temporary = 75
  case notPermitted = 77
  case configuration = 78
  case waitTimedOut = 124
  case interrupted = 130
  case terminated = 143

  /// What the code means, in one line.
  package var meaning: String {
    switch self {
    case .done: "all verdicts passed, or done"
    case .notPassed: "some job has another verdict, expired, or its dependency failed"
    case .cannotTell: "cannot tell: evidence is missing (verified to N only)"
    case .tampered: "evidence of tampering or rollback"
    case .splitHistory: "two signed histories disagree"
    case .usage: "wrong usage"
    case .badInput: "bad input: archive, manifest, rejected job, or a key reused"
    case .notFound: "no such job or file"
    case .unavailable: "spool, ledger or a required property unavailable; a job is dead"
    case .internal: "an internal invariant is broken"
    case .cannotCreate: "cannot create a file"
    case .notDurable: "I/O error: not durable"
    case .temporary: "temporary: a retry can help"
    case .notPermitted: "not permitted, not enrolled, or not enough credits"
    case .configuration: "configuration, or an unknown format"
    case .waitTimedOut: "the --timeout of a wait passed"
    case .interrupted: "interrupted, or cancelled by a user"
    case .terminated: "terminated by a signal"
    }
  }

  /// The order in which one code wins over another when many jobs are waited for.
  private static let order: [ExitCode] = [
    .tampered, .splitHistory, .internal, .notDurable, .unavailable, .temporary, .badInput,
    .interrupted, .notPassed, .done,
  ]

  /// The code that stands for all of them.
  package static func worst(of codes: some Sequence<ExitCode>) -> ExitCode {
    let present = Set(codes)
    // A code that no job can have is never hidden by those that mean that all is well.
    let others = present.subtracting(order).max { $0.rawValue < $1.rawValue }
    guard let first = order.first(where: present.contains), first != .done else {
      return others ?? .done
    }
    return first
  }

  /// The code for a job that ended so.
  package init(_ ending: Ending) {
    switch ending {
    case .verdict(.passed): self = .done
    case .verdict, .expired, .dependencyFailed: self = .notPassed
    case .cancelled: self = .interrupted
    case .rejected: self = .badInput
    case .dead: self = .unavailable
    }
  }
}
