/// A job that another one waits for, and how it must have ended.
package struct Dependency: Hashable, Sendable {
  /// How a job must have ended.
  package enum Condition: Hashable, Sendable {
    /// With the verdict `passed`.
    case passed
    /// In any way.
    case ended
    /// In any other way than `passed`.
    case notPassed

    /// Whether an end is such a one.
    package func isMet(passed: Bool) -> Bool {
      switch self {
      case .passed: passed
      case .ended: true
      case .notPassed: !passed
      }
    }
  }

  package var job: JobID
  package var condition: Condition

  package init(job: JobID, condition: Condition) {
    self.job = job
    self.condition = condition
  }
}

extension Request {
  /// All jobs that it waits for, with their conditions.
  package var dependencies: [Dependency] {
    after.map { Dependency(job: $0, condition: .passed) }
      + afterAny.map { Dependency(job: $0, condition: .ended) }
      + afterNotOk.map { Dependency(job: $0, condition: .notPassed) }
  }
}
