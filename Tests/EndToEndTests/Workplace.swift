import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// The program as people use it. One test after another: each starts several processes, and two at
/// once would starve each other's deadlines.
@Suite(.serialized) enum EndToEnd {}

/// The program with a spool, keys and a home of its own, in a folder that goes with its owner.
final class Workplace {
  let folder = TemporaryDirectory()
  private var started: [RunningProgram] = []

  /// The folder of the built program.
  static let binaries = environmentVariable("EDGECODER_BIN") ?? parent(of: binary("edgecoder"))
  static let program = "\(binaries)/edgecoder"
  static let examples = "\(RepositoryRoot.path)/queue/examples"

  /// - Parameter making: whether there is a spool at the start.
  init(making: Bool = true) throws {
    try folder.open().makeDirectory("home")
    try folder.open().makeDirectory("log")
    if making { try expect(edgecoder("init", "--quiet"), 0) }
  }

  /// A test that fails half-way leaves workers that nobody waits for any more.
  deinit {
    started = []
    for process in processes { kill(process, SIGKILL) }
  }

  /// The processes that work on this spool, by their command lines.
  var processes: [Int32] {
    let names = (try? Directory(path: "/proc").entries()) ?? []
    return names.compactMap { Int32($0) }.filter { process in
      let bytes = try? Directory(path: "/proc/\(process)").read("cmdline", atMost: 1 << 16)
      return String(decoding: bytes ?? [], as: UTF8.self).contains(spool)
    }
  }

  private static func parent(of path: String) -> String {
    path.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
  }

  var path: String { folder.path }
  var spool: String { folder.path("spool") }

  /// All that the program has of an environment.
  var environment: [String] {
    [
      "PATH=\(Workplace.binaries):/usr/local/bin:/usr/bin:/bin", "HOME=\(path)/home",
      "TMPDIR=\(path)/home", "EDGECODER_SPOOL=\(spool)", "EDGECODER_KEYS=\(path)/keys",
    ]
  }

  /// Runs the program to its end.
  func edgecoder(_ arguments: String..., seconds: Int = 60) throws -> ProgramResult {
    try runProgram(
      Workplace.program, arguments, environment: environment, seconds: seconds)
  }

  /// Runs a Bash script in the folder, with the program in PATH.
  func shell(_ script: String, seconds: Int = 60) throws -> ProgramResult {
    try runProgram(
      "/bin/bash", ["-c", "cd \"$0\" && \(script)", path], environment: environment,
      seconds: seconds)
  }

  /// Starts the program; what it says on standard error is `log/NAME`.
  func start(_ name: String, _ arguments: String..., more: [String] = []) throws
    -> RunningProgram
  {
    let script = "cd \"$1\" && exec 2>\"log/$2\" && shift 2 && exec \"$0\" \"$@\""
    let running = try RunningProgram(
      "/bin/bash", ["-c", script, Workplace.program, path, name] + arguments + more,
      environment: environment)
    started.append(running)
    return running
  }

  /// What a started program has said on standard error.
  func log(_ name: String) -> String {
    String(decoding: (try? folder.read("log/\(name)")) ?? [], as: UTF8.self)
  }

  /// A worker and a coordinator that stay, as daemons do.
  func startServices(slots: Int = 2) throws {
    _ = try start("worker", "worker", "--slots", "\(slots)")
    try eventually("the worker lives") { self.exists("spool/workers/local/worker.json") }
    _ = try start("schedule", "schedule")
  }

  /// Ends whatever was started, at once: a worker would finish its jobs first. Called before the
  /// folder goes.
  func stopServices() { started = [] }

  func exists(_ name: String) -> Bool { access(folder.path(name), F_OK) == 0 }

  /// The names in a directory of the folder.
  func names(_ directory: String) throws -> [String] {
    try Directory(path: folder.path(directory)).entries()
  }
}

/// Something was not as it had to be for the test to go on.
struct Unexpected: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// Holds the status of a program against the one that is right.
@discardableResult
func expect(
  _ result: ProgramResult, _ status: Int32, sourceLocation: SourceLocation = #_sourceLocation
) -> ProgramResult {
  #expect(result.status == status, "\(result)", sourceLocation: sourceLocation)
  return result
}

/// Waits until something has become true.
func eventually(_ what: String, seconds: Int = 20, _ condition: () throws -> Bool) throws {
  let deadline = Clocks.bootNanoseconds() + Int64(seconds) * 1_000_000_000
  while try !condition() {
    guard Clocks.bootNanoseconds() < deadline else {
      throw Unexpected("not within \(seconds) s: \(what)")
    }
    _ = Poll.readable([], milliseconds: 20)
  }
}

/// Waits for the end of a program, which has to come in time.
func expectEnd(
  of running: RunningProgram, _ end: Termination, within seconds: Int64,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let started = Clocks.bootNanoseconds()
  let found = running.wait()
  let took = Clocks.bootNanoseconds() - started
  #expect(found == end, sourceLocation: sourceLocation)
  #expect(took < seconds * 1_000_000_000, "\(took) ns", sourceLocation: sourceLocation)
}

extension ProgramResult {
  /// Standard output as one JSON document.
  var json: JSON { get throws { try JSON.parse(stdout) } }

  /// The lines of standard output.
  var lines: [String] { output.split(separator: "\n").map(String.init) }
}
