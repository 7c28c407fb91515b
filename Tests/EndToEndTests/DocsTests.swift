import EdgeSystem
import EdgeTestSupport
import Testing

extension EndToEnd {
  /// What the documents show is done, as they show it.
  @Suite struct DocsTests {}
}

extension EndToEnd.DocsTests {
  static let documents: [String] = {
    let catalog = "Sources/EdgeCommands/EdgeCoder.docc"
    let names = (try? Directory(path: "\(RepositoryRoot.path)/\(catalog)").entries()) ?? []
    let articles = names.filter { $0.hasSuffix(".md") }.map { "\(catalog)/\($0)" }
    return ["README.md", "SECURITY.md", "queue/README.md"] + articles
  }()

  @Test(.program("python3"), .program("node"), arguments: documents)
  func commandsOfADocument(path: String) throws {
    let bytes = try Directory(path: RepositoryRoot.path).read(path, atMost: 1 << 20)
    let steps = DocsStep.all(in: String(decoding: bytes, as: UTF8.self), path: path)
    guard !steps.isEmpty else { return }
    let place = try Workplace(making: false)
    try place.folder.write("steps", text: DocsStep.program(steps))
    let result = try place.shell(
      "ln -s '\(RepositoryRoot.path)/queue' queue && bash steps", seconds: 120)
    #expect(result.status == 0, "\(result.output)")
    #expect(result.lines.count { $0.hasPrefix("ok ") } == steps.count, "\(result.output)")
  }

  @Test func thePipelineOfTheExamples() throws {
    let place = try Workplace(making: false)
    let pipeline = "bash '\(RepositoryRoot.path)/scripts/ci/pipeline.sh'"
    let examples = Workplace.examples
    let passed = try place.shell(
      """
      unset EDGECODER_SPOOL EDGECODER_KEYS
      EDGECODER_CANDIDATE=solution \(pipeline) \(examples)/humaneval-0 \(examples)/quixbugs-wrap
      """)
    expect(passed, 0)
    #expect(place.exists("junit.xml") && !place.exists("spool"))
    let failed = try place.shell("unset EDGECODER_SPOOL; \(pipeline) \(examples)/humaneval-0")
    expect(failed, 1)
    let xml = String(decoding: try place.folder.read("junit.xml"), as: UTF8.self)
    #expect(xml.contains("failures=\"1\""), "\(xml)")
    // A spool of one's own is kept.
    expect(
      try place.shell(
        "edgecoder init -q; EDGECODER_CANDIDATE=solution \(pipeline) \(examples)/humaneval-0"), 0)
    #expect(try place.rows().count == 1)
    expect(try place.shell(pipeline), 64)
    #expect(try place.names("home").allSatisfy { $0.hasPrefix(".") }, "nothing is left behind")
  }

  @Test func theDemo() throws {
    let place = try Workplace(making: false)
    let result = expect(
      try place.edgecoder("demo", "--examples", Workplace.examples, seconds: 120), 0)
    for word in ["1  submit", "2  run", "3  settle", "4  verify", "5  statement", "spend"] {
      #expect(result.output.contains(word), "\(word): \(result.output)")
    }
    #expect(result.output.contains("passed") && result.output.contains("attack.shell"))
    #expect(!result.output.contains("REACHED"))
    #expect(try place.names("home").isEmpty && !place.exists("spool"), "it leaves nothing behind")
  }
}
