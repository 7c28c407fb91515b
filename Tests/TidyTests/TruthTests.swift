import Testing

@Suite struct TruthTests {
  private let catalog = "Sources/EdgeCommands/EdgeCoder.docc"

  private func file(_ path: String) throws -> SourceFile {
    try #require(Repository.files.first { $0.path == path }, "\(path) is not there")
  }

  @Test func theReferenceNamesEveryExitCode() throws {
    let codes = Truths.rawNumbers(try file("Sources/EdgeJob/ExitCode.swift"))
    #expect(codes.count == 18)
    let findings = Truths.missing(
      codes, in: try file("\(catalog)/Reference.md"), because: "which ExitCode has")
    #expect(findings.isEmpty, "\(findings.report)")
  }

  @Test func theConceptsNameEveryVerdictAndFault() throws {
    let verdicts = Truths.spellings(try file("Sources/EdgeJob/Verdict.swift"), of: "Verdict")
    let faults = Truths.spellings(try file("Sources/EdgeJob/Fault.swift"), of: "Fault")
    #expect(verdicts.count == 12)
    #expect(faults.count == 6)
    let findings = Truths.missing(
      verdicts + faults, in: try file("\(catalog)/Concepts.md"), because: "which JSON spells so")
    #expect(findings.isEmpty, "\(findings.report)")
  }

  @Test func theReferenceNamesEverySchema() throws {
    let schemas = Set(Repository.swift.filter { $0.isIn("Sources") }.flatMap(Truths.schemas))
    #expect(schemas.count > 8)
    let findings = Truths.missing(
      schemas.sorted(), in: try file("\(catalog)/Reference.md"), because: "which the code writes")
    #expect(findings.isEmpty, "\(findings.report)")
  }

  @Test func theInternalsNameEveryModule() throws {
    let findings = Truths.missing(
      Architecture.layers.keys.sorted(), in: try file("\(catalog)/Internals.md"),
      because: "which is a target")
    #expect(findings.isEmpty, "\(findings.report)")
  }

  @Test func theSpoolPageNamesEveryDirectory() throws {
    let layout = try file("Sources/EdgeSpool/Layout.swift")
    let names = layout.swift.uncommented.split(separator: "\n").compactMap { line in
      line.contains("package static let") && line.contains("= \"")
        ? line.split(separator: "\"").dropFirst().first.map(String.init) : nil
    }
    #expect(names.count > 10)
    let page = try file("queue/README.md").text
    for name in names where name != "leader.lock" {
      #expect(page.contains("`\(name)/"), "queue/README.md does not explain \(name)/")
    }
  }

  @Test func theReadmeNamesEveryCommand() throws {
    let root = try file("Sources/EdgeCommands/EdgeCoder.swift")
    let commands = Truths.commands(root)
    #expect(commands.count > 15)
    let readme = try file("README.md").text
    for command in commands where !readme.contains("`\(command)") {
      Issue.record("README.md does not name the command \(command)")
    }
  }

  @Test func theExamplesForCIRunTheShellForm() throws {
    for path in ["scripts/ci/github-actions.yml", "scripts/ci/gitlab-ci.yml"] {
      #expect(try file(path).text.contains("bash scripts/ci/pipeline.sh "), "\(path)")
    }
  }

  @Test func whatIsNotNamedIsFound() {
    let page = SourceFile(path: "A.md", text: "| 0 | done |\n| 130, 143 | signals |\n`a.b/1`\n")
    #expect(Truths.missing(["0", "130", "143", "a.b/1"], in: page, because: "").isEmpty)
    #expect(Truths.missing(["1", "13", "a.b/2", "done"], in: page, because: "").count == 3)
  }

  @Test func declarationsAreRead() {
    let text = """
      package enum Fault: Error {
        case a = 3, b
        case c = 64
        static let schema = "edgecoder.a-b/1"
        // "edgecoder.c/1"
        init() { switch name { case "spoolFull": self = .spoolFull } }
      }
      package enum Other: Error {
        init() { switch name { case "other": self = .other } }
      }
      """
    let file = SourceFile(path: "Sources/A/B.swift", text: text)
    #expect(Truths.rawNumbers(file) == ["64"])
    let root = SourceFile(path: "A.swift", text: "a: [Run.self, WorkerCommand.self])")
    #expect(Truths.commands(root) == ["run", "worker"])
    #expect(Truths.schemas(file) == ["edgecoder.a-b/1"])
    #expect(Truths.spellings(file, of: "Fault") == ["spoolFull"])
  }
}
