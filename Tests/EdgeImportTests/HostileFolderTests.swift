import EdgeImport
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// Exercise folders that mean harm, or are broken.
struct HostileFolderTests {
  let temporary = TemporaryDirectory()

  /// A small exercise that is in order.
  private func makeExercise(_ meta: String? = nil) throws {
    let top = try temporary.open()
    for name in ["in", "in/one", "in/one/stub", "in/one/exemplar", "in/one/tests", "out"] {
      try top.ensureDirectory(name)
    }
    let right = """
      {"task_id": "exercism-python/one", "test_files": ["one_test.py"], "editor_files": []}
      """
    try temporary.write("in/one/meta.json", text: meta ?? right)
    try temporary.write("in/one/instruction.md", text: "Return one.\n")
    try temporary.write("in/one/stub/one.py", text: "def one():\n    pass\n")
    try temporary.write("in/one/exemplar/one.py", text: "def one():\n    return 1\n")
    try temporary.write(
      "in/one/tests/one_test.py",
      text: "from one import one\n\n\ndef test_one():\n    assert one() == 1\n")
  }

  private func importIt() throws -> ImportedTask {
    let out = try temporary.open().directory("out")
    let tasks = try importTasks(format: .exercism, from: temporary.path("in"), into: out)
    #expect(tasks.count == 1)
    return try #require(tasks.first)
  }

  private func expectRefusal(_ words: String) throws {
    let task = try importIt()
    guard case .refused(let reason) = task.status else {
      Issue.record("taken")
      return
    }
    #expect(reason.contains(words), "\(reason)")
    #expect(try temporary.open().directory("out").names().isEmpty)
  }

  @Test func aSmallExerciseInOrderIsTaken() throws {
    try makeExercise()
    #expect(try importIt().status == .imported)
    let files = try tree(try temporary.open().directory("out/exercism-python-one"))
    #expect(files["source/one.py"] == Array("def one():\n    pass\n".utf8))
  }

  @Test func wrongJSONIsRefusedWithItsLine() throws {
    try makeExercise("{\n \"task_id\": 1,,\n}")
    try expectRefusal("one/meta.json:2")
  }

  @Test(arguments: ["../one_test.py", "/etc/passwd", "a/b_test.py", "", ".", "a\\u0000"])
  func aTestFileElsewhereIsRefused(name: String) throws {
    try makeExercise(
      "{\"task_id\": \"exercism-python/one\", \"test_files\": [\"\(name)\"], \"editor_files\": []}")
    try expectRefusal("no safe file name")
  }

  @Test(arguments: ["../one", "exercism-python/../one", "exercism-python/", "one"])
  func anIdThatIsNoNameIsRefused(id: String) throws {
    try makeExercise("{\"task_id\": \"\(id)\", \"test_files\": [], \"editor_files\": []}")
    try expectRefusal("no safe name")
  }

  @Test func anotherLanguageIsRefused() throws {
    try makeExercise(
      "{\"task_id\": \"exercism-cobol/one\", \"test_files\": [], \"editor_files\": []}")
    try expectRefusal("another language")
  }

  @Test func aMissingTestFileIsRefused() throws {
    try makeExercise()
    #expect(unlink(temporary.path("in/one/tests/one_test.py")) == 0)
    try expectRefusal("missing")
  }

  @Test(arguments: ["tests/link.py", "stub/link.py", "exemplar/link.py"])
  func aLinkOutOfTheFolderIsRefused(path: String) throws {
    try makeExercise()
    #expect(symlink("/etc/hostname", temporary.path("in/one/\(path)")) == 0)
    try expectRefusal("link or special file")
  }

  @Test func aNamedPipeIsRefusedAndNotOpened() throws {
    try makeExercise()
    #expect(mkfifo(temporary.path("in/one/stub/pipe"), 0o600) == 0)
    try expectRefusal("link or special file")
  }

  @Test func aFolderThatIsALinkIsRefused() throws {
    try makeExercise()
    #expect(rename(temporary.path("in/one/stub"), temporary.path("in/one/real")) == 0)
    #expect(symlink("real", temporary.path("in/one/stub")) == 0)
    try expectRefusal("cannot be read")
  }
}
