import EdgeArchive
import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Testing

/// Tar archives whose form lies: sizes, headers, ends.
@Suite struct HostileTarFormTests {
  @Test func sizes() throws {
    try expectRefused(
      TarBytes.task {
        var header = TarBytes.Header("source/x")
        header.size = 1 << 20
        $0.member(header, [1])
      }, "truncated")
    try expectRefused(
      TarBytes.task {
        var header = TarBytes.Header("source/x")
        header.size = 513 << 20
        $0.member(header, [1])
      }, "larger than")
    try expectRefused(
      TarBytes.task {
        var header = TarBytes.Header("source/x")
        header.rawSize = [0x80] + [UInt8](repeating: 0x7F, count: 11)
        $0.member(header)
      }, "damaged")
    try expectRefused(
      TarBytes.task {
        var header = TarBytes.Header("source/x")
        header.rawSize = [UInt8](repeating: 0xFF, count: 12)
        $0.member(header)
      }, "damaged")
    try expectRefused(
      TarBytes.task {
        var header = TarBytes.Header("source/x")
        header.rawSize = Array("00000000x01 ".utf8)
        $0.member(header)
      }, "damaged")
    try expectRefused(
      TarBytes.task {
        $0.pax([("size", "4")])
        $0.file("source/x", "12345")
      }, "two sizes differ")
    try expectRefused(
      TarBytes.task {
        var header = TarBytes.Header("source/d", kind: "5")
        header.size = 512
        $0.member(header, [UInt8](repeating: 1, count: 512))
      }, "directory or link with content")
  }

  @Test func limits() throws {
    let many = TarBytes.task { tar in for number in 0..<20 { tar.file("source/\(number)", "x") } }
    #expect(try refusal(many, limits: ArchiveLimits(entries: 21)) == nil)
    #expect(
      try refusal(many, limits: ArchiveLimits(entries: 20))?.contains("more than 20 members")
        == true)
    let big = TarBytes.task { $0.file("source/x", String(repeating: "y", count: 5000)) }
    #expect(
      try refusal(big, limits: ArchiveLimits(bytes: 5000))?.contains("together") == true)
    #expect(
      try refusal(big, limits: ArchiveLimits(fileBytes: 4999))?.contains("larger than 4999") == true
    )
    let manifest = [UInt8](repeating: 0x0A, count: 257 << 10)
    var tar = TarBytes()
    tar.member(TarBytes.Header("task.toml"), manifest)
    tar.end()
    try expectRefused(tar.bytes, "task.toml: larger than 262144 bytes")
  }

  @Test func sparse() throws {
    try expectRefused(
      TarBytes.task {
        $0.pax([
          ("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "source/x"),
          ("GNU.sparse.realsize", "10737418240"),
        ])
        $0.file("source/GNUSparseFile.1/x", "1\n0\n1\n")
      }, "sparse members")
  }

  @Test(
    arguments: [
      ([("path", "source/a"), ("path", "source/b")], "twice"),
      ([("unknown.vendor", "1")], "not taken"), ([("size", "-1")], "no number"),
      ([("size", "99999999999999999999")], "no number"), ([("hdrcharset", "EBCDIC")], "charset"),
    ] as [([(String, String)], String)])
  func pax(records: [(String, String)], reason: String) throws {
    try expectRefused(
      TarBytes.task {
        $0.pax(records)
        $0.file("source/x", "x")
      }, reason)
  }

  @Test func paxForms() throws {
    for body in ["11 path=a\n", "path=a\n", "99999999 path=a\n", "8 path=a", "5 =a\n", "6 ab\nx"] {
      try expectRefused(
        TarBytes.task {
          $0.member(TarBytes.Header("x", kind: "x"), Array(body.utf8))
          $0.file("source/x", "x")
        }, "pax header is damaged")
    }
    try expectRefused(
      TarBytes.task {
        $0.pax([("path", "source/everything")], kind: "g")
        $0.file("source/x", "x")
      }, "not taken")
    try expectRefused(
      TarBytes.task {
        $0.pax([("path", "source/y")])
        $0.pax([("path", "source/z")])
        $0.file("source/x", "x")
      }, "two pax headers")
    try expectRefused(TarBytes.task { $0.pax([("path", "source/y")]) }, "without its member")
    try expectRefused(
      TarBytes.task {
        $0.pax([("path", "source/y")])
        $0.long("source/z", kind: "L")
        $0.file("source/x", "x")
      }, "pax name and a GNU name")
    try expectRefused(
      TarBytes.task {
        $0.member(TarBytes.Header("x", kind: "x"), [UInt8](repeating: 0x20, count: 200 << 10))
      }, "longer than")
  }

  /// Extended attributes, ACLs, owners and times never reach a file: they are dropped, not refused.
  @Test func attributesAreDropped() throws {
    let bytes = TarBytes.task {
      $0.pax([("comment", "from a commit")], kind: "g")
      $0.pax([
        ("SCHILY.xattr.security.capability", "\u{1}\u{0}\u{0}\u{2}"), ("mtime", "-1.5"),
        ("SCHILY.acl.access", "user::rwx"), ("uid", "4294967296"), ("uname", "root"),
      ])
      var header = TarBytes.Header("source/x")
      header.uid = [0x80, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]
      header.mode = 0o777
      $0.member(header, [0x78])
    }
    let site = try Site()
    let file = try memory(bytes)
    try site.unpack(file.raw)
    #expect(try site.unpacked() == ["source/x f 755 "])
    let script = "import os, sys; print(os.listxattr(sys.argv[1]))"
    let attributes = try Python.run(script, [site.root.path("dest/source/x")])
    #expect(attributes.output == "[]\n")
  }

  @Test func ends() throws {
    var tar = TarBytes()
    tar.file("task.toml", runTOML)
    tar.file("source/x", "x")
    try expectRefused(tar.bytes, "truncated")
    try expectRefused(tar.bytes + [UInt8](repeating: 0, count: 512), "truncated")
    let whole = tar.bytes + [UInt8](repeating: 0, count: 1024)
    #expect(try refusal(whole) == nil)
    #expect(try refusal(whole + [UInt8](repeating: 0, count: 10240)) == nil)
    try expectRefused(whole + [1], "bytes follow")
    try expectRefused(whole + tar.bytes, "bytes follow")
    var second = TarBytes()
    second.raw([UInt8](repeating: 0, count: 512))
    second.file("source/y", "hidden behind one block of zeros")
    second.end()
    try expectRefused(tar.bytes + second.bytes, "bytes follow")
    for cut in [1, 100, 511, 513, 600, 1024, 1500] {
      try expectRefused(Array(whole[..<(whole.count - 1024 - cut)]), "truncated")
    }
  }

  @Test func headers() throws {
    try expectRefused(
      TarBytes.task {
        var header = TarBytes.Header("source/x")
        header.checksumError = 1
        $0.member(header, [1])
      }, "checksum")
    try expectRefused(
      TarBytes.task {
        var header = TarBytes.Header("source/x")
        header.magic = []
        $0.member(header, [1])
      }, "neither of the POSIX nor of the GNU form")
    try expectRefused(Array("not an archive at all".utf8), "not a tar")
    try expectRefused([], "not a tar")
    try expectRefused([UInt8](repeating: 0, count: 10240), "not a tar")
  }

  @Test func noManifest() throws {
    var tar = TarBytes()
    tar.file("source/x", "x")
    tar.end()
    #expect(try refusal(tar.bytes)?.contains("task.toml is missing") == true)
    var wrapped = TarBytes()
    wrapped.file("mytask/task.toml", runTOML)
    wrapped.end()
    try expectRefused(wrapped.bytes, "no place in a task archive")
    let linked = TarBytes.task { $0.link("instruction.md", to: "source/x") }
    #expect(try refusal(linked) != nil)
  }

  @Test func names() throws {
    // What a terminal could act upon is written as numbers.
    let reason = try refusal(TarBytes.task { $0.file("source/\u{1B}]0;x\u{7}", "x") })
    #expect(reason?.contains("\\x1b") == true)
    #expect(reason?.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } == true)
  }
}
