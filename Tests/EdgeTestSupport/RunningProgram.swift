package import EdgeSystem
internal import Glibc

/// A program that a test talks to while it runs; killed when its owner goes.
package final class RunningProgram {
  private var child: Child
  private var input: Descriptor?
  private let output: Descriptor
  private var read: [UInt8] = []

  /// Starts it with its standard input and output on pipes of ours; standard error is ours.
  /// - Parameter path: an absolute path, or a name that is looked up in PATH.
  package init(_ path: String, _ arguments: [String] = [], environment: [String] = []) throws {
    guard let program = path.hasPrefix("/") ? path : programPath(path) else {
      throw ProgramError(description: "\(path) is not installed")
    }
    let stdin = try Descriptor.pipe()
    let stdout = try Descriptor.pipe()
    child = try Spawn(
      path: program, arguments: arguments, environment: environment,
      descriptors: [0: stdin.reading.raw, 1: stdout.writing.raw, 2: 2]
    ).start()
    input = stdin.closeReading()
    output = stdout.closeWriting()
  }

  /// Its process id.
  package var process: Int32 { child.process }

  /// Waits until it has written this text.
  package func waitFor(_ text: String, seconds: Int = 20) throws {
    let deadline = Clocks.bootNanoseconds() + Int64(seconds) * 1_000_000_000
    while !String(decoding: read, as: UTF8.self).contains(text) {
      let left = Int32(clamping: (deadline - Clocks.bootNanoseconds()) / 1_000_000)
      guard left > 0 else { throw ProgramError(description: "no \"\(text)\" after \(seconds) s") }
      if Poll.readable([output.raw], milliseconds: left).isEmpty { continue }
      guard let more = output.readSome(atMost: 4096), !more.isEmpty else {
        throw ProgramError(description: "it ended without \"\(text)\"")
      }
      read += more
    }
  }

  /// All that it has written; for one that has ended.
  package func everything() throws -> String {
    read += try output.read(atMost: 64 << 20)
    return String(decoding: read, as: UTF8.self)
  }

  /// Ends its standard input.
  package func closeInput() { input = nil }

  /// Sends it a signal.
  package func signal(_ number: Int32) { child.signal(number) }

  /// True where it has not ended.
  package var isRunning: Bool { Poll.readable([child.descriptor], milliseconds: 0).isEmpty }

  /// Waits for its end; called at most once.
  package func wait() -> Termination { child.wait() }
}
