import EdgeArchive
import EdgeImport
import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Testing

@Test(.enabled(if: environmentVariable("SCRATCH") != nil)) func scratch() throws {
  let top = try Directory(path: "/tmp/imported")
  for collection in TaskCollection.all {
    try top.removeTree(collection.folder)
    try top.makeDirectory(collection.folder)
    let target = try top.directory(collection.folder)
    for task in try collection.importAll(into: target) {
      guard let directory = task.directory else { continue }
      let manifest = try readManifest(
        try target.read("\(directory)/task.toml", atMost: 1 << 20), file: "task.toml")
      try target.publish("\(directory)/manifest.json", manifest.json.canonical, durable: false)
    }
  }
}

@Test(.enabled(if: environmentVariable("EXAMPLES") != nil)) func examples() throws {
  let target = try Directory(path: "\(RepositoryRoot.path)/queue/examples")
  for collection in TaskCollection.all where collection.format != .harbor {
    for name in Examples.imported { try target.removeTree(name) }
  }
  for collection in TaskCollection.all where collection.format != .harbor {
    let path = (SharedData.folder(collection.folder) ?? "") + collection.file
    _ = try importTasks(format: collection.format, from: path, into: target) {
      Examples.imported.contains($0)
    }
  }
}
