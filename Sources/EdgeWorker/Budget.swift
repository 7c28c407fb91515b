internal import EdgeJob

/// The CPU time that the credits of a request buy, where that is less than its task may use.
struct Budget {
  /// Milliseconds that are left; nil where the task's own limits are all there is.
  private var left: Int64?

  /// None.
  init() {}

  init(_ ticket: Ticket) { left = ticket.cpuBudget }

  /// True where not a millisecond is left for another phase.
  var isEmpty: Bool { left.map { $0 <= 0 } ?? false }

  /// The limits of the next phase.
  func limits(_ own: Limits) -> Limits {
    guard let left, left < own.cpuMilliseconds else { return own }
    var limits = own
    limits.cpuMilliseconds = max(1, left)
    return limits
  }

  /// Takes what a phase has used, and gives the verdict its right name: what stops a program that
  /// its own limit would have let go on is the budget.
  mutating func take(_ usage: Usage, _ verdict: Verdict, own: Limits) -> Verdict {
    guard let before = left else { return verdict }
    left = before - usage.cpuMilliseconds
    return verdict == .timedOut(.cpu) && before < own.cpuMilliseconds ? .budgetExhausted : verdict
  }
}
