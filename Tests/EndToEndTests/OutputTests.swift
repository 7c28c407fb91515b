import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Testing

extension EndToEnd {
  /// The forms of the answers, and where they go.
  @Suite struct OutputTests {}
}

extension EndToEnd.OutputTests {
  /// Every command that can answer as JSON, and the name of its schema.
  static let documents: [(command: String, schema: String)] = [
    ("run ok", "edgecoder.wait/1"), ("status --all", "edgecoder.status/1"),
    ("wait $(edgecoder status --all -q)", "edgecoder.wait/1"),
    ("ledger verify", "edgecoder.verify/1"), ("ledger balance", "edgecoder.balance/1"),
    ("ledger statement", "edgecoder.statement/1"), ("account list", "edgecoder.accounts/1"),
    ("doctor", "edgecoder.doctor/1"), ("power", "edgecoder.power/1"),
    ("pack ok -o new.tar.zst", "edgecoder.inspect/1"),
    ("inspect ok.tar.zst", "edgecoder.inspection/1"),
    ("init --spool second", "edgecoder.init/1"),
  ]

  @Test func documentsNameTheirSchemas() throws {
    let place = try Workplace()
    try place.task("ok", "true")
    expect(try place.shell("edgecoder pack ok -o ok.tar.zst"), 0)
    for (command, schema) in Self.documents {
      let result = expect(try place.shell("edgecoder \(command) --json"), 0)
      #expect(try result.json["schema"]?.text == schema, "\(command): \(result.output)")
      // One document and nothing else, in canonical form.
      #expect(try result.stdout == result.json.canonical + [0x0A], "\(command)")
    }
  }

  @Test func everyFormOfAList() throws {
    let place = try Workplace()
    try place.task("ok", "true")
    try place.task("bad", "echo '<&>'; exit 3")
    expect(try place.shell("edgecoder run ok bad"), 1)
    let rows = try place.rows()
    #expect(rows.count == 2)
    let ids = Set(rows.compactMap { $0["job"]?.text })
    let quiet = try place.edgecoder("status", "--all", "-q")
    #expect(Set(quiet.lines) == ids)
    let lines = try place.edgecoder("status", "--all", "--format", "jsonl").lines
    for line in lines {
      #expect(try JSON.parse(Array(line.utf8))["schema"]?.text == "edgecoder.status/1")
    }
    #expect(lines.count == 2)
    let table = try place.edgecoder("status", "--all").lines
    #expect(table.first?.hasPrefix("JOB ") == true && table.count == 3)
    #expect(try place.edgecoder("status", "--all", "--format", "markdown").output.contains("|"))
    expect(try place.edgecoder("doctor", "--format", "junit"), 64)
  }

  /// Judged by another program: well formed, with the counts of JUnit.
  @Test(.program("python3")) func junitIsReadByOthers() throws {
    let place = try Workplace()
    try place.task("ok", "echo fine")
    try place.task("bad", "printf 'a\\033[31m<&]]>\\001\\377'; exit 3")
    expect(try place.shell("edgecoder run ok bad --junit report.xml"), 1)
    let script = """
      import sys, xml.etree.ElementTree as tree
      suites = tree.parse(sys.argv[1]).getroot()
      cases = {case.get('name'): case for case in suites.iter('testcase')}
      assert suites.get('tests') == '2' and suites.get('failures') == '1', suites.attrib
      assert suites.get('errors') == '0' and suites.get('skipped') == '0', suites.attrib
      assert cases['bad'].find('failure').get('message') == 'failed (exit 3)'
      assert cases['ok'].find('failure') is None
      assert 'fine' in cases['ok'].find('system-out').text
      assert '\\x1b' not in cases['bad'].find('system-out').text
      """
    let judged = try Python.run(script, [place.folder.path("report.xml")])
    #expect(judged.status == 0, "\(judged)")
    let form = try place.edgecoder("status", "--all", "--format", "junit")
    #expect(form.output.hasPrefix("<?xml"))
  }

  @Test func dataAloneOnStandardOutput() throws {
    let place = try Workplace()
    try place.task("ok", "true")
    let run = try place.shell("edgecoder run ok -q")
    #expect(run.lines.count == 1 && JobID(run.lines.first ?? "") != nil, "\(run)")
    #expect(run.errors.contains("passed"))
    let submitted = try place.shell("edgecoder submit ok ok")
    #expect(submitted.lines.count == 2 && submitted.stderr.isEmpty, "\(submitted)")
    let failed = try place.shell("edgecoder wait --timeout 0 $(edgecoder status -q) -q")
    #expect(failed.status == 124 && failed.lines.allSatisfy { JobID($0) != nil }, "\(failed)")
    #expect(failed.errors.contains("error: "))
  }

  /// Colours only where a terminal is, and none with NO_COLOR even there.
  @Test(.program("script")) func colours() throws {
    let place = try Workplace()
    try place.task("ok", "true")
    expect(try place.shell("edgecoder run ok"), 0)
    let escape: UInt8 = 0x1B
    #expect(try !place.edgecoder("status", "--all").stdout.contains(escape))
    let terminal = "script -qec 'edgecoder status --all' /dev/null"
    let coloured = try place.shell("TERM=xterm \(terminal)")
    #expect(coloured.output.contains("passed") && coloured.stdout.contains(escape), "\(coloured)")
    let plain = try place.shell("TERM=xterm NO_COLOR=1 \(terminal)")
    #expect(plain.output.contains("passed") && !plain.stdout.contains(escape), "\(plain)")
  }

  /// A reader that has seen enough ends nothing with an error.
  @Test func aClosedPipeIsQuiet() throws {
    let place = try Workplace()
    try place.task("loud", "for i in $(seq 60000); do echo line $i of many; done", more: "")
    let run = try place.shell("edgecoder run loud -q")
    let job = try #require(run.lines.first)
    for command in ["logs \(job)", "completion bash", "status --all", "--help"] {
      let result = try place.shell(
        "set -o pipefail; edgecoder \(command) | head -n 1 >&2; exit ${PIPESTATUS[0]}")
      #expect(result.status == 0, "\(command): \(result)")
      #expect(result.errors.split(separator: "\n").count == 1, "\(command): \(result.errors)")
    }
  }

  @Test func errorsSayWhatWhereWhyAndNext() throws {
    let place = try Workplace()
    for command in ["status 01m83at4crevm9mmaz08vjcf4k", "init", "submit nothing", "prune"] {
      let result = try place.shell("edgecoder \(command)")
      #expect(result.status != 0)
      let lines = result.errors.split(separator: "\n")
      #expect(lines.first?.hasPrefix("error: ") == true, "\(command): \(result.errors)")
      #expect(lines.count <= 4, "\(command): \(result.errors)")
    }
  }
}
