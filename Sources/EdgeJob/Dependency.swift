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

/// What becomes of a job where one that it waits for cannot end any more as it has to.
package enum OnDependencyFailed: String, CaseIterable, Hashable, Sendable {
  /// It ends as `dependencyFailed`.
  case fail
  /// It is held with the reason, until somebody retries, releases or cancels it.
  case hold
}

/// Circles among things that wait for one another.
package enum Circle {
  /// Some circle, from one node back to it; nil where there is none.
  /// - Parameter next: whom a node waits for.
  package static func first<Node: Hashable>(from starts: [Node], next: (Node) -> [Node])
    -> [Node]?
  {
    var isDone: Set<Node> = []
    for start in starts where !isDone.contains(start) {
      var path = [(node: start, ahead: next(start)[...])]
      var onPath: Set<Node> = [start]
      while let last = path.last {
        guard let node = last.ahead.first else {
          path.removeLast()
          onPath.remove(last.node)
          isDone.insert(last.node)
          continue
        }
        path[path.count - 1].ahead.removeFirst()
        if onPath.contains(node) { return path.map(\.node).drop { $0 != node } + [node] }
        if isDone.contains(node) { continue }
        path.append((node, next(node)[...]))
        onPath.insert(node)
      }
    }
    return nil
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
