import EdgeTestSupport
import Testing

@Suite struct DocsStepTests {
  private let planted = """
    Text with `$ no`.
    ```console
    $ echo 'it'\\''s' > a
    shown, not run
    $ test \\
        -f a
    $ false  # exit 1
    ```
    ```sh
    $ exit 9
    ```
    ```
    $ exit 9
    ```
    <!-- file: b/c.toml -->
    ```toml
    d = 'e'
    ```
    ```console
    $ grep -qx "d = 'e'" b/c.toml
    ```
    """

  @Test func stepsAreFound() {
    let steps = DocsStep.all(in: planted, path: "A.md")
    #expect(
      steps.map(\.action) == [
        .run("echo 'it'\\''s' > a", status: 0), .run("test -f a", status: 0),
        .run("false", status: 1), .write(file: "b/c.toml", text: "d = 'e'\n"),
        .run("grep -qx \"d = 'e'\" b/c.toml", status: 0),
      ])
    #expect(steps.map(\.line) == [3, 5, 7, 16, 20])
  }

  @Test func theProgramDoesThem() {
    PlantedFolder.lend { folder in
      let program = DocsStep.program(DocsStep.all(in: planted, path: "A.md"))
      let answer = Tool("cd '\(folder.path)' && bash '\(folder.plant("run", program))'")
      #expect(answer.status == 0, "\(answer.output)")
      #expect(answer.lines == ["ok A.md:3", "ok A.md:5", "ok A.md:7", "ok A.md:16", "ok A.md:20"])
    }
  }

  @Test func aWrongStatusIsTold() {
    PlantedFolder.lend { folder in
      let steps = DocsStep.all(in: "```console\n$ echo said; false\n```\n", path: "A.md")
      let answer = Tool("bash '\(folder.plant("run", DocsStep.program(steps)))'")
      #expect(answer.status == 1)
      #expect(answer.output.hasPrefix("not ok A.md:2: status 1, not 0"))
      #expect(answer.output.contains("said"))
    }
  }

  /// What the documents promise can be run: they have commands, and these are commands of ours.
  @Test func documentsHaveCommands() {
    let steps = Repository.markdown.flatMap { DocsStep.all(in: $0.text, path: $0.path) }
    for path in ["README.md", "Sources/EdgeCommands/EdgeCoder.docc/Start.md"] {
      #expect(steps.contains { $0.path == path }, "\(path)")
    }
    let known: Set<Substring> = ["edgecoder", "mkdir", "cat", "printf", "ls", "cp", "test", "for"]
    for step in steps {
      guard case .run(let command, let status) = step.action else { continue }
      #expect(status >= 0, "\(step.path):\(step.line): no number behind # exit")
      let word = command.split(separator: " ").first ?? ""
      #expect(known.contains(word), "\(step.path):\(step.line): \(command)")
    }
  }
}
