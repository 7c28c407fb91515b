internal import EdgeJob

/// Numbers of the command line are held against their range before anything is done with them.
enum NumberRange {
  /// The most slots of a worker.
  static let slots = 1...4096

  /// - Throws: a usage failure that names the option and the range.
  static func check(_ option: String, _ value: Int?, _ range: ClosedRange<Int>) throws {
    guard let value, !range.contains(value) else { return }
    let most = range.upperBound == .max ? "or more" : "to \(range.upperBound)"
    throw CommandFailure(
      .usage, "\(option) is \(value)", next: "choose \(range.lowerBound) \(most)")
  }
}
