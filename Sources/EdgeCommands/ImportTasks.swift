internal import ArgumentParser
internal import EdgeArchive
internal import EdgeImport
internal import EdgeJob
internal import EdgeReport
internal import EdgeSystem

/// `edgecoder import`.
struct Import: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Turns a task collection of another format into task directories.",
    discussion: "Example: edgecoder import humaneval HumanEval.jsonl -o tasks")

  @Argument(help: "humaneval, mbpp, quixbugs, exercism or harbor.")
  var format: String

  @Argument(help: "The file or folder of the collection.")
  var path: String

  @Option(name: [.short, .long], help: "A new directory; one task directory each.")
  var output: String

  @Option(help: "The sandbox profile of all tasks, such as python-warm; else their language's.")
  var profile: String?

  @OptionGroup var form: OutputOptions

  func run() throws {
    guard profile.map(Name.isValid) ?? true else {
      throw CommandFailure(
        .usage, "\(profile ?? "") is no name of a profile",
        next: "name a file of sandbox-profiles without its ending, such as python-warm")
    }
    guard let format = ImportFormat(rawValue: format) else {
      throw CommandFailure(
        .usage, "unknown format \(format)",
        next: "choose \(ImportFormat.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    let target = try makeNew(output, below: try Directory(path: "."))
    let tasks = try importTasks(format: format, from: path, into: target, profile: profile)
    let rows = tasks.map { task in
      switch task.status {
      case .imported:
        CheckRow(task.name, .ok, found: "imported", next: task.notices.first)
      case .importedNotRunnable(let reasons):
        CheckRow(task.name, .warning, found: "imported, not runnable", next: reasons.first)
      case .refused(let reason): CheckRow(task.name, .failed, found: "refused", next: reason)
      }
    }
    let counts = (
      imported: rows.count { $0.result == .ok }, limited: rows.count { $0.result == .warning },
      refused: rows.count { $0.result == .failed }
    )
    try form.render(
      Document(
        schema: "edgecoder.import/1", list: "tasks", rows: rows,
        facts: [
          JSON.Member("imported", .int(Int64(counts.imported))),
          JSON.Member("notRunnable", .int(Int64(counts.limited))),
          JSON.Member("refused", .int(Int64(counts.refused))),
        ],
        notes: [
          "\(counts.imported) imported, \(counts.limited) imported but not runnable, "
            + "\(counts.refused) refused"
        ]))
  }
}

/// `edgecoder unpack`.
struct Unpack: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unpack",
    abstract: "Unpacks a task archive into a new directory, after checking all of it.",
    discussion: "Example: edgecoder unpack hello.tar.zst -o hello")

  @Argument(help: "The archive.")
  var archive: String

  @Option(name: [.short, .long], help: "The new directory.")
  var output: String

  func run() throws {
    let (raw, _) = try TaskSource.open(archive, candidate: nil)
    let file = Descriptor(owning: raw)
    let inspection = try ArchiveConfined.process().inspect(file.raw)
    let target = try makeNew(output, below: try Directory(path: "."))
    try UnpackTask.unpack(file.raw, inspection, into: target)
  }
}
