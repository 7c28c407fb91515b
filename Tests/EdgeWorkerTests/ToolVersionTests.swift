import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

@testable import EdgeWorker

/// A program is asked for its version once for each file that it was.
struct ToolVersionTests {
  private let folder = TemporaryDirectory()
  private var tool: String { folder.path("tool") }

  /// A program that says a version, and keeps count of how often it did.
  private func make(_ version: String) throws {
    try folder.write(
      "new", text: "#!/bin/sh\necho x >>\(folder.path("asked"))\necho t \(version)\n")
    #expect(chmod(folder.path("new"), 0o755) == 0)
    #expect(rename(folder.path("new"), folder.path("real")) == 0)
    if !(try folder.open().contains("tool")) { #expect(symlink("real", tool) == 0) }
  }

  private func asked() throws -> Int { try folder.open().read("asked", atMost: 1 << 10).count / 2 }

  @Test func itIsAskedOnce() throws {
    try make("1.5")
    for _ in 0..<3 { #expect(ToolVersion.of(tool, caches: folder.path) == "1.5") }
    #expect(try asked() == 1)
    // Without a cache, and with one that others can write to, always.
    #expect(ToolVersion.of(tool, caches: nil) == "1.5")
    #expect(chmod(folder.path("edgecoder"), 0o777) == 0)
    #expect(ToolVersion.of(tool, caches: folder.path) == "1.5")
    #expect(try asked() == 3)
  }

  @Test func anotherFileIsAskedAnew() throws {
    try make("1.5")
    #expect(ToolVersion.of(tool, caches: folder.path) == "1.5")
    try make("1.6")
    #expect(ToolVersion.of(tool, caches: folder.path) == "1.6", "its link is the same")
    #expect(try asked() == 2)
  }

  @Test func whatIsNotThereHasNone() throws {
    #expect(ToolVersion.of(folder.path("absent"), caches: folder.path) == nil)
    try folder.write("tool", text: "#!/bin/sh\nexit 1\n")
    #expect(chmod(tool, 0o755) == 0)
    for _ in 0..<2 { #expect(ToolVersion.of(tool, caches: folder.path) == nil) }
  }
}
