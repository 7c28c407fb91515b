/// One place that breaks a rule of the house.
struct Finding: Hashable, CustomStringConvertible {
  /// Path from the root of the repository, with the line where there is one.
  let place: String
  /// What is wrong, and what to do instead.
  let message: String

  init(_ path: String, line: Int? = nil, _ message: String) {
    place = line.map { "\(path):\($0)" } ?? path
    self.message = message
  }

  var description: String { "\(place): \(message)" }
}

extension [Finding] {
  /// All of them, one per line, for the message of a failed expectation.
  var report: String { map(\.description).joined(separator: "\n") }
}
