/// How the runners name tests in their reports, which is what `expected` must hold.
enum RunnerNames {
  /// The runner `python`: a function of a test file.
  static func python(_ file: String, _ functions: [String]) -> [String] {
    functions.map { "\(file)::\($0)" }
  }

  /// The runner `pytest`: the node id, relative to `tests/`.
  static func pytest(_ file: String, _ names: [PythonTests.Name]) -> [String] {
    names.map { [file, $0.type, $0.function].compactMap(\.self).joined(separator: "::") }
  }

  /// The runner `jest`: file and titles; a test that upstream skips is never expected, and a
  /// title that occurs twice is one name.
  static func jest(_ file: String, _ names: [JavaScriptTests.Name]) -> [String] {
    var seen: Set<String> = []
    return names.filter { !$0.isSkipped }.map { ([file] + $0.titles).joined(separator: " > ") }
      .filter { seen.insert($0).inserted }
  }
}
