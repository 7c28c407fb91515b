internal import EdgeJob

/// MBPP: write a function from one sentence.
///
/// The snapshot holds the signatures that the tests use, with bodies that raise; every assert of
/// `test_list` and `challenge_test_list` is a hidden test of its own.
enum MBPP {
  static let file = "solution.py"
  private static let testFile = "test_solution.py"

  /// Tasks whose reference fails upstream, where the set-up of the tests runs first and names a
  /// class that only the solution defines.
  static let outOfOrder: Set<String> = ["MBPP/367", "MBPP/927"]

  static func draft(_ record: JSONRecord) throws(ImportError) -> Draft {
    let id = try record.text("task_id")
    guard let name = TaskName.safe(id) else {
      return .refused(name: quoted(id), reason: "\(record.place): no safe name: \(quoted(id))")
    }
    let code = try record.text("code")
    let asserts = try record.texts("test_list") + record.texts("challenge_test_list")
    let setup = try record.text("test_setup_code")
    for test in asserts where !isAssert(test) {
      return .refused(
        name: name, reason: "\(record.place): a test that is no single assert: \(quoted(test))")
    }
    if asserts.isEmpty { return .refused(name: name, reason: "\(record.place): no tests") }
    let functions = (1...asserts.count).map { "test_\($0)" }
    let sentence = try record.text("text")
    var draft = TaskDraft(
      manifest: PythonTask.manifest(
        name: name, summary: firstLine(sentence),
        expected: RunnerNames.python(testFile, functions), files: [testFile]),
      instruction: [])
    let stub = stub(of: code, usedBy: asserts + [setup])
    draft.instruction = Array(instruction(sentence, stub).utf8)
    draft.add("source/\(file)", stub)
    draft.add("solution/\(file)", code.hasSuffix("\n") ? code : code + "\n")
    draft.add("tests/\(testFile)", tests(code, setup, asserts))
    if outOfOrder.contains(id) {
      draft.manifest.notices.append(
        "upstream's set-up of the tests runs before the solution and fails; here it runs after it")
    }
    return .task(draft)
  }

  private static func isAssert(_ test: String) -> Bool {
    let statements = PythonText.statements(of: test)
    return statements.count == 1 && statements[0].text.hasPrefix("assert")
  }

  private static func tests(_ code: String, _ setup: String, _ asserts: [String]) -> String {
    var text = imports(from: code, usedBy: asserts + [setup])
    if !setup.isEmpty { text += "\n" + setup + (setup.hasSuffix("\n") ? "" : "\n") }
    for (index, test) in asserts.enumerated() {
      let line = PythonText.statements(of: test)[0].text
      text += "\n\ndef test_\(index + 1)():\n    \(line)\n"
    }
    return text
  }

  /// Each name of the reference's module that the tests use, imported by itself: importing all
  /// would let a candidate replace built-in functions. Modules are imported by the tests
  /// themselves.
  private static func imports(from code: String, usedBy tests: [String]) -> String {
    let used = Set(tests.flatMap(PythonText.identifiers))
    var lines: [String] = []
    for statement in PythonText.statements(of: code) where statement.indent == 0 {
      if let name = definition(statement), used.contains(name) {
        lines.append("from solution import \(name)\n")
      } else if statement.text.hasPrefix("import ") || statement.text.hasPrefix("from "),
        let name = PythonText.identifiers(statement.text).last, used.contains(name)
      {
        lines.append(statement.text + "\n")
      }
    }
    var seen: Set<String> = []
    return lines.filter { seen.insert($0).inserted }.joined()
  }

  /// The name that a statement at the top of a module gives to a function, class or value.
  private static func definition(_ statement: PythonStatement) -> String? {
    if let name = statement.defines("def") ?? statement.defines("class") { return name }
    let name = statement.text.utf8.prefix(while: TaskName.isIdentifierByte)
    let rest = String(Substring(statement.text.utf8.dropFirst(name.count))).drop { $0 == " " }
    guard rest.hasPrefix("="), !rest.hasPrefix("==") else { return nil }
    return String(Substring(name))
  }

  private static func instruction(_ sentence: String, _ stub: String) -> String {
    """
    \(sentence)

    Write it to `\(file)`, with this signature:

    ```python
    \(stub)```

    """
  }

  /// The definitions of `code` that the tests name, each with a body that raises.
  static func stub(of code: String, usedBy tests: [String]) -> String {
    let used = Set(tests.flatMap(PythonText.identifiers))
    var stub: [String] = []
    var type: String?
    for statement in PythonText.statements(of: code) {
      if statement.indent == 0 { type = nil }
      if statement.indent == 0, let name = statement.defines("def"), used.contains(name) {
        stub.append((statement.header ?? "def \(name)(*values):") + "\n    \(raising)\n")
      } else if statement.indent == 0, let name = statement.defines("class"), used.contains(name) {
        type = name
        stub.append("class \(name):\n    pass\n")
      } else if type != nil, statement.defines("def") == "__init__", let header = statement.header {
        stub[stub.count - 1] = "class \(type ?? ""):\n    \(header)\n        \(raising)\n"
      }
    }
    return stub.joined(separator: "\n\n")
  }

  private static let raising = "raise NotImplementedError"
}

/// The first line of a text, at most 200 characters.
func firstLine(_ text: String) -> String {
  String(text.prefix { $0 != "\n" && $0 != "\r\n" }.prefix(200))
}
