import EdgeJob
import EdgeTestSupport

/// What the campaign left, read back from its files.
struct CampaignRecords {
  /// One job and how it ended.
  struct Run {
    let set: String
    let name: String
    /// With the gold solution, or one of our own.
    let isSolved: Bool
    let state: String
    let ending: JSON?
    let why: String?

    var hasPassed: Bool { ending?["verdict"]?.text == "passed" }
    /// The words for a table: a verdict, or the state it is in.
    var summary: String { ending?["verdict"]?.text ?? why ?? state }
  }

  /// What became of the tasks of one collection.
  struct Imports {
    let names: [String]
    let notRunnable: [String: String]
    let refused: [String: String]
    var count: Int { names.count + notRunnable.count + refused.count }
  }

  static let sets: [(name: String, count: Int)] = [
    ("humaneval", 79), ("mbpp", 503), ("quixbugs", 24), ("exercism-python", 75),
    ("exercism-javascript", 65), ("harbor", 53),
  ]

  let folder: TemporaryDirectory
  let runs: [Run]

  init(_ folder: TemporaryDirectory) throws {
    self.folder = folder
    let archives = try Self.lines("archives", folder)
    let ids = try Self.lines("ids", folder)
    let rows = try JSON.parse(try folder.read("jobs.json"))["jobs"]?.elements ?? []
    let table = Dictionary(uniqueKeysWithValues: rows.map { ($0["job"]?.text ?? "", $0) })
    runs = zip(archives, ids).map { archive, id in
      let parts = archive.split(separator: "/")
      let name = String(parts[1].dropLast(".tar.zst".count))
      let row = table[id]
      return Run(
        set: Self.sets.first { name.hasPrefix($0.name) }?.name ?? "", name: name,
        isSolved: parts[0] == "solved", state: row?["state"]?.text ?? "nowhere",
        ending: row?["ending"], why: row?["why"]?.text)
    }
  }

  static func lines(_ name: String, _ folder: TemporaryDirectory) throws -> [String] {
    try folder.text(name).split(separator: "\n").map(String.init)
  }

  func json(_ name: String) throws -> JSON { try JSON.parse(try folder.read(name)) }

  func imports(_ set: String) throws -> Imports {
    var names: [String] = []
    var notRunnable: [String: String] = [:]
    var refused: [String: String] = [:]
    for row in try json("import-\(set).json")["tasks"]?.elements ?? [] {
      let name = row["check"]?.text ?? ""
      switch row["result"]?.text {
      case "ok": names.append(name)
      case "warning": notRunnable[name] = row["next"]?.text ?? ""
      default: refused[name] = row["next"]?.text ?? ""
      }
    }
    return Imports(names: names, notRunnable: notRunnable, refused: refused)
  }

  /// The messages of the tests of one job.
  func messages(of name: String) throws -> String {
    let tests = try json("why/\(name)/result.json")["tests"]?.elements ?? []
    let stderr = (try? folder.text("why/\(name)/stderr")) ?? ""
    return tests.compactMap { $0["message"]?.text }.joined(separator: "\n") + stderr
  }
}

extension TemporaryDirectory {
  /// A file of text.
  func text(_ name: String) throws -> String { String(decoding: try read(name), as: UTF8.self) }
}
