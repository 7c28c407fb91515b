import EdgeImport
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// Collections that mean harm, or are broken.
struct HostileInputTests {
  let temporary = TemporaryDirectory()

  private func target() throws -> Directory {
    let directory = try temporary.open()
    try directory.ensureDirectory("out")
    return try directory.directory("out")
  }

  private func importLines(_ text: String) throws -> [ImportedTask] {
    let path = try temporary.write("tasks.jsonl", text: text)
    return try importTasks(format: .mbpp, from: path, into: try target())
  }

  private func line(_ id: String, code: String = "def f():\\n    return 1\\n") -> String {
    """
    {"task_id": "\(id)", "text": "Return one.", "code": "\(code)", "test_setup_code": "", \
    "test_list": ["assert f() == 1"], "challenge_test_list": []}

    """
  }

  @Test func wrongJSONIsRefusedWithItsLineBeforeAnythingIsMade() throws {
    let error = #expect(throws: ImportError.self) {
      try importLines(line("MBPP/1") + "{\"task_id\": 7,}\n")
    }
    #expect(error?.place == "tasks.jsonl:2")
    #expect(try target().names().isEmpty)
  }

  @Test(arguments: ["[1]\n", "null\n", "{} {}\n", "{\"a\":1,\"a\":2}\n", "\u{FEFF}{}\n", ""])
  func whatIsNoObjectIsRefused(text: String) throws {
    #expect(throws: ImportError.self) { try importLines(text) }
  }

  @Test func bytesThatAreNotUTF8AreRefused() throws {
    let path = try temporary.write("tasks.jsonl", [0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D])
    let error = #expect(throws: ImportError.self) {
      try importTasks(format: .mbpp, from: path, into: try target())
    }
    #expect(error?.place == "tasks.jsonl:1")
  }

  @Test func aHugeLineIsRefused() throws {
    let huge = String(repeating: "x", count: 1 << 20)
    let error = #expect(throws: ImportError.self) {
      try importLines(line("MBPP/1") + line("MBPP/2", code: huge))
    }
    #expect(error?.place == "tasks.jsonl:2")
    // One that just fits is taken.
    let fitting = String(repeating: "x", count: (1 << 20) - 200)
    #expect(ImportCounts(try importLines(line("MBPP/2", code: fitting))).imported == 1)
  }

  @Test func deepNestingIsRefused() throws {
    let deep = String(repeating: "[", count: 100_000)
    #expect(throws: ImportError.self) { try importLines("{\"task_id\": \(deep)\n") }
  }

  @Test(arguments: [
    "../MBPP", "MBPP/../1", "/etc/passwd", "MBPP//1", "MBPP/.git", "-rf", "MBPP/-1", ".", "..", "",
    "a b", "ä", "a\\nb", "a\\u0000b", "a\\\\b", String(repeating: "a", count: 101),
  ])
  func aNameThatIsNoFileNameIsRefused(id: String) throws {
    let tasks = try importLines(line(id))
    guard case .refused(let reason) = tasks.first?.status else {
      Issue.record("\(id) was taken")
      return
    }
    #expect(reason.hasPrefix("tasks.jsonl:1: "))
    #expect(!reason.contains("\n") && !reason.contains("\u{0}"))
    #expect(try target().names().isEmpty)
  }

  @Test func aNameThatOccursTwiceIsRefused() throws {
    let tasks = try importLines(line("MBPP/1") + line("mbpp/1"))
    #expect(ImportCounts(tasks).imported == 1)
    #expect(ImportCounts(tasks).refused == 1)
  }

  @Test(arguments: [
    "{\"task_id\": \"MBPP/1\"}\n", "{\"task_id\": 5}\n", "{\"code\": \"x\"}\n",
    "{\"task_id\": \"MBPP/1\", \"code\": \"\", \"text\": \"\", \"test_setup_code\": \"\", "
      + "\"test_list\": [7]}\n",
  ])
  func aRecordWithoutItsMembersIsRefused(text: String) throws {
    let tasks = try importLines(text)
    guard case .refused(let reason) = tasks.first?.status else {
      Issue.record("taken: \(text)")
      return
    }
    #expect(reason.hasPrefix("tasks.jsonl:1"))
  }

  @Test(arguments: [
    "import os", "assert f() == 1\\nimport os", "assert f() == 1; import os", "",
  ])
  func aTestThatIsNoSingleAssertIsRefused(test: String) throws {
    let text = line("MBPP/1").replacing("assert f() == 1", with: test)
    #expect(ImportCounts(try importLines(text)).refused == 1)
  }

  @Test func aTakenNameStopsTheImportAndChangesNothing() throws {
    #expect(ImportCounts(try importLines(line("MBPP/1"))).imported == 1)
    let before = try tree(try target())
    let error = #expect(throws: ImportError.self) {
      try importLines(line("MBPP/1", code: "def f():\\n    return 2\\n"))
    }
    #expect(error?.what.contains("taken") == true)
    #expect(try tree(try target()) == before)
  }

  @Test func aMissingFileOrFolderIsNamed() throws {
    for format in ImportFormat.allCases {
      let path = temporary.path("missing")
      let error = #expect(throws: ImportError.self) {
        try importTasks(format: format, from: path, into: try target())
      }
      #expect(error?.place.contains("missing") == true)
    }
  }
}
