import EdgeArchive
import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Testing

/// Zip archives that say what no honest writer says, or that two programs would read in two ways.
@Suite struct HostileZipTests {
  private typealias Member = ZipBytes.Member

  @Test func honest() throws {
    var link = Member("source/l", "x")
    link.mode = 0o120777
    var streamed = Member("source/s", "abc")
    streamed.descriptor = (CRC32.of(Array("abc".utf8)), 3, 3)
    var plain = Member("source/dos", "y")
    plain.mode = 0
    var zip = ZipBytes.task([Member("source/x", "x"), link, streamed, plain, Member("source/d/")])
    zip.members[5].mode = 0o040755
    #expect(try refusal(zip.bytes) == nil)
    zip.comment = Array("0123456789abcdef".utf8)
    #expect(try refusal(zip.bytes) == nil)
    let site = try Site()
    let file = try memory(zip.bytes)
    try site.unpack(file.raw)
    #expect(
      try site.unpacked() == [
        "source/d d 755 ", "source/dos f 644 ", "source/l l 777 x", "source/s f 644 ",
        "source/x f 644 ",
      ])
  }

  @Test(arguments: [
    ("../outside/sentinel", "component \"..\""), ("/etc/passwd", "absolute"),
    ("source/../../x", "component \"..\""), ("source\\..\\x", "backslash"), ("C:/x", "drive"),
    ("source/a\u{0}b", "control character"), ("elsewhere", "no place"),
  ])
  func names(name: String, reason: String) throws {
    try expectRefused(ZipBytes.task([Member(name, "x")]).bytes, reason)
  }

  @Test func types() throws {
    for (mode, reason) in [
      (0o020644, "neither a file"), (0o010644, "neither a file"), (0o140755, "neither a file"),
      (0o104755, "setuid"), (0o102755, "setuid"), (0o101755, "setuid"),
    ] as [(UInt32, String)] {
      var member = Member("source/x", "x")
      member.mode = mode
      try expectRefused(ZipBytes.task([member]).bytes, reason)
    }
    for target in ["/etc/passwd", "../x", "a/../../x"] {
      var link = Member("source/l", target)
      link.mode = 0o120777
      try expectRefused(ZipBytes.task([link]).bytes, "the link's target")
    }
    var link = Member("source/l", "d")
    link.mode = 0o120777
    try expectRefused(
      ZipBytes.task([link, Member("source/l/x", "x")]).bytes, "behind a symbolic link")
    var directory = Member("source/d/", "content")
    directory.mode = 0o040755
    try expectRefused(ZipBytes.task([directory]).bytes, "with content")
  }

  @Test func encrypted() throws {
    var member = Member("source/x", "x")
    member.flags = 1
    try expectRefused(ZipBytes.task([member]).bytes, "encrypted")
    let place = TemporaryDirectory()
    try place.write("task.toml", text: runTOML)
    try tool("zip", ["-q", "-P", "secret", "a.zip", "task.toml"], in: place.path)
    try expectRefused(try place.read("a.zip"), "encrypted")
  }

  @Test func twoReadings() throws {
    var member = Member("source/x", "x")
    member.localName = Array("source/y".utf8)
    try expectRefused(ZipBytes.task([member]).bytes, "two headers differ")
    member = Member("source/x", "xyz")
    member.localSize = 2
    try expectRefused(ZipBytes.task([member]).bytes, "two headers differ")
    member = Member("source/x", "xyz")
    member.directorySize = 2
    try expectRefused(ZipBytes.task([member]).bytes, "two sizes differ")
    for record in [(0, 3, 3), (CRC32.of(Array("xyz".utf8)), 2, 3)] as [(UInt32, UInt32, UInt32)] {
      member = Member("source/x", "xyz")
      member.descriptor = record
      try expectRefused(ZipBytes.task([member]).bytes, "record behind its content differs")
    }
    member = Member("source/x", "xyz")
    member.extra = [0x75, 0x70, 9, 0, 1, 0, 0, 0, 0] + Array("evil".utf8)
    try expectRefused(ZipBytes.task([member]).bytes, "second name")
    member.extra = [0x01, 0x00, 0, 0]
    try expectRefused(ZipBytes.task([member]).bytes, "zip64")
    member.extra = [0x55, 0x54, 9, 0]
    try expectRefused(ZipBytes.task([member]).bytes, "extra field is damaged")
    try expectRefused(
      ZipBytes.task([Member("source/x", "1"), Member("source/x", "2")]).bytes, "occurs twice")
  }

  @Test func layout() throws {
    var member = Member("source/x", "x")
    member.directoryOffset = 0
    try expectRefused(ZipBytes.task([member]).bytes, "overlaps")
    var zip = ZipBytes.task([Member("source/x", "x")])
    zip.gap = [1, 2, 3]
    try expectRefused(zip.bytes, "bytes lie between")
    zip.gap = []
    zip.trailer = [1]
    try expectRefused(zip.bytes, "bytes follow its end")
    zip.trailer = ZipBytes.task([]).bytes
    #expect(try refusal(zip.bytes) != nil)
    zip.trailer = []
    let bytes = zip.bytes
    for cut in [1, 10, 22, 60, 150] {
      #expect(try refusal(Array(bytes[..<(bytes.count - cut)])) != nil)
    }
    try expectRefused([0x4D, 0x5A] + bytes, "not a tar")
    #expect(try refusal(Array(bytes[..<22]))?.contains("damaged") == true)
  }

  @Test func content() throws {
    var member = Member("source/x", "xyz")
    member.crc = 12345
    try expectRefused(ZipBytes.task([member]).bytes, "damaged")
    member = Member("source/x", "xyz")
    member.method = 12
    try expectRefused(ZipBytes.task([member]).bytes, "method 12")
    member = Member("source/x", "not deflated")
    member.method = 8
    #expect(try refusal(ZipBytes.task([member]).bytes) != nil)
  }

  /// A member that says 10 bytes and holds 64 MiB.
  @Test func lyingSize() throws {
    let script = """
      import sys, zlib
      c = zlib.compressobj(9, zlib.DEFLATED, -15)
      sys.stdout.buffer.write(c.compress(b"0" * (64 << 20)) + c.flush())
      """
    let packed = try Python.run(script).stdout
    var member = Member("source/x", "")
    member.content = packed
    member.method = 8
    member.directorySize = 10
    member.localSize = 10
    #expect(try refusal(ZipBytes.task([member]).bytes) != nil)
    let site = try Site()
    let file = try memory(ZipBytes.task([member]).bytes)
    #expect(throws: UnpackError.self) { try site.unpack(file.raw) }
  }
}
