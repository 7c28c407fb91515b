import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// Paths stay below their directory, whatever somebody put on the way.
struct DirectoryTests {
  let temporary = TemporaryDirectory()
  let outside = TemporaryDirectory()

  /// `inside/` with a link to another directory, and a file in that one.
  private func prepare() throws {
    let directory = try temporary.open()
    try directory.makeDirectory("inside")
    try directory.makeDirectory("inside/real")
    try temporary.write("inside/file", text: "inside")
    try temporary.write("secret", text: "above")
    try outside.write("secret", text: "outside")
    try outside.open().makeDirectory("empty")
    symlink(outside.path, temporary.path("inside/link"))
    symlink("\(outside.path)/secret", temporary.path("inside/file-link"))
    symlink("real", temporary.path("inside/inner-link"))
  }

  private func inside() throws -> Directory { try temporary.open().directory("inside") }

  @Test(arguments: [
    "../secret", "..", "real/../../secret", "link/secret", "file-link", "inner-link/x",
    "/etc/passwd",
    "/proc/self/fd/0", "", "link", "file\0.txt",
  ])
  func opensNothingElsewhere(path: String) throws {
    try prepare()
    let inside = try inside()
    var opened = false
    do {
      _ = try inside.open(path, O_RDONLY)
      opened = true
    } catch {
      #expect([ELOOP, EXDEV, ENOENT, EINVAL].contains(error.errno), "\(error)")
    }
    #expect(!opened, "\(path)")
  }

  /// The twin: without openat2(2) the same paths lead out.
  @Test(arguments: ["../secret", "link/secret", "file-link"])
  func plainOpenWouldFollow(path: String) throws {
    try prepare()
    #expect(access(temporary.path("inside/\(path)"), R_OK) == 0)
  }

  @Test
  func changesNothingBehindALink() throws {
    try prepare()
    let before = try listing()
    let expectRefusal = { (call: String, body: (borrowing Directory) throws(SystemError) -> Void) in
      let inside = try inside()
      do {
        try body(inside)
        Issue.record("\(call) went through a link")
      } catch let error as SystemError {
        #expect([ELOOP, EXDEV, ENOTDIR].contains(error.errno), "\(call): \(error)")
      }
    }
    for way in ["link", ".."] {
      try expectRefusal("mkdir") { (d) throws(SystemError) in try d.makeDirectory("\(way)/new") }
      try expectRefusal("unlink") { (d) throws(SystemError) in try d.remove("\(way)/secret") }
      try expectRefusal("rmdir") { (d) throws(SystemError) in try d.removeDirectory("\(way)/empty")
      }
      try expectRefusal("rename") { (d) throws(SystemError) in
        try d.rename("\(way)/secret", to: d, "taken")
      }
      try expectRefusal("rename to") { (d) throws(SystemError) in
        try d.rename("file", to: d, "\(way)/new")
      }
      try expectRefusal("replace") { (d) throws(SystemError) in
        try d.replace("file", to: d, "\(way)/secret")
      }
      try expectRefusal("publish") { (d) throws(SystemError) in try d.publish("\(way)/new", [1]) }
      try expectRefusal("overwrite") { (d) throws(SystemError) in
        try d.overwrite("\(way)/secret", [1])
      }
      try expectRefusal("removeTree") { (d) throws(SystemError) in try d.removeTree("\(way)/secret")
      }
      try expectRefusal("write") { (d) throws(SystemError) in
        try d.write("\(way)/secret", [1], mode: 0o600)
      }
      try expectRefusal("parents") { (d) throws(SystemError) in
        try d.makeParents(of: "\(way)/new/file")
      }
    }
    #expect(try listing() == before)
  }

  private func listing() throws -> String {
    try runProgram(
      "/usr/bin/find", [temporary.path, outside.path, "-printf", "%p %y %m %s %l\n"]
    ).output.split(separator: "\n").sorted().joined(separator: "\n")
  }

  @Test
  func worksOnPathsOfItsOwn() throws {
    try prepare()
    let inside = try inside()
    try inside.makeDirectory("real/deep", mode: 0o1777)
    #expect(try inside.status("real/deep").mode == 0o1777)
    try inside.publish("real/deep/a", [1, 2], mode: 0o640)
    try inside.overwrite("real/deep/a", [3], mode: 0o604)
    #expect(try inside.read("real/deep/a", atMost: 10) == [3])
    #expect(try inside.status("real/deep/a").mode == 0o604)
    try inside.rename("real/deep/a", to: temporary.open(), "inside/b")
    #expect(try inside.read("b", atMost: 1) == [3])
    try inside.replace("b", to: inside, "real/b")
    try inside.remove("real/b")
    try inside.removeDirectory("real/deep")
    #expect(try inside.directory("real").entries().isEmpty)
    #expect(try inside.entries() == ["file", "file-link", "inner-link", "link", "real"])
  }

  @Test
  func readsRegularFilesOnly() throws {
    let directory = try temporary.open()
    mkfifo(temporary.path("fifo"), 0o600)
    try directory.makeDirectory("directory")
    for name in ["fifo", "directory"] {
      // A FIFO without a writer would block a plain open for ever.
      #expect(throws: SystemError.self) { try temporary.read(name) }
    }
    try temporary.write("file", [1, 2, 3])
    let error = #expect(throws: SystemError.self) { try temporary.read("file", atMost: 2) }
    #expect(error?.errno == EFBIG)
    #expect(try temporary.read("file", atMost: 3) == [1, 2, 3])
  }

  @Test
  func setsTheModeWhateverTheUmask() throws {
    let directory = try temporary.open()
    for mode: UInt32 in [0o700, 0o777, 0o1733, 0o2770] {
      try directory.makeDirectory("d\(mode)", mode: mode)
      #expect(try directory.status("d\(mode)").mode == mode)
      try directory.publish("f\(mode)", [], mode: mode & 0o777)
      #expect(try directory.status("f\(mode)").mode == mode & 0o777)
    }
  }

  @Test
  func listsNamesThatAreNoText() throws {
    let raw: [UInt8] = [0x66, 0xFF, 0x0A]
    let path = Array(temporary.path.utf8) + [0x2F] + raw + [0]
    let file = path.withUnsafeBufferPointer {
      $0.withMemoryRebound(to: CChar.self) { open($0.baseAddress!, O_CREAT | O_WRONLY, 0o600) }
    }
    close(file)
    try temporary.write("plain", text: "")
    try temporary.write(".hidden", text: "")
    let directory = try temporary.open()
    #expect(try Set(directory.names()) == [raw, Array("plain".utf8), Array(".hidden".utf8)])
    #expect(try directory.entries() == ["plain"])
    try directory.removeTree(raw)
    #expect(try directory.names().count == 2)
  }
}
