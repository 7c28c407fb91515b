import EdgeArchive
import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// What packing refuses, and what it lays together.
@Suite struct PackTests {
  private let place = TemporaryDirectory()

  init() throws { try makeTask(place) }

  private func expectError(_ command: String, _ reason: String) throws {
    try tool("/bin/sh", ["-c", command], in: place.path("task"))
    do {
      _ = try pack(place.path("task"))
      Issue.record("packed after: \(command)")
    } catch let error as ArchiveError {
      #expect(error.description.contains(reason), "\(error)")
      #expect(error.description.split(separator: "\n").count <= 4)
    }
  }

  @Test(arguments: [
    ("mkdir source/.git", ".git is no part"), ("touch source/sub/.git", ".git is no part"),
    ("ln -s /etc/passwd source/l", "is absolute"), ("ln -s ../../x source/l", "leaves the tree"),
    ("ln -s ../tests/test_a.py source/l", "leaves the tree"), ("mkfifo source/pipe", "FIFO"),
    ("mknod source/null c 1 3", "device"), ("chmod u+s source/a.py", "setuid"),
    ("touch extra", "no place in a task archive"), ("rm task.toml", "No such file"),
    ("echo x > task.toml", "task.toml:1: "),
    ("rm tests/test_a.py", "names test_a.py, not in tests/"),
    ("touch source/A.py", "only in case"),
    ("touch \"$(printf 'source/a\\nb')\"", "control character"),
    ("touch \"$(printf 'source/\\377')\"", "not UTF-8"),
    ("rm -r source; touch source", "no directory"),
    ("truncate -s 513M source/huge", "larger than"), ("truncate -s 300M source/z", "for a bomb"),
    ("ln -s a.py instruction.md 2>/dev/null || ln -sf source/a.py instruction.md", "the link"),
    ("touch candidate.patch; mkdir candidate", "both candidate/ and candidate.patch"),
    ("mkdir candidate; mkdir candidate/a.py", "snapshot has a file of that name"),
    ("mkdir candidate; touch candidate/sub", "snapshot has a directory of that name"),
    ("mkdir -p candidate/sub/link; touch candidate/sub/link/x", "below a file or link"),
    ("python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('source/sock')\"", "socket"),
    ("mkdir -p source/$(printf 'd/%.0s' $(seq 40))", "more than 32 components"),
  ])
  func refuses(command: String, reason: String) throws { try expectError(command, reason) }

  @Test func tooMany() throws {
    let directory = try Directory(path: place.path("task"))
    let file = try Descriptor.memory("packed")
    #expect(throws: ArchiveError.self) {
      try packTask(directory, to: file.raw, limits: ArchiveLimits(entries: 5))
    }
    #expect(throws: ArchiveError.self) {
      try packTask(directory, to: file.raw, limits: ArchiveLimits(bytes: 1000))
    }
  }

  @Test func candidates() throws {
    try #require(mkdir(place.path("overlay"), 0o755) == 0)
    try place.write("overlay/a.py", text: "print('better')\n")
    try place.write("fix.diff", text: "--- a/a.py\n+++ b/a.py\n")
    let (plain, _) = try pack(place.path("task"))
    let (overlaid, bytes) = try pack(
      place.path("task"), candidate: .directory(place.path("overlay")))
    #expect(overlaid.task != plain.task && overlaid.members == plain.members + 1)
    let site = try Site()
    let file = try memory(bytes)
    try site.unpack(file.raw, expecting: (overlaid.blob, overlaid.task))
    #expect(try site.root.read("dest/candidate/a.py") == Array("print('better')\n".utf8))
    let (patched, patchBytes) = try pack(
      place.path("task"), candidate: .patch(place.path("fix.diff")))
    let patch = try memory(patchBytes)
    let unpacked = try Site().unpack(patch.raw, expecting: (patched.blob, patched.task))
    #expect(unpacked.patch == Array("--- a/a.py\n+++ b/a.py\n".utf8))
    #expect(unpacked.instruction == "Make it work, été.\n")
    // Another candidate replaces the directory's own.
    try tool("/bin/sh", ["-c", "mkdir candidate; touch candidate/x"], in: place.path("task"))
    #expect(try pack(place.path("task"), candidate: .patch(place.path("fix.diff"))).0 == patched)
    #expect(try pack(place.path("task")).0.task != plain.task)
    #expect(throws: ArchiveError.self) {
      try pack(place.path("task"), candidate: .patch(place.path("overlay")))
    }
    #expect(throws: ArchiveError.self) {
      try pack(place.path("task"), candidate: .directory(place.path("absent")))
    }
  }

  @Test func taskDirectory() throws {
    let directory = try Directory(path: place.path("task"))
    let task = try TaskDirectory(reading: directory)
    let (inspection, _) = try pack(place.path("task"))
    #expect(task.manifest == inspection.manifest)
    #expect(Int64(task.members) == inspection.members && task.bytes == inspection.bytes)
  }

  /// A full disk, or a descriptor that cannot be written.
  @Test func cannotWrite() throws {
    let directory = try Directory(path: place.path("task"))
    let full = open("/dev/full", O_WRONLY | O_CLOEXEC)
    defer { close(full) }
    do {
      _ = try packTask(directory, to: full)
      Issue.record("packed")
    } catch { #expect(error.errno == ENOSPC) }
  }
}
