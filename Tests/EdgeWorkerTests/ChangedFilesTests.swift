import EdgeSystem
import EdgeTestSupport
import Testing

@testable import EdgeWorker

/// What may differ is found by names alone, and never misses a difference.
struct ChangedFilesTests {
  /// Three trees as an overlay shows them: below, merged, and the upper layer. Whiteouts stand in
  /// the upper layer as plain files here; only their names count.
  private func find(_ trees: [String: [String]], atMost most: Int = 100) throws -> ChangedFiles {
    let place = TemporaryDirectory()
    let root = try place.open()
    for (tree, paths) in trees {
      try root.makeDirectory(tree, mode: 0o755)
      for path in paths {
        var above = tree
        for part in path.split(separator: "/").dropLast() {
          above += "/" + part
          try root.ensureDirectory(above, mode: 0o755)
        }
        try place.write(tree + "/" + path, text: path)
      }
    }
    return try ChangedFiles(
      snapshot: try root.directory("lower"), workspace: try root.directory("merged"),
      upper: try root.directory("upper"), atMost: most)
  }

  @Test func whatWasTouchedIsFound() throws {
    let found = try find([
      "lower": ["same", "changed", "gone", "d/same", "d/changed", "e/x", "e/y", "f/z"],
      "merged": ["same", "changed", "new", "d/same", "d/changed", "d/new", "f/z", "g/h/i"],
      "upper": ["changed", "gone", "new", "d/changed", "d/new", "e", "g/h/i"],
    ])
    #expect(found.isComplete)
    #expect(
      found.paths == [
        "changed", "gone", "new", "d/changed", "d/new", "e/x", "e/y", "g/h/i",
      ])
  }

  @Test func aDirectoryInPlaceOfAFileAndBack() throws {
    let found = try find([
      "lower": ["a", "b/c"], "merged": ["a/x", "b"], "upper": ["a/x", "b"],
    ])
    #expect(found.paths == ["a", "a/x", "b", "b/c"])
  }

  /// A directory that was removed and made again hides what is below, opaque or not.
  @Test func aDirectoryMadeAgain() throws {
    let found = try find([
      "lower": ["d/one", "d/two"], "merged": ["d/two", "d/three"], "upper": ["d/two", "d/three"],
    ])
    #expect(found.paths == ["d/one", "d/two", "d/three"])
  }

  @Test func tooManyIsSaid() throws {
    let names = (0..<50).map { "f\($0)" }
    let found = try find(["lower": [], "merged": names, "upper": names], atMost: 10)
    #expect(!found.isComplete)
  }
}
