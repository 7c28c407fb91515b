import EdgeJob
import EdgeReport
import EdgeTestSupport
import Testing

/// JUnit XML, read by other people's readers.
struct JUnitTests {
  /// Reads the document and prints the kind and properties of each test case.
  private static let reader = """
    import sys, xml.etree.ElementTree as tree
    root = tree.fromstring(sys.stdin.buffer.read())
    assert root.tag == 'testsuites' and len(root) == 1
    suite = root[0]
    cases = suite.findall('testcase')
    for key, tag in (('failures', 'failure'), ('errors', 'error'), ('skipped', 'skipped')):
        assert int(suite.get(key)) == sum(case.find(tag) is not None for case in cases), key
    assert int(suite.get('tests')) == len(cases)
    for case in cases:
        kinds = [c.tag for c in case if c.tag in ('failure', 'error', 'skipped')]
        assert len(kinds) <= 1
        kind = case.find(kinds[0]).get('type') if kinds else ''
        names = ' '.join(p.get('name') for p in case.iter('property'))
        print((kinds or ['passed'])[0], kind, names, sep='|')
    """

  @Test(.program("python3"))
  func mapsEveryEnding() throws {
    let result = try Python.run(Self.reader, input: Array(Sample.suite().xml.utf8))
    #expect(result.status == 0, "\(result.errors)")
    let expected = [
      "passed|", "failure|failed", "failure|timedOut", "failure|refused", "skipped|cancelled",
      "skipped|expired", "skipped|dependencyFailed", "error|rejected", "error|dead",
      "error|unfinished",
    ].map { $0 + "|job attempt receipt" }
    #expect(result.output.split(separator: "\n").map(String.init) == expected)
  }

  @Test
  func mapsAttempts() {
    let results: [JUnitCase.Result] = [
      .attempt(.verdict(.passed)), .attempt(.verdict(.outOfMemory)), .attempt(.fault(.workerLost)),
      .attempt(.cancelled),
    ]
    let xml = JUnitSuite(
      cases: results.map { JUnitCase(name: "n", className: "c", result: $0) }
    ).xml
    #expect(xml.contains("<failure type=\"outOfMemory\" message=\"outOfMemory\"/>"))
    #expect(xml.contains("<error type=\"workerLost\" message=\"workerLost\"/>"))
    #expect(xml.contains("<skipped type=\"cancelled\" message=\"cancelled\"/>"))
    #expect(xml.contains("tests=\"4\" failures=\"1\" errors=\"1\" skipped=\"1\" time=\"0.000\""))
  }

  /// Whatever a task is called and writes, the document can be read, and its text arrives.
  @Test(.program("python3"))
  func carriesAnyText() throws {
    var random = SplitMix64(seed: 1)
    var cases: [JUnitCase] = []
    for _ in 0..<400 {
      cases.append(
        JUnitCase(
          name: random.text(atMost: 30), className: random.text(atMost: 9),
          result: .ended(.rejected(reason: random.text(atMost: 30))),
          output: random.bytes(random.number(0...60)), errors: Array(random.text(atMost: 60).utf8)))
    }
    let suite = JUnitSuite(name: random.text(atMost: 30), cases: cases)
    let result = try Python.run(Self.reader, input: Array(suite.xml.utf8))
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.split(separator: "\n").count == cases.count)
  }

  @Test(.program("python3"))
  func keepsWhatIsText() throws {
    let text = "a <b> & \"c\" 'd'\té\n😀 ]]>"
    let suite = JUnitSuite(
      cases: [
        JUnitCase(name: text, className: "c", result: .unfinished("x"), output: Array(text.utf8))
      ])
    let script = """
      import sys, xml.etree.ElementTree as tree
      case = tree.fromstring(sys.stdin.buffer.read()).find('.//testcase')
      sys.stdout.write(case.get('name') + '|' + case.findtext('system-out'))
      """
    let result = try Python.run(script, input: Array(suite.xml.utf8))
    #expect(result.output == text + "|" + text, "\(result)")
  }

  @Test
  func capsWhatTasksWrite() {
    let output = Array(String(repeating: "x", count: 100_000).utf8) + Array("the end".utf8)
    let suite = JUnitSuite(
      cases: [JUnitCase(name: "n", className: "c", result: .unfinished(""), output: output)],
      outputMax: 1000)
    #expect(suite.xml.contains("[99007 bytes left out]"))
    #expect(suite.xml.contains("the end</system-out>"))
    #expect(suite.xml.utf8.count < 2500)
  }

  @Test(.program("xmllint"))
  func isWellFormedForXmllint() throws {
    let result = try runProgram("xmllint", ["--noout", "-"], input: Array(Sample.suite().xml.utf8))
    #expect(result.status == 0, "\(result.errors)")
  }

  @Test(.python("junitparser"))
  func isReadByJUnitParser() throws {
    let script = """
      import sys
      from junitparser import JUnitXml
      xml = JUnitXml.fromstring(sys.stdin.buffer.read())
      print(xml.tests, xml.failures, xml.errors, xml.skipped)
      """
    let result = try Python.run(script, input: Array(Sample.suite().xml.utf8))
    #expect(result.output == "10 3 3 3\n", "\(result)")
  }
}

struct MarkdownTests {
  @Test
  func countsAddUpAndTheWorstComesFirst() {
    let text = Sample.suite().markdown
    #expect(text.contains("3 errors · 3 failed · 3 skipped · 1 passed"))
    let lines = text.split(separator: "\n")
    let rows = lines.filter { $0.hasPrefix("| ") }.dropFirst(2)
    #expect(rows.count == 10)
    #expect(rows.first?.contains("rejected") == true)
    #expect(rows.last?.contains("| passed |") == true)
  }

  @Test
  func meansNothingToMarkdownOrHTML() throws {
    let text = try render(.jobs(Sample.rows(), suite: Sample.suite()), as: .markdown)
    #expect(!text.contains("<script") && !text.contains("<b>"))
    #expect(text.contains("&lt;script&gt;"))
    // A task cannot end the block that shows what it wrote.
    #expect(text.contains("````text\n``` fence\n````\n"))
    let table = try render(
      Document(
        schema: "x", list: "checks", rows: [CheckRow("a|b", .ok, found: "`c`\n# d @e")]),
      as: .markdown)
    #expect(table.contains("| a\\|b | ok | \\`c\\`\\\\n\\# d \\@e |  |"), "\(table)")
  }

  @Test
  func staysBelowTheLimitOfItsReaders() {
    let output = [UInt8](repeating: 0x78, count: 4096)
    let cases = (0..<1000).map { number in
      JUnitCase(
        name: "task \(number)", className: "c", result: .ended(.verdict(.compileError)),
        output: output)
    }
    let text = JUnitSuite(cases: cases).markdown
    #expect(text.utf8.count < 1_050_000)
    #expect(text.contains("left out"))
  }
}
