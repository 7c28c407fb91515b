import EdgeArchive
import EdgeImport
import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Testing

/// Whole collections of real tasks.
@Suite(
  .sharedData("humaneval"), .sharedData("mbpp"), .sharedData("quixbugs"),
  .sharedData("exercism-python"), .sharedData("exercism-javascript"), .sharedData("harbor"))
struct CollectionTests {
  let temporary = TemporaryDirectory()

  @Test(arguments: TaskCollection.all) func everyTaskIsAccountedFor(collection: TaskCollection)
    throws
  {
    let target = try temporary.open()
    let tasks = try collection.importAll(into: target)
    let counts = ImportCounts(tasks)
    print("\(collection.folder): \(counts)")
    #expect(tasks.count == collection.tasks)
    #expect(counts.imported == collection.imported)
    #expect(counts.runnable == collection.runnable)
    #expect(counts.imported + counts.refused == collection.tasks)
    let made = try target.entries()
    #expect(made == tasks.compactMap(\.directory).sorted())
    for task in tasks {
      switch task.status {
      case .imported: break
      case .importedNotRunnable(let reasons):
        print("\(task.name): not runnable: \(reasons)")
        #expect(!reasons.isEmpty)
      case .refused(let reason):
        print("\(task.name): refused: \(reason)")
        #expect(!reason.isEmpty && !reason.contains("\n"))
      }
    }
  }

  @Test(arguments: TaskCollection.all) func theSameBytesEachTime(collection: TaskCollection) throws
  {
    let target = try temporary.open()
    try target.makeDirectory("one")
    try target.makeDirectory("two")
    let first = try target.directory("one")
    let second = try target.directory("two")
    #expect(try collection.importAll(into: first) == collection.importAll(into: second))
    let trees = (try tree(first), try tree(second))
    #expect(!trees.0.isEmpty)
    #expect(trees.0 == trees.1)
  }

  @Test(arguments: TaskCollection.all) func everyManifestReadsBack(collection: TaskCollection)
    throws
  {
    let target = try temporary.open()
    for task in try collection.importAll(into: target) {
      guard let directory = task.directory else { continue }
      let files = try tree(try target.directory(directory))
      let text = try #require(files["task.toml"])
      let manifest = try readManifest(text, file: "\(directory)/task.toml")
      #expect(taskTOML(for: manifest) == String(decoding: text, as: UTF8.self))
      #expect(manifest.notices.isEmpty)
      #expect(manifest.name == directory && manifest.kind == .verify)
      #expect(manifest.requirements == task.requirements)
      // The packer takes the whole directory, under its own limits.
      #expect(try TaskDirectory(reading: try target.directory(directory)).manifest == manifest)
      try check(manifest, files)
    }
  }

  private func check(_ manifest: TaskManifest, _ files: [String: [UInt8]]) throws {
    let verifier = try #require(manifest.verifier)
    for file in verifier.files { #expect(files["tests/\(file)"] != nil, "\(manifest.name)") }
    for file in manifest.protected { #expect(files["source/\(file)"] != nil, "\(manifest.name)") }
    #expect(files["instruction.md"]?.isEmpty == false)
    let isHarbor = verifier.runner == .reward
    #expect(verifier.expected.isEmpty == isHarbor, "\(manifest.name)")
    #expect(Set(verifier.expected).count == verifier.expected.count, "\(manifest.name)")
    #expect(files.keys.contains { $0.hasPrefix("solution/") } != isHarbor, "\(manifest.name)")
    // What a candidate starts from has something in it, and is not the solution.
    let stub = files.filter { $0.key.hasPrefix("source/") && !$0.key.hasSuffix("/") }
    let solution = files.filter { $0.key.hasPrefix("solution/") && !$0.key.hasSuffix("/") }
    #expect(!stub.isEmpty, "\(manifest.name)")
    for (path, bytes) in solution {
      #expect(stub["source/" + path.dropFirst(9)] != bytes, "\(manifest.name)")
    }
  }

  @Test func theNoticesNameWhatIsKnownAboutATask() throws {
    let target = try temporary.open()
    for collection in TaskCollection.all where collection.format != .harbor {
      for task in try collection.importAll(into: target) {
        switch task.name {
        case "mbpp-367", "mbpp-927", "quixbugs-knapsack", "quixbugs-levenshtein",
          "exercism-python-error-handling", "exercism-javascript-grep",
          "exercism-javascript-crypto-square", "exercism-javascript-reverse-string",
          "exercism-javascript-robot-name":
          #expect(task.notices.count == 1, "\(task.name)")
        default: #expect(task.notices.isEmpty, "\(task.name)")
        }
      }
    }
  }

  @Test func aSelectionMakesOnlyWhatIsAsked() throws {
    let target = try temporary.open()
    let path = try #require(SharedData.folder("humaneval")) + "/humaneval.jsonl"
    let tasks = try importTasks(format: .humaneval, from: path, into: target) {
      $0 == "humaneval-2"
    }
    #expect(tasks.map(\.name) == ["humaneval-2"])
    #expect(try target.entries() == ["humaneval-2"])
  }

  /// pytest itself is asked for the names; one exercise in seven, for the time that it takes.
  @Test(.python("pytest")) func pytestFindsTheExpectedNames() throws {
    let target = try temporary.open()
    let python = try #require(TaskCollection.all.first { $0.folder == "exercism-python" })
    var asked = 0
    for (index, task) in try python.importAll(into: target).enumerated() where index % 7 == 0 {
      guard case .imported = task.status else { continue }
      let folder = temporary.path(task.name)
      let text = try target.read("\(task.name)/task.toml", atMost: 1 << 20)
      let verifier = try #require(try readManifest(text, file: "task.toml").verifier)
      let result = try runProgram(
        "/usr/bin/python3",
        ["-B", "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "--rootdir"]
          + ["\(folder)/tests"] + verifier.files.map { "\(folder)/tests/\($0)" },
        environment: ["PATH=/usr/bin:/bin", "PYTHONPATH=\(folder)/solution"])
      let names = result.output.split(separator: "\n").filter { $0.contains("::") }
        .map { String($0) }
      #expect(names.sorted() == verifier.expected.sorted(), "\(task.name): \(result)")
      asked += 1
    }
    #expect(asked >= 10)
  }
}
