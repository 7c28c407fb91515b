import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// What hostile tasks leave behind goes away, and nothing else does.
struct RemoveTreeTests {
  let temporary = TemporaryDirectory()
  let outside = TemporaryDirectory()

  @Test
  func removesFilesLinksAndWhatIsNotThere() throws {
    let directory = try temporary.open()
    try temporary.write("file", text: "x")
    try outside.write("kept", text: "x")
    symlink(outside.path, temporary.path("link"))
    mkfifo(temporary.path("fifo"), 0o600)
    for name in ["file", "link", "fifo", "absent", "absent/too"] { try directory.removeTree(name) }
    #expect(try directory.names().isEmpty)
    #expect(try outside.read("kept") == Array("x".utf8))
  }

  @Test
  func followsNoLink() throws {
    try outside.open().makeDirectory("kept", mode: 0o755)
    try outside.write("kept/file", text: "x")
    let directory = try temporary.open()
    try directory.makeDirectory("tree")
    try directory.makeDirectory("tree/a")
    symlink(outside.path, temporary.path("tree/link"))
    symlink("\(outside.path)/kept", temporary.path("tree/a/link"))
    symlink("..", temporary.path("tree/a/up"))
    try directory.removeTree("tree")
    #expect(try directory.names().isEmpty)
    #expect(try outside.read("kept/file") == Array("x".utf8))
    #expect(try outside.open().status("kept").mode == 0o755)
  }

  /// 6000 levels: deeper than the longest path, than the descriptors of a process, and than the
  /// stack of a thread.
  @Test
  func removesWhatIsTooDeepForAnyPath() throws {
    try temporary.open().makeDirectory("tree")
    let script = """
      import os
      os.chdir('tree')
      for level in range(6000):
          open('f', 'w').close()
          os.symlink('..', 'up')
          os.mkdir('d')
          os.chdir('d')
      """
    let result = try runProgram(
      "/bin/sh", ["-c", "cd \"$1\" && exec python3 -c \"$2\"", "sh", temporary.path, script],
      environment: ["PATH=/usr/bin:/bin"])
    try #require(result.status == 0, "\(result)")
    let path = temporary.path
    let thread = WorkThread.start { try? Directory(path: path).removeTree("tree") }
    thread.join()
    #expect(try temporary.open().names().isEmpty)
  }

  /// Run as an ordinary user: root may read everything anyway.
  @Test(.program("setpriv"), arguments: Seed.some(4))
  func removesWhatItsOwnerMayNotRead(seed: Seed) throws {
    var random = SplitMix64(seed)
    let directory = try temporary.open()
    try directory.makeDirectory("tree")
    var folders = ["tree"]
    for number in 0..<60 {
      let path = "\(random.one(of: folders))/\(number)"
      if random.once(in: 2) {
        try directory.makeDirectory(path)
        folders.append(path)
      } else {
        try directory.publish(path, [], mode: 0, durable: false)
      }
    }
    for folder in folders.reversed() {
      chmod(temporary.path(folder), random.one(of: [0, 0o200, 0o400, 0o100, 0o500, 0o700]))
    }
    try directory.removeTree("tree")
    #expect(try directory.names().isEmpty)
  }

  @Test
  func survivesNamesMadeToCollide() throws {
    let directory = try temporary.open()
    try directory.makeDirectory("tree")
    for name in [".lifted-1", ".lifted-2", "a", "b"] {
      try directory.makeDirectory("tree/\(name)")
      for inner in [".lifted-1", "x", "y"] {
        try directory.makeDirectory("tree/\(name)/\(inner)")
        try directory.publish("tree/\(name)/\(inner)/file", [], durable: false)
      }
    }
    try directory.removeTree("tree")
    #expect(try directory.names().isEmpty)
  }

  @Test
  func namesWhatItCouldNotRemove() throws {
    let error = #expect(throws: SystemError.self) {
      try Directory(path: "/proc/self").removeTree("task")
    }
    #expect(error?.isNotFound == false)
  }
}
