import EdgeJob
import EdgeSandbox
import EdgeSystem
import EdgeTestSupport
import Glibc
import Synchronization
import Testing

/// Two jobs at once, one of which leaves something for the other.
@Suite(.enabled(if: HostileProgram.isAvailable, "needs a C compiler"))
struct PairTests {
  /// What one does and the other tries.
  struct Pair: Sendable, CustomTestStringConvertible {
    let number: Int
    let first: [String]
    let second: [String]
    /// What the other one sees.
    let inside: String
    /// The place where both meet without the layers.
    let meeting: String
    let without: Set<Layer>

    var testDescription: String { "\(number) \(first[0]), \(second[0])" }
  }

  /// `{name}` is another one in each test.
  static let pairs = [
    Pair(
      number: 50, first: ["plant", "/dev/shm/{name}", "20000"],
      second: ["exists", "/dev/shm/{name}"], inside: "ENOENT", meeting: "/dev/shm/{name}",
      without: [.root]),
    // The machine's own /tmp is covered even without a private root, its neighbour is not.
    Pair(
      number: 51, first: ["plant", "/tmp/{name}", "20000"], second: ["exists", "/tmp/{name}"],
      inside: "ENOENT", meeting: "/var/tmp/{name}", without: [.root, .landlock]),
    Pair(
      number: 53, first: ["listen-at", "@{name}", "20000"], second: ["call-socket", "@{name}"],
      inside: "ECONNREFUSED", meeting: "@{name}", without: [.network, .landlock]),
  ]

  @Test(arguments: Level.here, pairs)
  func neitherMeetsTheOther(level: Level, pair: Pair) throws {
    let name = "edgecoder-hostile-\(Hex16.random())"
    let first = try Partner(level, pair.first.map { $0.replacing("{name}", with: name) }, [])
    usleep(300_000)
    let second = try Partner.run(
      level, pair.second.map { $0.replacing("{name}", with: name) }, [], cancel: nil)
    // Without namespaces already the first one is refused: /dev/shm is the machine's, and so are
    // the names of sockets.
    let isRefused = level.isBare && pair.number != 51
    #expect(second == (!isRefused ? pair.inside : pair.number == 53 ? "EPERM" : "ENOENT"))
    #expect(try first.end() == (!isRefused ? "OK" : pair.number == 53 ? "EPERM" : "EACCES"))
  }

  @Test(arguments: Level.here.filter { $0 != .container }, pairs)
  func withoutTheLayersTheyMeet(level: Level, pair: Pair) throws {
    let name = "edgecoder-hostile-\(Hex16.random())"
    let meeting = pair.meeting.replacing("{name}", with: name)
    defer { unlink(meeting) }
    let first = try Partner(level, [pair.first[0], meeting, "20000"], pair.without)
    var seen = ""
    for _ in 0..<50 where seen != "OK" {
      seen = try Partner.run(level, [pair.second[0], meeting], pair.without, cancel: nil)
      usleep(20_000)
    }
    #expect(seen == "OK")
    #expect(try first.end() == "OK")
  }
}

/// What all jobs and the machine have in common: the inodes of the read-only system.
@Suite(.enabled(if: HostileProgram.isAvailable, "needs a C compiler"))
struct SharedFileTests {
  @Test(arguments: Level.here) func nobodySeesWhatOthersRead(level: Level) throws {
    let spy = try Partner(level, ["spy", "/usr/bin", "20000"], [])
    for _ in 0..<60 where !spy.isDone {
      close(open("/usr/bin/env", O_RDONLY | O_CLOEXEC))
      usleep(50_000)
    }
    let seen = try spy.end()
    // inotify(7) would tell of every opening of a shared file, whoever opens it.
    #expect(seen == "EPERM")
  }

  @Test(arguments: Level.here) func nobodyIsKeptFromALock(level: Level) throws {
    // One that no other process of these tests has chosen.
    let folder = try Directory(path: "/usr/bin")
    let names = try folder.entries().filter { (try? folder.status($0).kind) == .file }
    let path = "/usr/bin/" + (names.randomElement() ?? "env")
    let first = try Partner(level, ["lock-shared", path, "20000"], [])
    var second = "OK"
    for _ in 0..<20 where second == "OK" {
      usleep(100_000)
      second = try Partner.run(level, ["lock-shared", path, "0"], [], cancel: nil)
    }
    withKnownIssue("flock(2) on a shared read-only file is seen by every job and by the machine") {
      #expect(second == "OK")
    }
    #expect(try first.end() == "OK")
  }
}

/// A job that runs beside the test, until it is ended.
final class Partner {
  private var thread = pthread_t()
  private let cancel: Descriptor
  private let keep: Descriptor

  private final class Body {
    let work: @Sendable () throws -> String
    var answer: Result<String, any Error>?
    let isDone = Atomic(false)
    init(_ work: @escaping @Sendable () throws -> String) { self.work = work }
  }

  private let body: Body

  init(_ level: Level, _ words: [String], _ without: Set<Layer>) throws {
    var pipe = try Descriptor.pipe()
    keep = try pipe.reading.duplicate()
    cancel = try pipe.writing.duplicate()
    pipe.writing = try Descriptor.memory("unused")
    let raw = keep.raw
    body = Body { try Partner.run(level, words, without, cancel: raw) }
    let answer = pthread_create(
      &thread, nil,
      { raw in
        if let raw {
          let body = Unmanaged<Body>.fromOpaque(raw).takeRetainedValue()
          body.answer = Result { try body.work() }
          body.isDone.store(true, ordering: .releasing)
        }
        return nil
      }, Unmanaged.passRetained(body).toOpaque())
    precondition(answer == 0, "a test may start a thread")
  }

  /// True where the job has ended by itself.
  var isDone: Bool { body.isDone.load(ordering: .acquiring) }

  /// Ends the job, and gives what it printed.
  func end() throws -> String {
    try cancel.write([1])
    pthread_join(thread, nil)
    return try body.answer?.get() ?? "no answer"
  }

  static func run(
    _ level: Level, _ words: [String], _ without: Set<Layer>, cancel: Int32?
  ) throws -> String {
    try Slots.lend(on: level) { sandbox, _ in
      var launch = Launch(
        profile: try Profiles.named("shell"), limits: .small, arguments: ["./hostile"] + words,
        cancel: cancel)
      launch.without = level.layers(without)
      if launch.without.contains(.root) { launch.mountPoint = "/mnt" }
      let workspace = try sandbox.makeWorkspace(limits: .small, profile: launch.profile)
      try workspace.directory.publish(
        "hostile", HostileProgram.bytes ?? [], mode: 0o755, durable: false)
      let report = try sandbox.attempt(launch, in: workspace)
      return String(decoding: report.stdout.dropLast(), as: UTF8.self)
    }
  }
}
