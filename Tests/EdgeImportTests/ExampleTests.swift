import EdgeArchive
import EdgeImport
import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Testing

/// The task directories below `queue/examples`.
enum Examples {
  static let folder = "\(RepositoryRoot.path)/queue/examples"

  static let imported = [
    "exercism-javascript-flatten-array", "exercism-javascript-two-fer",
    "exercism-python-grade-school", "exercism-python-leap", "humaneval-0", "humaneval-119",
    "humaneval-31", "quixbugs-breadth_first_search", "quixbugs-to_base", "quixbugs-wrap",
  ]
  static let own = ["attack.shell", "hello.shell", "primes.python", "words.javascript"]

  static func manifest(_ name: String) throws -> TaskManifest {
    let text = try Directory(path: folder).read("\(name)/task.toml", atMost: 1 << 20)
    return try readManifest(text, file: "\(name)/task.toml")
  }
}

struct ExampleTests {
  @Test func theFolderHoldsTheseAndNoOthers() throws {
    let names = try Directory(path: Examples.folder).entries()
    #expect(names == (Examples.imported + Examples.own + ["LICENSES.md"]).sorted())
    let licences = try Directory(path: Examples.folder).read("LICENSES.md", atMost: 1 << 20)
    for name in Examples.imported + Examples.own {
      #expect(String(decoding: licences, as: UTF8.self).contains("`\(name)`"))
    }
  }

  @Test(arguments: Examples.imported + Examples.own) func everyManifestIsStrict(name: String) throws
  {
    let manifest = try Examples.manifest(name)
    #expect(manifest.name == name)
    #expect(manifest.notices.isEmpty)
    #expect(!manifest.summary.isEmpty)
    #expect((manifest.kind == .run) == Examples.own.contains(name))
    let directory = try Directory(path: "\(Examples.folder)/\(name)")
    #expect(try TaskDirectory(reading: directory).manifest == manifest)
    let files = try tree(directory)
    #expect(files["instruction.md"]?.isEmpty == false)
    #expect(files.keys.contains { $0.hasPrefix("solution/") } == (manifest.kind == .verify))
  }

  @Test(
    .sharedData("humaneval"), .sharedData("quixbugs"), .sharedData("exercism-python"),
    .sharedData("exercism-javascript"))
  func theImportersStillMakeTheSameBytes() throws {
    let temporary = TemporaryDirectory()
    let target = try temporary.open()
    for collection in TaskCollection.all {
      let path = (SharedData.folder(collection.folder) ?? "") + collection.file
      guard collection.format != .harbor, collection.format != .mbpp else { continue }
      _ = try importTasks(format: collection.format, from: path, into: target) {
        Examples.imported.contains($0)
      }
    }
    #expect(try target.entries() == Examples.imported)
    for name in Examples.imported {
      let kept = try tree(try Directory(path: "\(Examples.folder)/\(name)"))
      #expect(try tree(try target.directory(name)) == kept, "\(name)")
    }
  }

  /// Our own harmless ones, as plain programs; the attack is for the sandbox alone.
  @Test(
    .program("bash"), .program("python3"), .program("node"),
    arguments: ["hello.shell", "primes.python", "words.javascript"])
  func ourOwnCommandsSucceed(name: String) throws {
    let manifest = try Examples.manifest(name)
    let temporary = TemporaryDirectory()
    for (path, bytes) in try tree(try Directory(path: "\(Examples.folder)/\(name)/source")) {
      try temporary.write(path, bytes)
    }
    let command = manifest.command.joined(separator: " ")
    let result = try runProgram(
      "bash", ["-c", "cd '\(temporary.path)' && exec \(command)"],
      environment: ["PATH=\(environmentVariable("PATH") ?? "/usr/bin:/bin")"],
      input: Array(manifest.input.utf8))
    #expect(result.status == 0, "\(result)")
    #expect(!result.output.isEmpty)
    for artifact in manifest.artifacts {
      #expect(try temporary.open().contains(artifact.path))
    }
  }
}
