/// Which jobs a worker takes at present; a later case takes all that an earlier one does.
package enum Acceptance: String, CaseIterable, Comparable, Hashable, Sendable {
  case nothing = "none"
  /// Those that `smallWallMilliseconds` is enough for.
  case small
  case all

  /// The wall limits of a small job, both phases together, milliseconds.
  package static let smallWallMilliseconds: Int64 = 10_000

  package static func < (left: Acceptance, right: Acceptance) -> Bool {
    (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
  }

  /// True where a worker that says this takes a job of this task.
  package func takes(_ task: TaskManifest) -> Bool {
    switch self {
    case .nothing: false
    case .small: task.wallMillisecondsMax <= Acceptance.smallWallMilliseconds
    case .all: true
    }
  }
}

/// For whom a worker works.
package enum WorkerMode: String, CaseIterable, Hashable, Sendable {
  case on
  /// Takes nothing new, finishes what it has.
  case off
  /// Without a network. It takes and earns what `on` does, and says so in its file.
  case offline
}

extension TaskManifest {
  /// Time on the wall of both phases at most, milliseconds.
  package var wallMillisecondsMax: Int64 {
    let run = kind == .run || !command.isEmpty ? limits.wallMilliseconds : 0
    let sum = run.addingReportingOverflow(verifier?.limits.wallMilliseconds ?? 0)
    return sum.overflow ? .max : sum.partialValue
  }
}
