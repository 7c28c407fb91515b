import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

@testable import EdgeArchive

/// The process that parses an archive is not believed: what it says is checked as if it were the
/// archive, and nothing that it says leads outside.
struct MemberStreamTests {
  private func read(_ bytes: [UInt8]) throws -> [Member] {
    let pipe = try Descriptor.pipe()
    // Less than a pipe holds.
    try pipe.writing.write(bytes)
    let stream = MemberStream(pipe.closeWriting(), .task, milliseconds: 5_000)
    var members: [Member] = []
    while let member = try stream.next() { members.append(member) }
    return members
  }

  private func frame(
    _ kind: UInt8, _ name: String, size: Int64 = 0, target: String = "", content: String = ""
  ) -> [UInt8] {
    MemberFrame.head(
      kind, name: name.utf8.count, size: size, target: target.utf8.count)
      + Array(name.utf8) + Array(target.utf8) + Array(content.utf8)
  }

  private var end: [UInt8] { frame(MemberFrame.end, "") }

  @Test func honestMembersComeThrough() throws {
    let bytes =
      frame(1, "source/a", size: 5, content: "hello") + frame(2, "source/d")
      + frame(3, "source/l", target: "a") + end
    let members = try read(bytes)
    #expect(members.map(\.name) == ["source/a", "source/d", "source/l"])
    #expect(members.map(\.kind) == [.file, .directory, .link])
  }

  @Test(arguments: [
    "../x", "/etc/passwd", "source/../../x", "a//b", "a\u{1}b", "a\\b", "", ".",
    String(
      repeating: "x", count: 5000),
  ])
  func hostileNamesAreRefused(name: String) throws {
    #expect(throws: Refusal.self) { try read(frame(1, name) + end) }
  }

  @Test(arguments: ["/etc", "../../x", "a/../../../x"])
  func hostileTargetsAreRefused(target: String) throws {
    #expect(throws: Refusal.self) { try read(frame(3, "source/l", target: target) + end) }
  }

  @Test func nonsenseIsRefused() throws {
    let long = MemberFrame.head(1, name: Int(Int32.max), size: 0)
    let negative = MemberFrame.head(1, name: 1, size: -1) + [0x61]
    let sized = MemberFrame.head(2, name: 1, size: 7) + [0x61]
    for bytes in [[], [1, 2, 3], long, negative, sized, frame(9, "a"), frame(1, "a", size: 9)] {
      #expect(throws: Refusal.self, "\(bytes.prefix(30))") { try read(bytes) }
    }
    for _ in 0..<300 {
      _ = try? read(Random.bytes(Int.random(in: 0...200)) + end)
    }
  }

  /// Its reason is shown without control characters.
  @Test func aRefusalIsPassedOn() throws {
    let refusal = #expect(throws: Refusal.self) {
      try read(frame(MemberFrame.refusal, "bad\u{1B}[2J"))
    }
    #expect(refusal?.reason.contains("bad") == true)
    #expect(refusal?.reason.utf8.contains(0x1B) == false)
  }

  /// A process that dies at once is no word about the archive, and nothing is written.
  @Test func aProcessThatDiesIsSaid() throws {
    let site = try Site()
    let process = ArchiveProcess(Spawn(path: "/bin/true", arguments: []))
    let file = try Descriptor.memory("archive", Array("anything".utf8))
    let target = open(site.root.path("dest"), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    defer { close(target) }
    do {
      _ = try unpackTask(file.raw, in: process, expecting: nil) { _, _ in
        UnpackTarget(directory: target)
      }
      Issue.record("unpacked")
    } catch {
      #expect("\(error)".contains("died") || "\(error)".contains("sendmsg"), "\(error)")
    }
  }
}
