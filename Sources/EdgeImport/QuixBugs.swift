internal import EdgeJob

/// QuixBugs: repair a program with a defect in one line.
///
/// Programs with recorded cases get one hidden test for each case; the programs on graphs and
/// lists keep upstream's own test functions.
enum QuixBugs {
  static func draft(_ record: JSONRecord) throws(ImportError) -> Draft {
    let id = try record.text("task_id")
    let program = try record.text("name")
    guard let name = TaskName.safe(id), TaskName.isIdentifier(program), program != "node" else {
      return .refused(name: quoted(id), reason: "\(record.place): no safe name: \(quoted(id))")
    }
    let upstream = try record.text("pytest")
    let tests: Tests
    if let cases = record.json["json_cases"]?.elements {
      tests = try recorded(program, cases, upstream, record.place)
    } else {
      tests = try functions(program, upstream, record.place)
    }
    let file = "test_\(program).py"
    let expected = RunnerNames.python(file, tests.names)
    var draft = TaskDraft(
      manifest: PythonTask.manifest(
        name: name, summary: "Repair the function \(program).",
        expected: expected, files: [file], cpuMilliseconds: 5_000),
      instruction: Array(instruction(program).utf8))
    draft.manifest.notices += tests.notices
    draft.add("source/\(program).py", try record.text("buggy"))
    draft.add("solution/\(program).py", try record.text("correct"))
    draft.add("tests/\(file)", tests.text)
    if let node = record.json["support_node_py"]?.text { draft.add("tests/node.py", node) }
    return .task(draft)
  }

  private static func instruction(_ program: String) -> String {
    """
    One line of the function `\(program)` in `\(program).py` is wrong or missing. Find and repair \
    it; change nothing else. What the function should do is written below it in the same file.

    """
  }

  private struct Tests {
    var text: String
    var names: [String]
    var notices: [String] = []
  }

  /// One test for each recorded case, with upstream's conversion and comparison.
  private static func recorded(
    _ program: String, _ cases: [JSON], _ upstream: String, _ place: String
  ) throws(ImportError) -> Tests {
    let lines = lines(of: upstream)
    let conversions = lines.filter { $0.hasPrefix("testdata = [") }
    let asserts = lines.filter { $0.hasPrefix("    assert ") }
    if asserts.count != 1 { throw ImportError("a test without exactly one assert", at: place) }
    let squeezed = squeeze(upstream)
    var tests = Tests(text: "from \(program) import \(program)\n\ntestdata = [\n", names: [])
    for (index, entry) in cases.enumerated() {
      guard let pair = entry.elements, pair.count == 2 else {
        throw ImportError("a case that is no pair of input and output", at: place)
      }
      // A bare input is a function's only argument.
      let input = pair[0].elements == nil ? JSON.array([pair[0]]) : pair[0]
      tests.text += "    \(pythonLiteral([input, pair[1]])),\n"
      if squeezed.contains("input_data==" + squeeze(pythonLiteral(input))) {
        tests.notices.append("case \(index + 1) is left out, as upstream does: it takes too long")
      } else {
        tests.names.append("test_case_\(index + 1)")
      }
    }
    tests.text += "]\n" + conversions.map { $0 + "\n" }.joined()
    tests.text += "\n\ndef check(input_data, expected):\n\(asserts[0])\n"
    for name in tests.names {
      let index = name.dropFirst("test_case_".count)
      tests.text += "\n\ndef \(name)():\n    check(*testdata[\(index) - 1])\n"
    }
    return tests
  }

  /// Upstream's own test functions, importing the program by its plain name.
  private static func functions(_ program: String, _ upstream: String, _ place: String)
    throws(ImportError) -> Tests
  {
    var text = ""
    var isReplaced = false
    for line in lines(of: upstream) {
      if line == "import pytest" || line.hasPrefix("else:") { continue }
      if line.hasPrefix("if pytest.use_correct") || line.hasPrefix("    from ") {
        if !isReplaced { text += "from \(program) import \(program)\n" }
        isReplaced = true
        continue
      }
      text += line + "\n"
    }
    let names = PythonText.statements(of: text).filter { $0.indent == 0 }
      .compactMap { $0.defines("def") }.filter { $0.hasPrefix("test") }
    guard isReplaced, !names.isEmpty else {
      throw ImportError("a test file of another form than upstream's", at: place)
    }
    while text.hasSuffix("\n\n") { text.removeLast() }
    return Tests(text: text, names: names)
  }

  /// Without white space, and without the comma before a closing bracket.
  private static func squeeze(_ text: String) -> String {
    var bytes: [UInt8] = []
    for byte in text.utf8 where byte != 0x20 && byte != 0x0A && byte != 0x09 {
      if byte == UInt8(ascii: "]"), bytes.last == UInt8(ascii: ",") { bytes.removeLast() }
      bytes.append(byte)
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// A JSON value as a Python literal.
func pythonLiteral(_ json: JSON) -> String {
  switch json {
  case .null: "None"
  case .bool(let flag): flag ? "True" : "False"
  case .int(let integer): String(integer)
  case .number(let number): number.description
  // JSON's escapes are a subset of Python's, once what lies outside ASCII is left as it is.
  case .string: json.canonicalText
  case .array(let elements): "[" + elements.map(pythonLiteral).joined(separator: ", ") + "]"
  case .object(let members):
    "{"
      + members.map { JSON.string($0.name).canonicalText + ": " + pythonLiteral($0.value) }
      .joined(separator: ", ") + "}"
  }
}
