/// What is wrong in a `task.toml`, and in which line.
package struct ManifestError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The name of the file, as the caller gave it.
  package let file: String
  /// The line, from 1.
  package let line: Int
  /// What is wrong, in words.
  package let problem: String
  /// What would be right; may be empty.
  package let hint: String

  package init(file: String, line: Int, problem: String, hint: String = "") {
    self.file = file
    self.line = line
    self.problem = problem
    self.hint = hint
  }

  /// `task.toml:12: problem (hint)`.
  package var description: String {
    "\(file):\(line): \(problem)" + (hint.isEmpty ? "" : " (\(hint))")
  }
}
