import EdgeArchive
import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Testing

@testable import EdgeImport

/// Harbor task directories, made here.
struct HarborTests {
  let temporary = TemporaryDirectory()

  private static let toml = """
    version = "1.0"
    colour = "green"
    [metadata]
    difficulty = "easy"
    [verifier]
    timeout_sec = 1.5
    [verifier.env]
    MODE = "strict"
    [agent]
    timeout_sec = 60
    [environment]
    cpus = 2
    memory_mb = 64
    storage_mb = 8
    allow_internet = true
    """

  private func importTask(
    toml: String = toml, dockerfile: String = "FROM debian:12\nWORKDIR /app\nCOPY in.txt .\n",
    instruction: String = "Copy in.txt to /app/out.txt.\n", script: String = "true\n",
    extra: [String: String] = [:]
  ) throws -> ImportedTask {
    let top = try temporary.open()
    for name in ["in", "in/copy", "in/copy/environment", "in/copy/tests", "out"] {
      try top.ensureDirectory(name)
    }
    let files = [
      "task.toml": toml, "instruction.md": instruction, "environment/Dockerfile": dockerfile,
      "environment/in.txt": "text\n", "tests/test.sh": script,
    ].merging(extra) { $1 }
    for (path, text) in files where !text.isEmpty {
      try temporary.write("in/copy/\(path)", text: text)
    }
    let tasks = try importTasks(
      format: .harbor, from: temporary.path("in"), into: try top.directory("out"))
    #expect(tasks.count == 1)
    return try #require(tasks.first)
  }

  private func manifest() throws -> TaskManifest {
    let text = try temporary.read("out/harbor-copy/task.toml")
    return try readManifest(text, file: "task.toml")
  }

  @Test func aTaskIsMapped() throws {
    let task = try importTask(
      dockerfile: """
        FROM debian:12
        ENV LEVEL=3
        RUN pip install pytest==1 numpy && mkdir -p /app/empty
        WORKDIR /app
        COPY in.txt sub/
        """, script: "pytest /tests\n")
    #expect(task.status == .imported)
    let manifest = try manifest()
    #expect(manifest.mountPoint == "/app" && manifest.workDirectory.isEmpty)
    #expect(manifest.limits.wallMilliseconds == 60_000)
    #expect(manifest.limits.cpuMilliseconds == 120_000)
    #expect(manifest.limits.memoryBytes == 64 << 20)
    #expect(
      manifest.command
        == ["env", "LEVEL=3", "bash", "-c", "if [ -f solve.sh ]; then bash solve.sh; fi"])
    let verifier = try #require(manifest.verifier)
    #expect(verifier.runner == .reward)
    #expect(verifier.limits.wallMilliseconds == 1500)
    #expect(
      verifier.command == [
        "env", "LEVEL=3", "MODE=strict", "PATH=/tests/.edgecoder:/usr/local/bin:/usr/bin:/bin",
        "bash", "/tests/test.sh",
      ])
    #expect(manifest.requirements == ["program:bash", "program:python3", "python:pytest"])
    let carried = try JSON.parse(Array((manifest.extensions["x_harbor"] ?? "").utf8))
    #expect(carried == ["colour": "green", "metadata.difficulty": "easy"])
    #expect(task.notices.contains { $0.contains("allow_internet") })
    #expect(task.notices.contains { $0.contains("numpy") })
    let files = try tree(try temporary.open().directory("out/harbor-copy"))
    #expect(files["source/sub/in.txt"] == Array("text\n".utf8))
    #expect(files["source/empty/"] != nil)
    #expect(files["tests/.edgecoder/pytest"]?.starts(with: Array("x:#!/bin/sh\n".utf8)) == true)
  }

  @Test(arguments: [
    ("FROM x\nWORKDIR /tmp", "its WORKDIR /tmp"), ("FROM x", "its WORKDIR /"),
    ("FROM x\nWORKDIR /app\nCOPY in.txt /data/in.txt", "/data/in.txt, outside"),
    ("FROM x\nWORKDIR /app\nRUN mkdir /data", "makes /data, outside"),
    ("FROM x\nCOPY in.txt /app\nWORKDIR /app", "to /app, its WORKDIR"),
    ("FROM x\nRUN <<E\nE", "Dockerfile:2"), ("", "no environment/Dockerfile"),
  ])
  func whatLiesElsewhereIsRefused(dockerfile: String, words: String) throws {
    guard case .refused(let reason) = try importTask(dockerfile: dockerfile).status else {
      Issue.record("taken")
      return
    }
    #expect(reason.contains(words), "\(reason)")
    #expect(try temporary.open().directory("out").names().isEmpty)
  }

  @Test func aResultOutsideTheWorkspaceIsRefused() throws {
    let task = try importTask(
      instruction: "Write /tmp/out.txt.", script: "test -f \"/tmp/out.txt\"\n")
    guard case .refused(let reason) = task.status else {
      Issue.record("taken")
      return
    }
    #expect(reason.contains("/tmp/out.txt"))
  }

  @Test(arguments: [
    ("[environment]\ngpus = 2", "2 GPUs"),
    ("[environment]\nmcp_servers = [{name = \"x\"}]", "MCP"),
    ("[verifier.env]\nKEY = \"${KEY}\"", "KEY"),
  ])
  func whatThisSystemLacksIsAReason(toml: String, words: String) throws {
    guard case .importedNotRunnable(let reasons) = try importTask(toml: toml).status else {
      Issue.record("runnable")
      return
    }
    #expect(reasons.contains { $0.contains(words) })
    #expect(try manifest().extensions["x_import"]?.contains("not_runnable") == true)
  }

  @Test func aScriptThatNeedsANetworkIsAReason() throws {
    let task = try importTask(script: "curl -LsSf https://example.org/install.sh | sh\n")
    #expect(task.status == .importedNotRunnable(["its test.sh uses curl, which needs a network"]))
  }

  @Test(arguments: [
    "version = ", "[verifier]\ntimeout_sec = \"x\"", "[agent]\ntimeout_sec = -1",
    "[environment]\nmemory_mb = 0", "[environment]\ncpus = 1e300", "verifier = 1",
    "[verifier.env]\n\"A B\" = \"x\"", "[agent]\ntimeout_sec = inf",
  ])
  func awkwardManifestsAreRefused(toml: String) throws {
    guard case .refused(let reason) = try importTask(toml: toml).status else {
      Issue.record("taken: \(toml)")
      return
    }
    #expect(reason.contains("copy/task.toml"), "\(reason)")
  }

  @Test func aTaskWithoutATestScriptIsRefused() throws {
    let task = try importTask(script: "")
    #expect(task.status == .refused("copy: tests/test.sh is missing"))
  }

  @Test func aSolutionOfTheTaskIsKept() throws {
    try temporary.open().ensureDirectory("in")
    try temporary.open().ensureDirectory("in/copy")
    try temporary.open().ensureDirectory("in/copy/solution")
    let task = try importTask(extra: ["solution/solve.sh": "cp in.txt out.txt\n"])
    #expect(task.status == .imported)
    #expect(
      try temporary.read("out/harbor-copy/solution/solve.sh") == Array("cp in.txt out.txt\n".utf8))
  }

  @Test(.sharedData("harbor")) func ourSolutionsBelongToRunnableTasks() throws {
    let path = try #require(SharedData.folder("harbor"))
    let solutions = "\(RepositoryRoot.path)/Tests/EdgeImportTests/HarborSolutions"
    let names = try Directory(path: solutions).entries().filter { !$0.hasSuffix(".md") }
    #expect(names.count == 5)
    let top = try temporary.open()
    try top.makeDirectory("real")
    let tasks = try importTasks(format: .harbor, from: path, into: try top.directory("real"))
    for name in names {
      let task = try #require(tasks.first { $0.name == "harbor-\(name)" })
      #expect(task.status == .imported)
      #expect(try Directory(path: "\(solutions)/\(name)").contains("solve.sh"))
    }
  }
}
