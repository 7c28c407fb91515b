import EdgeImport
import EdgeSystem
import EdgeTestSupport
import Testing

/// Everything below a directory: paths with the bytes of files; directories end in a slash.
func tree(_ directory: borrowing Directory, prefix: String = "") throws -> [String: [UInt8]] {
  var result: [String: [UInt8]] = [:]
  for raw in try directory.names() {
    let name = String(decoding: raw, as: UTF8.self)
    let status = try directory.status(name)
    if status.kind == .directory {
      result[prefix + name + "/"] = []
      let child = try directory.directory(name)
      result.merge(try tree(child, prefix: prefix + name + "/")) { _, new in new }
    } else {
      let mark: [UInt8] = status.mode & 0o111 == 0 ? [] : Array("x:".utf8)
      result[prefix + name] = mark + (try directory.read(name, atMost: 1 << 26))
    }
  }
  return result
}

/// One of the collections beside the checkout.
struct TaskCollection: Sendable, CustomTestStringConvertible {
  let folder: String
  let format: ImportFormat
  let file: String
  /// Tasks in it, and how many of them become task directories.
  let tasks: Int
  let imported: Int
  let runnable: Int

  var testDescription: String { folder }

  static let all = [
    TaskCollection("humaneval", .humaneval, "/humaneval.jsonl", 79),
    TaskCollection("mbpp", .mbpp, "/mbpp.jsonl", 503),
    TaskCollection("quixbugs", .quixbugs, "/quixbugs.jsonl", 24),
    TaskCollection("exercism-python", .exercism, "", 75, runnable: 74),
    TaskCollection("exercism-javascript", .exercism, "", 65, runnable: 64),
    TaskCollection("harbor", .harbor, "", 53, imported: 22, runnable: 22),
  ]

  private init(
    _ folder: String, _ format: ImportFormat, _ file: String, _ tasks: Int, imported: Int? = nil,
    runnable: Int? = nil
  ) {
    self.folder = folder
    self.format = format
    self.file = file
    self.tasks = tasks
    self.imported = imported ?? tasks
    self.runnable = runnable ?? tasks
  }

  /// Imports all of it.
  func importAll(into directory: borrowing Directory) throws -> [ImportedTask] {
    let path = (SharedData.folder(folder) ?? folder) + file
    return try importTasks(format: format, from: path, into: directory)
  }
}
