import EdgeJob
import EdgeSystem
import EdgeTestSupport

/// A step that must succeed did not.
struct CheatFailure: Error, CustomStringConvertible {
  let description: String
}

/// Task directories that a test writes, and a spool in which the program runs them.
final class CheatSite {
  let folder = TemporaryDirectory()
  private var archives: [String] = []

  init() throws { try expectDone(edgecoder(["init", "--quiet"])) }

  /// A task of this test.
  struct Task {
    var name: String
    var language = "python"
    var profile = "python"
    var command: [String] = []
    /// The lines of `[verifier]`; empty for a task of kind `run`.
    var verifier: [String] = []
    var protected: [String] = []
    var source: [String: [UInt8]] = [:]
    var tests: [String: [UInt8]] = [:]

    var toml: String {
      func list(_ texts: [String]) -> String { JSON.array(texts.map { .string($0) }).canonicalText }
      let kind = verifier.isEmpty ? "run" : "verify"
      var lines = [
        "schema_version = \"1.4\"", "[task]", "name = \"\(name)\"", "[edgecoder]", "format = 1",
        "kind = \"\(kind)\"", "language = \"\(language)\"", "profile = \"\(profile)\"",
      ]
      if !command.isEmpty { lines.append("command = \(list(command))") }
      if !protected.isEmpty { lines.append("protected = \(list(protected))") }
      lines += ["[edgecoder.limits]", "cpu = \"10\"", "wall = \"30\""]
      if !verifier.isEmpty {
        lines += ["[verifier]"] + verifier
        lines += ["[verifier.limits]", "cpu = \"10\"", "wall = \"30\""]
      }
      return lines.joined(separator: "\n") + "\n"
    }
  }

  /// Packs the task, with files laid over its source.
  func add(_ task: Task, candidate: [String: [UInt8]] = [:]) throws {
    let place = "\(task.name).d"
    let top = try folder.open()
    for name in ["", "/source", "/tests", "/candidate"] { try top.makeDirectory(place + name) }
    try folder.write("\(place)/task.toml", text: task.toml)
    for (part, files) in [
      ("source", task.source), ("tests", task.tests), ("candidate", candidate),
    ] {
      for (name, bytes) in files {
        try folder.write("\(place)/\(part)/\(name)", bytes, mode: 0o644)
      }
    }
    let archive = folder.path("\(task.name).tar.zst")
    let over = candidate.isEmpty ? [] : ["--candidate", folder.path("\(place)/candidate")]
    try expectDone(edgecoder(["pack", folder.path(place), "-o", archive, "--quiet"] + over))
    archives.append(archive)
  }

  /// Runs everything in one go.
  /// - Returns: the job and how it ended, by the name of the task.
  func run() throws -> [String: (job: String, ending: JSON)] {
    let result = try edgecoder(["run", "--json", "--slots", "2"] + archives, seconds: 240)
    var endings: [String: (job: String, ending: JSON)] = [:]
    for row in try JSON.parse(result.stdout)["jobs"]?.elements ?? [] {
      endings[row["task"]?.text ?? ""] = (row["job"]?.text ?? "", row["ending"] ?? .null)
    }
    guard endings.count == archives.count else {
      throw CheatFailure(description: "\(endings.count) of \(archives.count) ended: \(result)")
    }
    return endings
  }

  /// A file of the job's result.
  func output(_ name: String, of job: String) throws -> String {
    let place = "result-\(job)"
    if !(try folder.open().contains(place)) {
      try expectDone(edgecoder(["result", job, "-o", folder.path(place)]))
    }
    return String(decoding: try folder.read("\(place)/\(name)"), as: UTF8.self)
  }

  private func edgecoder(_ arguments: [String], seconds: Int = 60) throws -> ProgramResult {
    try runProgram(
      binary("edgecoder"), arguments,
      environment: [
        "EDGECODER_SPOOL=\(folder.path("spool"))", "EDGECODER_KEYS=\(folder.path("keys"))",
      ], seconds: seconds)
  }

  private func expectDone(_ result: ProgramResult) throws {
    guard result.status == 0 else { throw CheatFailure(description: "\(result)") }
  }
}
