import EdgeJob
import EdgeSpool
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// A spool of its own for one test, with what it takes to fill it.
final class Site: Sendable {
  let temporary = TemporaryDirectory()
  let spool: Spool

  init(sharedWith group: UInt32? = nil) throws {
    spool = try Spool.create(at: temporary.path("spool"), sharedWith: group, testClock: false)
  }

  var path: String { spool.path }

  func path(_ name: String) -> String { "\(path)/\(name)" }

  /// The bytes of a file in the spool.
  func bytes(_ name: String) throws -> [UInt8] { try spool.root.read(name, atMost: 64 << 20) }

  /// The names in a directory of the spool, those with a leading dot too.
  func names(_ directory: String) throws -> [String] {
    try spool.root.directory(directory).names().map { String(decoding: $0, as: UTF8.self) }.sorted()
  }

  /// Puts bytes into a file of the spool, whatever the protocol says.
  func write(_ name: String, _ bytes: [UInt8], mode: UInt32 = 0o600) throws {
    try spool.root.open(name, O_WRONLY | O_CREAT | O_TRUNC, mode: mode).write(bytes)
  }

  /// Submits a request with these archive bytes.
  @discardableResult
  func submit(_ job: JobID = .new(), _ archive: [UInt8] = Array("an archive".utf8)) throws -> JobID
  {
    let file = try Descriptor.memory("archive", archive)
    #expect(try spool.submit([Request()], as: job, archive: file.raw))
    return job
  }

  /// A ticket in the inbox of a worker, whose folders are made.
  func assigned(to worker: String, _ ticket: Ticket = .some(), fence: UInt32 = 1) throws
    -> FencedJob
  {
    try spool.makeWorkerFolders(worker)
    try spool.putReady(ticket)
    let job = FencedJob(job: ticket.job, fence: Fence(epoch: 1, count: fence))
    #expect(
      try spool.assign(
        job, at: Layout.ready(ticket.job, queue: ticket.request.queue), to: worker))
    return job
  }
}

extension JobID {
  static func new() -> JobID {
    JobID(milliseconds: Clocks.milliseconds(), random: Random.bytes(10))
  }

  /// Always the same id for the same number.
  static func number(_ number: UInt8) -> JobID {
    JobID(milliseconds: 1_700_000_000_000, random: .init(repeating: number, count: 10))
  }
}

extension Digest {
  static func of(_ bytes: [UInt8]) -> Digest { Digest(bytes: Hash.sha256(bytes)) }
}

extension Ticket {
  /// A ticket of a small task.
  static func some(
    _ job: JobID = .new(), submitter: UInt32 = Identity.user, blob: Digest = .of([])
  ) -> Ticket {
    Ticket(
      job: job, request: Request(), account: "user:local", submitter: submitter, blob: blob,
      task: .of([1]),
      manifest: TaskManifest(
        name: "task", kind: .run, language: "shell", profile: "shell", command: ["true"]),
      reserved: Credits(micro: 1000), admitted: 1_700_000_000_000)
  }
}

extension WorkerFile {
  static func some(_ id: String) -> WorkerFile {
    WorkerFile(
      id: id, slots: 1, session: nil, profiles: ["shell"], provides: [], key: "key", host: "host",
      process: 1)
  }
}

/// The kind of the error that `body` throws; nil where it throws none.
func kind(_ body: () throws(SpoolError) -> Void) -> SpoolError.Kind? {
  do {
    try body()
    return nil
  } catch {
    return error.kind
  }
}

/// Ends a value here and not earlier.
func drop<Value: ~Copyable>(_ value: consuming Value) {}

/// Runs `body` on this many threads at once, each from the same starting line, and counts those
/// that answer true.
func race(_ threads: Int, _ body: @escaping @Sendable (Int) -> Bool) -> Int {
  let won = Channel<Bool>()
  let ready = Channel<Void>()
  let lines = (0..<threads).map { _ in Channel<Void>() }
  let started = (0..<threads).map { index in
    WorkThread.start {
      ready.send(())
      _ = lines[index].receive()
      won.send(body(index))
    }
  }
  for _ in 0..<threads { _ = ready.receive() }
  for line in lines { line.send(()) }
  for thread in started { thread.join() }
  return (0..<threads).reduce(0) { count, _ in count + (won.receive() == true ? 1 : 0) }
}

/// A test could not do what it wanted to look at.
struct Trouble: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
