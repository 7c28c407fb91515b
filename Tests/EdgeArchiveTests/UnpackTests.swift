import EdgeArchive
import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

@Suite struct UnpackTests {
  private let place = TemporaryDirectory()

  init() throws {
    try makeTask(place)
    try tool(
      "/bin/sh",
      [
        "-c",
        "mkdir -p candidate/new && echo better > candidate/a.py && echo new > candidate/new/x",
      ],
      in: place.path("task"))
  }

  @Test func digestsAreCompared() throws {
    let (inspection, bytes) = try pack(place.path("task"))
    let file = try memory(bytes)
    let other = Digest(bytes: [UInt8](repeating: 1, count: 32))
    let site = try Site()
    #expect(throws: UnpackError.self) {
      try site.unpack(file.raw, expecting: (other, inspection.task))
    }
    // The wrong bytes are not even parsed.
    #expect(try site.unpacked().isEmpty)
    #expect(throws: UnpackError.self) {
      try site.unpack(file.raw, expecting: (inspection.blob, other))
    }
    try Site().unpack(file.raw, expecting: (inspection.blob, inspection.task))
  }

  /// Only the parts that are asked for, and only the paths inside them.
  @Test func routes() throws {
    let (inspection, bytes) = try pack(place.path("task"))
    let file = try memory(bytes)
    let out = TemporaryDirectory()
    let directory = try out.open()
    var asked: [String] = []
    let target = UnpackTarget(directory: directory.raw)
    let unpacked = try unpackTask(file.raw, in: nil, expecting: (inspection.blob, inspection.task))
    {
      asked.append("\($0) \($1)")
      return $0 == .source && !$1.hasPrefix("sub/") ? target : nil
    }
    #expect(
      try directory.entries() == ["a.py", "big", "block", "empty", "run.sh", "zero"])
    #expect(unpacked.written == 5 && unpacked.bytes == inspection.bytes)
    #expect(asked.contains("tests test_a.py") && asked.contains("solution solve.sh"))
    #expect(asked.contains("environment Dockerfile") && asked.contains("candidate new/x"))
  }

  /// Candidate and snapshot in one directory: the candidate wins, whatever comes first.
  @Test(arguments: [false, true]) func layers(isReversed: Bool) throws {
    let bytes = TarBytes.task {
      if isReversed {
        $0.file("source/a.py", "old")
        $0.file("source/keep", "kept")
        $0.file("candidate/a.py", "better", mode: 0o755)
      } else {
        $0.file("candidate/a.py", "better", mode: 0o755)
        $0.file("source/a.py", "old")
        $0.file("source/keep", "kept")
      }
      $0.file("candidate/new/x", "new")
    }
    let file = try memory(bytes)
    let out = TemporaryDirectory()
    let directory = try out.open()
    let fd = directory.raw
    _ = try unpackTask(file.raw, in: nil, expecting: nil) { part, _ in
      switch part {
      case .source: UnpackTarget(directory: fd)
      case .candidate: UnpackTarget(directory: fd, layer: 1)
      default: nil
      }
    }
    #expect(try out.read("a.py") == Array("better".utf8))
    #expect(try out.read("keep") == Array("kept".utf8))
    #expect(try out.read("new/x") == Array("new".utf8))
    #expect(try directory.status("a.py").mode == 0o755)
    // In one layer the second file is an error.
    let flat = TemporaryDirectory()
    let other = try flat.open()
    let target = UnpackTarget(directory: other.raw)
    #expect(throws: UnpackError.refused(Refusal("a.py: is there already"))) {
      try unpackTask(file.raw, in: nil, expecting: nil) { _, _ in target }
    }
  }

  @Test func ownersAndModes() throws {
    let (_, bytes) = try pack(place.path("task"))
    let file = try memory(bytes)
    let out = TemporaryDirectory()
    let directory = try out.open()
    let target = UnpackTarget(directory: directory.raw, owner: 12345)
    let old = umask(0o077)
    defer { umask(old) }
    _ = try unpackTask(file.raw, in: nil, expecting: nil) { part, _ in
      part == .source ? target : nil
    }
    for (name, mode) in [
      ("a.py", 0o644), ("run.sh", 0o755), ("sub", 0o755), ("empty", 0o755),
    ] as [(String, UInt32)] {
      let status = try directory.status(name)
      #expect(status.mode == mode && status.owner == 12345 && status.group == 12345, "\(name)")
    }
    #expect(try directory.status("sub/link").owner == 12345)
  }

  /// A full destination speaks about the machine, not about the archive.
  @Test func fullDestination() throws {
    let (_, bytes) = try pack(place.path("task"))
    let file = try memory(bytes)
    let out = TemporaryDirectory()
    try #require(
      mount("none", out.path, "tmpfs", 0, "size=64k") == 0, "needs root to mount a tmpfs")
    defer { umount2(out.path, Int32(MNT_DETACH)) }
    let directory = try out.open()
    let target = UnpackTarget(directory: directory.raw)
    do {
      _ = try unpackTask(file.raw, in: nil, expecting: nil) { part, _ in
        part == .source ? target : nil
      }
      Issue.record("unpacked")
    } catch {
      guard case .system(let error) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(error.isFull)
    }
  }

  @Test func notAFile() throws {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    defer { for fd in ends { close(fd) } }
    #expect(throws: Refusal.self) { try inspectTask(ends[0]) }
  }

  /// No descriptor is left open, however it ends.
  @Test func descriptors() throws {
    let (_, bytes) = try pack(place.path("task"))
    let file = try memory(bytes)
    let site = try Site()
    try site.unpack(file.raw)
    let hostile = try memory(TarBytes.task { $0.file("source/../x", "x") })
    let own = { try Directory(path: "/proc/self/fd").names().count }
    let before = try own()
    for _ in 0..<50 {
      let again = try Site()
      try again.unpack(file.raw)
      #expect(throws: UnpackError.self) { try again.unpack(hostile.raw) }
      #expect(throws: UnpackError.self) { try again.unpack(file.raw) }
    }
    // Other tests run beside this one.
    #expect(try own() < before + 40)
  }
}
