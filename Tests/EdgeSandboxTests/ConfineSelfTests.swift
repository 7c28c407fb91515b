import EdgeJob
import EdgeSandbox
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// Starts the next suite in a process of its own, since what it does cannot be undone.
struct SelfConfinementTests {
  @Test func aConfinedProcessCanOnlyComputeAndAnswer() throws {
    // A pipe: no file may grow there any more.
    var output = try Descriptor.pipe()
    var child = try TestBundle.start(
      suite: "ConfinedTests", variable: "EDGECODER_CONFINED=1", output: output.writing.raw)
    let ended = child.wait()
    output.writing = try Descriptor.memory("unused")
    let text = String(decoding: try output.reading.read(atMost: 1 << 20), as: UTF8.self)
    #expect(ended == .exited(0), "\(text)")
    #expect(text.contains("before: 0 0 0 / after: 1 1 1 true"), "\(text)")
  }
}

/// Confines its process and leaves it at once, before the test library notices.
@Suite(.enabled(if: environmentVariable("EDGECODER_CONFINED") != nil, "started by another test"))
struct ConfinedTests {
  private func attempt(_ body: () -> Int32) -> Int32 {
    errno = 0
    return body() < 0 ? errno : 0
  }

  private func look() -> String {
    let file = attempt { open("/etc/passwd", O_RDONLY) }
    let network = attempt { socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0) }
    let process = attempt { getppid() == 0 ? -1 : setpgid(0, 0) }
    return "\(file) \(network) \(process)"
  }

  @Test func confine() throws {
    let profile = try SandboxProfile.load("inspect", directory: Box.profiles)
    let before = look()
    try confineSelf(profile: profile)
    let after = look()
    let kept = [UInt8](repeating: 1, count: 1 << 22)
    let text = "before: \(before) / after: \(after) \(kept.count > 0)\n"
    try EdgeSystem.write(Array(text.utf8), to: 1)
    _exit(0)
  }
}
