package import EdgeSystem
internal import Glibc

/// What a program left behind.
package struct ProgramResult: Sendable, CustomStringConvertible {
  /// How it ended.
  package let termination: Termination
  package let stdout: [UInt8]
  package let stderr: [UInt8]

  /// The exit status; 128 + number after a signal, as a shell says it.
  package var status: Int32 {
    switch termination {
    case .exited(let status): status
    case .signalled(let signal): 128 + signal
    }
  }

  /// Standard output as text; bytes that are not UTF-8 are replaced.
  package var output: String { String(decoding: stdout, as: UTF8.self) }

  /// Standard error as text; bytes that are not UTF-8 are replaced.
  package var errors: String { String(decoding: stderr, as: UTF8.self) }

  /// For failure messages.
  package var description: String { "status \(status), stdout: \(output), stderr: \(errors)" }
}

/// A program did not end in time, or could not be looked after.
package struct ProgramError: Error, CustomStringConvertible {
  package let description: String
}

/// Runs a program to its end and collects what it writes; cannot block, whatever it reads or
/// writes, and does not wait for processes that it left behind.
/// - Parameters:
///   - path: an absolute path, or a name that is looked up in PATH.
///   - environment: all of it, as `NAME=value`; a program of ours needs nothing else.
///   - input: what it reads on standard input.
///   - seconds: after so many seconds it is killed, and this throws.
package func runProgram(
  _ path: String, _ arguments: [String] = [], environment: [String] = [], input: [UInt8] = [],
  seconds: Int = 60
) throws -> ProgramResult {
  guard let program = path.hasPrefix("/") ? path : programPath(path) else {
    throw ProgramError(description: "\(path) is not installed")
  }
  // A file in memory: writing into a pipe could block, or end in SIGPIPE.
  let stdin = try Descriptor.memory("stdin", input)
  var output = try Descriptor.pipe()
  var errors = try Descriptor.pipe()
  let spawn = Spawn(
    path: program, arguments: arguments, environment: environment,
    descriptors: [0: stdin.raw, 1: output.writing.raw, 2: errors.writing.raw])
  var child = try spawn.start()
  // Our copies would keep the pipes open after the program's end.
  let null = "/dev/null"
  output.writing = Descriptor(owning: open(null, O_WRONLY | O_CLOEXEC))
  errors.writing = Descriptor(owning: open(null, O_WRONLY | O_CLOEXEC))
  var collector = Collector(
    sources: [output.reading.raw, errors.reading.raw],
    deadline: Clocks.bootNanoseconds() + Int64(seconds) * 1_000_000_000)
  if !collector.run(until: child.descriptor) {
    child.signal(SIGKILL)
    _ = child.wait()
    let tail = String(decoding: collector.bytes[1].suffix(2000), as: UTF8.self)
    throw ProgramError(description: "\(program) did not end within \(seconds) s; stderr: \(tail)")
  }
  return ProgramResult(
    termination: child.wait(), stdout: collector.bytes[0], stderr: collector.bytes[1])
}

/// Reads two pipes until a process has ended.
private struct Collector {
  var sources: [Int32]
  let deadline: Int64
  var bytes: [[UInt8]] = [[], []]

  /// False where the deadline passed first.
  mutating func run(until process: Int32) -> Bool {
    while true {
      let left = (deadline - Clocks.bootNanoseconds()) / 1_000_000
      if left <= 0 { return false }
      if readReady(process, milliseconds: Int32(clamping: left)) { break }
    }
    // What the program itself wrote is in the pipes by now.
    while readReady(process, milliseconds: 0), sources.contains(where: { $0 >= 0 }), anyData {}
    return true
  }

  private var anyData: Bool {
    var polled = sources.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    return poll(&polled, 2, 0) > 0
  }

  /// Reads once from every pipe that has something; true where the process has ended.
  private mutating func readReady(_ process: Int32, milliseconds: Int32) -> Bool {
    var polled = (sources + [process]).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    guard poll(&polled, 3, milliseconds) > 0 else { return false }
    for index in 0..<2 where polled[index].revents != 0 {
      var chunk = [UInt8](repeating: 0, count: 1 << 16)
      let count = read(sources[index], &chunk, chunk.count)
      if count > 0 { bytes[index] += chunk[..<count] }
      // poll(2) passes over a negative descriptor.
      if count == 0 { sources[index] = -1 }
    }
    return polled[2].revents != 0
  }
}

/// The path of a program in PATH, or nil.
package func programPath(_ name: String) -> String? {
  for directory in (environmentVariable("PATH") ?? "/usr/bin:/bin").split(separator: ":") {
    let path = "\(directory)/\(name)"
    if access(path, X_OK) == 0 { return path }
  }
  return nil
}

/// Python as an oracle: the interpreter that `EDGECODER_PYTHON` names, else `python3`.
package enum Python {
  private static var program: String { environmentVariable("EDGECODER_PYTHON") ?? "python3" }

  /// Runs a script; `input` is its standard input.
  package static func run(
    _ script: String, _ arguments: [String] = [], input: [UInt8] = [], seconds: Int = 60
  ) throws -> ProgramResult {
    try runProgram(
      program, ["-c", script] + arguments, environment: searchPaths, input: input, seconds: seconds)
  }

  /// True where these modules are installed.
  package static func canImport(_ modules: [String]) -> Bool {
    let script = modules.map { "import \($0)" }.joined(separator: "\n")
    return (try? run(script))?.status == 0
  }

  private static var searchPaths: [String] {
    ["PATH", "HOME", "PYTHONPATH"].compactMap { name in
      environmentVariable(name).map { "\(name)=\($0)" }
    }
  }
}
