import EdgeSystem
import EdgeTestSupport
import Glibc

/// strace(1) attached to this very process, so that what it does can be read or cut short.
///
/// For use in the child of an exit test.
final class Tracer {
  private let program: RunningProgram

  static let calls = "fsync,fdatasync,syncfs,linkat,renameat2,renameat,write,copy_file_range,openat"

  /// Begins to trace all threads.
  /// - Parameters:
  ///   - file: where the calls are written, with the path of every descriptor.
  ///   - fault: what strace shall inject, such as `linkat:signal=KILL:when=1`: the process dies as
  ///     it enters this call, which then never happens.
  init(_ file: String, fault: String? = nil) throws {
    var arguments = ["-f", "-qq", "-y", "-o", file, "-e", "trace=\(Self.calls)"]
    if let fault { arguments += ["-e", "inject=\(fault)"] }
    program = try RunningProgram("strace", arguments + ["-p", "\(getpid())"])
    let status = try Directory(path: "/proc/thread-self")
    for _ in 0..<1000 {
      let text = String(decoding: try status.read("status", atMost: 1 << 16), as: UTF8.self)
      if !text.contains("TracerPid:\t0\n") { return }
      usleep(10_000)
    }
    throw Trouble("strace did not attach within 10 s")
  }

  /// Ends the tracing; the file is complete afterwards.
  func end() {
    program.signal(SIGINT)
    _ = program.wait()
  }
}

/// One traced system call.
struct TracedCall: CustomStringConvertible {
  let description: String

  var name: Substring { description.split(separator: "(")[0].split(separator: " ").last ?? "" }
  var failed: Bool { description.contains(") = -1") }

  /// The calls in a file of strace's that speak of this text.
  static func read(_ path: String, about text: String) throws -> [TracedCall] {
    let cut = path.lastIndex(of: "/") ?? path.startIndex
    let directory = try Directory(path: String(path[..<cut]))
    let bytes = try directory.read(String(path[path.index(after: cut)...]), atMost: 64 << 20)
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
      .filter { $0.contains(text) && $0.contains("(") }.map(TracedCall.init)
  }
}
