import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Testing

extension EndToEnd {
  /// `sandbox learn` as people use it.
  @Suite struct LearnCommandTests {}
}

extension EndToEnd.LearnCommandTests {
  @Test func itWritesAProfileThatDoesForTheCommand() throws {
    let place = try Workplace(making: false)
    let learned = expect(
      try place.shell(
        """
        mkdir in && echo text >in/file &&
        edgecoder sandbox learn --base shell --name tool --input in --json -- cat file
        """), 0)
    let report = try JSON.parse(learned.stdout)
    #expect(report["schema"]?.text == "edgecoder.learn/1" && report["runs"]?.integer == 3)
    #expect(report["replay"]?["passed"]?.flag == true && report["file"]?.text == "tool.json")
    #expect(report["notGranted"]?.elements?.isEmpty == true)
    #expect(report["differences"]?.elements?.count ?? 0 > 100)
    expect(try place.shell("edgecoder sandbox profile lint tool.json"), 0)
    let again = expect(
      try place.shell("edgecoder sandbox run --profile ./tool.json --input in -- cat file"), 0)
    #expect(again.output == "text\n")
    expect(try place.shell("edgecoder sandbox run --profile ./tool.json -- ls"), 2)
  }

  @Test(.enabled(if: programPath("unshare") != nil, "needs unshare"))
  func whatDoesNotPassIsNotPutInPlace() throws {
    let place = try Workplace(making: false)
    let result = expect(
      try place.shell("edgecoder sandbox learn --base shell --name tool -- unshare -U true"), 1)
    #expect(String(decoding: result.stderr, as: UTF8.self).contains("not granted: unshare"))
    let names = try place.names(".")
    #expect(names.contains("tool.failed.json") && !names.contains("tool.json"))
  }

  @Test func mistakesHaveTheirCodes() throws {
    let place = try Workplace(making: false)
    for (command, status) in [
      ("--name A -- true", 64), ("--runs 0 -- true", 64), ("--", 64), ("--base none -- true", 66),
      ("-o /nonexistent/x.json -- true", 73), ("-o x.txt -- true", 73), ("-- /no/program", 69),
      ("--wall 1s -- sleep 5", 1),
    ] as [(String, Int32)] {
      expect(try place.shell("edgecoder sandbox learn \(command)"), status)
    }
  }
}
