internal import EdgeJob

/// What the Python tasks of several collections have in common.
enum PythonTask {
  /// The manifest of a task whose hidden tests are functions with plain asserts.
  static func manifest(
    name: String, summary: String, expected: [String], files: [String],
    cpuMilliseconds: Int64 = 30_000
  ) -> TaskManifest {
    let limits = Limits(
      cpuMilliseconds: cpuMilliseconds, wallMilliseconds: 3 * cpuMilliseconds)
    return TaskManifest(
      name: name, summary: summary, kind: .verify, language: "python", profile: "python",
      verifier: TaskManifest.Verifier(
        runner: .python, files: files, expected: expected, limits: limits),
      requirements: ["program:python3"])
  }
}
