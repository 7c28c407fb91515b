internal import ArgumentParser
internal import EdgeArchive
internal import EdgeJob
internal import EdgeReport
internal import EdgeSystem
internal import Glibc

/// A task as it is named on the command line: a directory, or an archive.
enum TaskSource {
  /// Opens an archive, or packs a directory into memory.
  static func open(_ path: String, candidate: String?) throws -> (
    file: Int32, inspection: Inspection?
  ) {
    if let directory = try? Directory(path: path) {
      let file = try Descriptor.memory("task")
      let inspection = try packTask(
        directory, candidate: try candidateSource(candidate, in: path), to: file.raw,
        limits: .task)
      return (file.release(), inspection)
    }
    if candidate != nil {
      throw CommandFailure(
        .usage, "--candidate works with task directories only", place: path,
        next: "pack the directory with: edgecoder pack DIR --candidate PATH")
    }
    let raw = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard raw >= 0 else { throw CommandFailure(SystemError("open", path)) }
    return (raw, nil)
  }

  /// `solution` means the task's own, and nothing for a task that has none; otherwise a directory
  /// or a patch, relative to where we are or to the task.
  static func candidateSource(_ candidate: String?, in task: String) throws -> CandidateSource? {
    guard let candidate else { return nil }
    if candidate == "solution" {
      let path = "\(task)/solution"
      return access(path, R_OK) == 0 ? .directory(path) : nil
    }
    for path in [candidate, "\(task)/\(candidate)"] where access(path, R_OK) == 0 {
      return (try? Directory(path: path)) != nil ? .directory(path) : .patch(path)
    }
    throw CommandFailure(
      .notFound, "there is no candidate \(candidate)", place: task,
      next: "name a directory with files to lay over source/, or a unified diff")
  }
}

/// `edgecoder pack`.
struct Pack: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pack",
    abstract: "Packs a task directory into an archive.",
    discussion: "Example: edgecoder pack queue/examples/hello.shell -o hello.tar.zst")

  @Argument(help: "The task directory.")
  var directory: String

  @Option(name: [.short, .long], help: "The archive to write; - for standard output.")
  var output: String

  @Option(help: "Files to lay over source/: a directory, a patch, or solution.")
  var candidate: String?

  @OptionGroup var form: OutputOptions

  func run() throws {
    let (file, inspection) = try TaskSource.open(directory, candidate: candidate)
    guard let inspection else {
      throw CommandFailure(.usage, "\(directory) is no directory")
    }
    let archive = Descriptor(owning: file)
    if output == "-" {
      lseek(archive.raw, 0, SEEK_SET)
      Console.write(try archive.read(atMost: .max))
      return
    }
    let raw = Glibc.open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard raw >= 0 else {
      throw CommandFailure(.cannotCreate, SystemError("open", output).description)
    }
    let target = Descriptor(owning: raw)
    try copy(archive.raw, to: target.raw)
    try form.render(Inspect.document(inspection))
  }
}

/// `edgecoder inspect`.
struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Shows what an archive holds, after checking all of it.",
    discussion: "Example: edgecoder inspect hello.tar.zst --json")

  @Argument(help: "The archive; - for standard input.")
  var archive: String

  @OptionGroup var form: OutputOptions

  func run() throws {
    let raw = archive == "-" ? dup(0) : Glibc.open(archive, O_RDONLY | O_CLOEXEC)
    guard raw >= 0 else { throw CommandFailure(SystemError("open", archive)) }
    let file = Descriptor(owning: raw)
    let inspection = try ArchiveConfined.process().inspect(file.raw)
    if form.json {
      Console.write(inspection.json.canonical + [0x0A])
    } else {
      try form.render(Inspect.document(inspection))
    }
  }

  static func document(_ inspection: Inspection) -> Document {
    let manifest = inspection.manifest
    return Document(
      schema: "edgecoder.inspect/1",
      properties: [
        Property("name", Cell(manifest.name)), Property("kind", Cell(manifest.kind.rawValue)),
        Property("language", Cell(manifest.language)), Property("profile", Cell(manifest.profile)),
        Property("members", Cell(inspection.members), .int(inspection.members)),
        Property("bytes", Cell(Amount.bytes(inspection.bytes)), .int(inspection.bytes)),
        Property("task", Cell(inspection.task.hex)), Property("blob", Cell(inspection.blob.hex)),
        Property(
          "tests", Cell(manifest.verifier.map { "\($0.expected.count) expected" } ?? "none"),
          .int(Int64(manifest.verifier?.expected.count ?? 0))),
      ], notes: manifest.notices)
  }
}
