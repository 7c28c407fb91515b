internal import ArgumentParser
internal import EdgeArchive
internal import EdgeJob
internal import EdgeReport
internal import EdgeSpool
internal import EdgeSystem

/// What a job wrote, from its result archive.
enum JobOutput {
  /// The largest output that is shown, bytes.
  private static let bytesMax: Int64 = 128 << 20

  static func record(_ job: JobID, _ spool: Spool) throws -> JobRecord {
    guard let place = try spool.locate(job) else {
      throw CommandFailure(.notFound, "there is no job \(job)", place: spool.path)
    }
    guard place.state == .done || place.state == .dead || place.state == .cancelled else {
      throw CommandFailure(
        .temporary, "job \(job) has no result yet", why: "it is \(place.state.rawValue)",
        next: "wait for it: edgecoder wait \(job)")
    }
    return try spool.record(place.state, job)
  }

  static func result(_ job: JobID, _ spool: Spool) throws -> [UInt8] {
    guard let result = try record(job, spool).result else {
      throw CommandFailure(.notFound, "job \(job) ended without a result", place: spool.path)
    }
    return result
  }

  /// Both streams, empty where there are none.
  static func texts(of job: JobID, _ spool: Spool) -> (stdout: [UInt8], stderr: [UInt8]) {
    guard let result = try? result(job, spool) else { return ([], []) }
    return (member("stdout", of: result) ?? [], member("stderr", of: result) ?? [])
  }

  static func member(_ name: String, of result: [UInt8]) -> [UInt8]? {
    guard let archive = try? readResultArchive(result) else { return nil }
    return try? archive.contents(name)
  }
}

/// `edgecoder logs`.
struct Logs: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logs",
    abstract: "Shows what a job wrote; control sequences are made harmless.",
    discussion: "Example: edgecoder logs 01jd8w6k3m2v9c5x7r1t4b0n6q --stderr")

  @Argument(help: "The job.")
  var job: String

  @Flag(help: "Standard error instead of standard output.")
  var stderr = false

  @Flag(help: "The bytes as they are, also to a terminal.")
  var raw = false

  @Flag(name: .shortAndLong, help: "Shows what it writes while it runs, and ends with it.")
  var follow = false

  @OptionGroup var place: SpoolOptions

  func run() throws {
    let spool = try place.open()
    let id = try JobArguments.ids([job])[0]
    if follow {
      let signals = try SignalSource()
      var follower = try FollowOutput(spool, id, stream: stderr ? "stderr" : "stdout", isRaw: raw)
      return try follower.run(signals)
    }
    let result = try JobOutput.result(id, spool)
    let bytes = JobOutput.member(stderr ? "stderr" : "stdout", of: result) ?? []
    if raw { Console.write(bytes) } else { Console.write(Untrusted.text(bytes)) }
  }
}

/// `edgecoder result`.
struct Result: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "result",
    abstract: "Unpacks a job's result archive, or writes it as it is.",
    discussion: "Example: edgecoder result 01jd8w6k3m2v9c5x7r1t4b0n6q -o out")

  @Argument(help: "The job.")
  var job: String

  @Option(name: [.short, .long], help: "A new directory for the files; - writes the archive.")
  var output: String

  @Flag(help: "Writes the signed receipt (DSSE) instead.")
  var receipt = false

  @OptionGroup var place: SpoolOptions

  func run() throws {
    let spool = try place.open()
    let id = try JobArguments.ids([job])[0]
    let record = try JobOutput.record(id, spool)
    if receipt {
      guard let envelope = record.receipts.last else {
        throw CommandFailure(.notFound, "job \(id) has no receipt")
      }
      return try write(envelope + [0x0A])
    }
    let result = try JobOutput.result(id, spool)
    if output == "-" { return Console.write(result) }
    let parent = try Directory(path: ".")
    let target = try makeNew(output, below: parent)
    try readResultArchive(result).extract(into: target)
    Console.note("the result of job \(id) is in \(output)")
  }

  private func write(_ bytes: [UInt8]) throws {
    if output == "-" { return Console.write(bytes) }
    do { try Directory(path: ".").publish(output, bytes, mode: 0o644) } catch {
      throw CommandFailure(.cannotCreate, "the file cannot be written", why: "\(error)")
    }
  }
}

/// Makes a new directory named on the command line.
func makeNew(_ path: String, below here: borrowing Directory) throws -> Directory {
  let parts = path.split(separator: "/", omittingEmptySubsequences: false)
  guard let name = parts.last, !name.isEmpty else {
    throw CommandFailure(.usage, "\(path) is no name for a new directory")
  }
  let folder = parts.count == 1 ? "." : parts.dropLast().joined(separator: "/")
  let parent = try Directory(path: folder.isEmpty ? "/" : folder)
  do { try parent.makeDirectory(String(name), mode: 0o755) } catch {
    throw CommandFailure(
      .cannotCreate, "the directory cannot be made", place: path, why: "\(error)",
      next: "name one that does not exist yet")
  }
  return try parent.directory(String(name))
}
