internal import EdgeJob

/// HumanEval: complete a function from its signature and docstring.
///
/// The snapshot is the prompt with a body that raises, the solution is the prompt with the
/// canonical body, and the hidden test calls upstream's `check` with the candidate's function.
enum HumanEval {
  /// The file that the candidate completes.
  static let file = "solution.py"

  static func draft(_ record: JSONRecord) throws(ImportError) -> Draft {
    let id = try record.text("task_id")
    guard let name = TaskName.safe(id) else {
      return .refused(name: quoted(id), reason: "\(record.place): no safe name: \(quoted(id))")
    }
    let prompt = try record.text("prompt")
    let entry = try record.text("entry_point")
    guard TaskName.isIdentifier(entry), entry != "check", entry != "test_check" else {
      return .refused(
        name: name, reason: "\(record.place): no function name: \(quoted(entry))")
    }
    let solution = try record.text("canonical_solution")
    let test = try record.text("test")
    let file = "test_solution.py"
    var draft = TaskDraft(
      manifest: PythonTask.manifest(
        name: name, summary: "Complete the function \(entry).",
        expected: RunnerNames.python(file, ["test_check"]), files: [file]),
      instruction: Array(instruction(entry, prompt).utf8))
    let head = prompt.hasSuffix("\n") ? prompt : prompt + "\n"
    draft.add("source/\(Self.file)", head + "    raise NotImplementedError\n")
    draft.add("solution/\(Self.file)", prompt + solution)
    draft.add(
      "tests/\(file)",
      """
      \(helpers(of: prompt, before: entry, usedBy: test))from solution import \(entry)
      \(test)

      def test_check():
          check(\(entry))

      """)
    return .task(draft)
  }

  /// The prompt up to the function asked for, where the test calls a helper that stands there: the
  /// candidate's copy of a helper proves nothing.
  private static func helpers(of prompt: String, before entry: String, usedBy test: String)
    -> String
  {
    let used = PythonText.identifiers(test)
    let helpers = PythonText.statements(of: prompt).compactMap { $0.defines("def") }
    guard helpers.contains(where: { $0 != entry && used.contains($0) }) else { return "" }
    var head = ""
    for line in lines(of: prompt) {
      if line.hasPrefix("def \(entry)(") { return head }
      head += line + "\n"
    }
    return ""
  }

  private static func instruction(_ entry: String, _ prompt: String) -> String {
    """
    Complete the function `\(entry)` in `\(file)` as its docstring says. Keep its name and \
    parameters.

    ```python
    \(prompt)```

    """
  }
}
