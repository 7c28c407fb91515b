import EdgeSystem
import EdgeTestSupport
import Glibc

/// This program of tests, started once more for one of its suites.
enum TestBundle {
  /// Starts it; output goes nowhere unless a descriptor is given.
  /// - Parameters:
  ///   - variable: `NAME=value`, which enables the suite.
  ///   - wrapper: a program in front, with its arguments.
  static func start(
    suite: String, variable: String, wrapper: [String] = [], output: Int32? = nil
  ) throws -> Child {
    let words =
      wrapper + [
        try Executable.path(), "--testing-library", "swift-testing", "--filter", suite,
      ]
    let path = words[0].hasPrefix("/") ? words[0] : programPath(words[0]) ?? words[0]
    var environment = ["PATH=/usr/local/bin:/usr/bin:/bin", variable]
    for name in ["LD_LIBRARY_PATH", "HOME"] {
      if let value = environmentVariable(name) { environment.append("\(name)=\(value)") }
    }
    return try Spawn(
      path: path, arguments: Array(words.dropFirst()), environment: environment,
      descriptors: output.map { [1: $0, 2: $0] } ?? [:]
    ).start()
  }
}

/// A thread that runs one closure; for what a test does beside a blocking call.
final class Thread {
  private var handle = pthread_t()
  private final class Body {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  init(_ run: @escaping @Sendable () -> Void) {
    let body = Unmanaged.passRetained(Body(run)).toOpaque()
    let answer = pthread_create(
      &handle, nil,
      { raw in
        if let raw { Unmanaged<Body>.fromOpaque(raw).takeRetainedValue().run() }
        return nil
      }, body)
    precondition(answer == 0, "a test may start a thread")
  }

  func join() { pthread_join(handle, nil) }
}
