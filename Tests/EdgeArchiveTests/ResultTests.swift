import EdgeArchive
import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

@Suite struct ResultTests {
  private let members = [
    ResultMember(name: "result.json", bytes: Array("{}".utf8)),
    ResultMember(name: "stdout", bytes: []),
    ResultMember(
      name: "artifacts/deep/\(String(repeating: "n", count: 150))/run", bytes: [1, 2, 3],
      mode: 0o4755),
    ResultMember(
      name: "artifacts/zeros", bytes: [UInt8](repeating: 0, count: 5 << 20), mode: 0o600),
  ]

  @Test func roundTrip() throws {
    let bytes = try writeResultArchive(members)
    #expect(try writeResultArchive(members) == bytes)
    let archive = try readResultArchive(bytes)
    #expect(archive.blob == Digest(bytes: Hash.sha256(bytes)))
    #expect(archive.entries.map(\.name) == members.map(\.name))
    #expect(archive.entries.map(\.mode) == [0o644, 0o644, 0o755, 0o644])
    #expect(archive.entries[0].digest == Digest(bytes: Hash.sha256(Array("{}".utf8))))
    #expect(try archive.contents("result.json") == Array("{}".utf8))
    #expect(try archive.contents("stdout") == [])
    #expect(try archive.contents("absent") == nil)
    #expect(try archive.contents("artifacts/zeros")?.count == 5 << 20)
    var refused = false
    do { _ = try archive.contents("artifacts/zeros", atMost: 1000) } catch { refused = true }
    #expect(refused)
  }

  @Test func descriptorsAndOthers() throws {
    let place = TemporaryDirectory()
    let path = try place.write("data", text: "from a file, and more")
    let data = try opened(path)
    let out = try Descriptor.memory("result")
    let written = try writeResultArchive(
      [
        ResultMember(name: "junit.xml", bytes: Array("<x/>".utf8)),
        ResultMember(name: "stderr", file: data.raw, size: 11),
      ], to: out.raw)
    lseek(out.raw, 0, SEEK_SET)
    let bytes = try out.read(atMost: 1 << 20)
    #expect(written.bytes == Int64(bytes.count))
    #expect(written.blob == Digest(bytes: Hash.sha256(bytes)))
    let archive = try readResultArchive(out.raw)
    #expect(try archive.contents("stderr") == Array("from a file".utf8))
    try #require(mkdir(place.path("x"), 0o755) == 0)
    try tool("tar", ["--zstd", "-xf", try place.write("r.tar.zst", bytes), "-C", place.path("x")])
    #expect(try place.read("x/stderr") == Array("from a file".utf8))
    #expect(throws: ArchiveError.self) {
      try writeResultArchive([ResultMember(name: "short", file: data.raw, size: 1000)])
    }
  }

  @Test(arguments: ["../x", "/x", "a//b", "", "a\\b", "a/../b", "./a", "a/"])
  func namesToWrite(name: String) {
    #expect(throws: ArchiveError.self) {
      try writeResultArchive([ResultMember(name: name, bytes: [])])
    }
  }

  /// Artifacts may have names that a snapshot may not have.
  @Test func namesOfArtifacts() throws {
    let names = ["artifacts/.git/config", "artifacts/a", "artifacts/A", "artifacts/e\u{301}"]
    let bytes = try writeResultArchive(names.map { ResultMember(name: $0, bytes: []) })
    let archive = try readResultArchive(bytes)
    #expect(archive.entries.map(\.name) == names)
    #expect(resultNameProblem(Array("a/b".utf8)) == nil)
    for name in ["a\n", "", ".", "a/", "./a", "..", String(repeating: "a", count: 300)] {
      #expect(resultNameProblem(Array(name.utf8)) != nil)
    }
    #expect(resultNameProblem([0xFF]) != nil)
  }

  @Test func twiceToWrite() {
    #expect(throws: ArchiveError.self) {
      try writeResultArchive([
        ResultMember(name: "a", bytes: []), ResultMember(name: "a", bytes: []),
      ])
    }
  }

  @Test func extraction() throws {
    let place = TemporaryDirectory()
    let archive = try readResultArchive(try writeResultArchive(members))
    let directory = try place.open()
    try archive.extract(into: directory)
    #expect(try place.read("result.json") == Array("{}".utf8))
    #expect(try directory.status("artifacts/zeros").mode == 0o644)
    #expect(try directory.entries() == ["artifacts", "result.json", "stdout"])
    var again: UnpackError?
    do { try archive.extract(into: directory) } catch { again = error }
    #expect(again == .refused(Refusal("result.json: is there already")))
  }

  /// A result comes from a worker that may have been taken over.
  @Test func hostile() throws {
    let attacks: [(String, (inout TarBytes) -> Void)] = [
      ("..", { $0.file("../outside/sentinel", "pwned") }),
      ("absolute", { $0.file("/etc/x", "pwned") }),
      ("links are no results", { $0.link("a/l", to: "x") }),
      ("hard links", { $0.link("l", to: "result.json", kind: "1") }),
      ("devices", { $0.link("null", to: "", kind: "3") }),
      ("occurs twice", { $0.file("result.json", "{}") }),
    ]
    for (reason, attack) in attacks {
      var tar = TarBytes()
      tar.file("result.json", "{}")
      attack(&tar)
      tar.end()
      do {
        _ = try readResultArchive(tar.bytes)
        Issue.record("\(reason): taken")
      } catch { #expect(error.reason.contains(reason)) }
    }
    // Links that somebody put into the directory are not followed.
    let site = try Site()
    let before = try site.surroundings()
    try #require(symlink("../outside/sentinel", site.root.path("dest/result.json")) == 0)
    try #require(symlink("../outside", site.root.path("dest/artifacts")) == 0)
    let directory = try Directory(path: site.root.path("dest"))
    for list in [members, [members[2]]] {
      let archive = try readResultArchive(try writeResultArchive(list))
      var refused = false
      do { try archive.extract(into: directory) } catch { refused = true }
      #expect(refused)
    }
    #expect(try site.surroundings() == before)
  }
}
