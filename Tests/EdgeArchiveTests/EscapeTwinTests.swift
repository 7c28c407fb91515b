import EdgeArchive
import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// The same archive is given to us and, as the twin that shows the attack is real, to bsdtar with
/// its own checks switched off (`-P`).
@Suite struct EscapeTwinTests {
  /// Unpacks unprotected into the destination of a site.
  private func unprotected(_ site: Site, _ bytes: [UInt8]) throws {
    let path = try site.root.write("dest/attack.tar", bytes)
    // Its exit status does not matter; what it wrote does.
    _ = try runProgram("bsdtar", ["-x", "-P", "-f", path, "-C", site.root.path("dest")])
  }

  private func ours(_ bytes: [UInt8], _ reason: String) throws {
    let site = try Site()
    let before = try site.surroundings()
    let file = try memory(bytes)
    do {
      try site.unpack(file.raw)
      Issue.record("taken")
    } catch { #expect("\(error)".contains(reason)) }
    #expect(try site.surroundings() == before)
  }

  @Test func traversal() throws {
    let bytes = TarBytes.task { $0.file("source/../../outside/sentinel", "pwned") }
    let site = try Site()
    try unprotected(site, bytes)
    #expect(try site.root.read("outside/sentinel") == Array("pwned".utf8))
    try ours(bytes, "component \"..\"")
  }

  @Test func absolute() throws {
    let site = try Site()
    let bytes = TarBytes.task { $0.file(site.root.path("outside/new"), "pwned") }
    try unprotected(site, bytes)
    #expect(try site.root.read("outside/new") == Array("pwned".utf8))
    try ours(bytes, "absolute")
  }

  @Test func writingThroughALink() throws {
    let bytes = TarBytes.task {
      $0.link("source/l", to: "../../outside")
      $0.file("source/l/sentinel", "pwned")
    }
    let site = try Site()
    try unprotected(site, bytes)
    #expect(try site.root.read("outside/sentinel") == Array("pwned".utf8))
    try ours(bytes, "leaves the tree")
  }

  /// Two links that each look harmless where `..` is only counted.
  @Test func writingThroughTwoLinks() throws {
    let bytes = TarBytes.task {
      $0.directory("source/a")
      $0.link("source/a/here", to: "..")
      $0.link("source/a/out", to: "here/../../outside")
      $0.file("source/a/out/sentinel", "pwned")
    }
    let site = try Site()
    try unprotected(site, bytes)
    #expect(try site.root.read("outside/sentinel") == Array("pwned".utf8))
    try ours(bytes, "the link's target")
  }

  @Test func hardLink() throws {
    let site = try Site()
    let target = site.root.path("outside/sentinel")
    let bytes = TarBytes.task { $0.link("source/h", to: target, kind: "1") }
    try unprotected(site, bytes)
    // Who may write to the file inside now writes to the one outside.
    #expect(try site.root.open().status("outside/sentinel").links == 2)
    try ours(bytes, "hard links")
  }

  /// A link that lies in the destination already, put there by somebody else: names alone do not
  /// show it, the kernel must refuse to follow it.
  @Test(arguments: ["source/l/sentinel", "source/l/deep/sentinel"])
  func linkInTheDestination(name: String) throws {
    let bytes = TarBytes.task { $0.file(name, "pwned") }
    let twin = try Site()
    try #require(symlink("../../outside", twin.root.path("dest/source/l")) == 0)
    try unprotected(twin, bytes)
    let hit = name.replacing("source/l", with: "outside")
    #expect(try twin.root.read(hit) == Array("pwned".utf8))
    let site = try Site()
    try #require(symlink("../../outside", site.root.path("dest/source/l")) == 0)
    let before = try site.surroundings()
    let file = try memory(bytes)
    #expect(try refusal(bytes) == nil)
    #expect(throws: UnpackError.self) { try site.unpack(file.raw) }
    #expect(try site.surroundings() == before)
  }

  /// A file that lies in the destination already is not written over, nor followed.
  @Test func fileInTheDestination() throws {
    let bytes = TarBytes.task { $0.file("source/x", "new") }
    for plant in ["file", "link"] {
      let site = try Site()
      if plant == "file" {
        try site.root.write("dest/source/x", text: "old")
      } else {
        try #require(symlink("../../outside/sentinel", site.root.path("dest/source/x")) == 0)
      }
      let before = try site.surroundings()
      let file = try memory(bytes)
      #expect(throws: UnpackError.refused(Refusal("x: is there already"))) {
        try site.unpack(file.raw)
      }
      #expect(try site.surroundings() == before)
    }
  }
}
