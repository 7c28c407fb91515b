import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

struct ThreadTests {
  @Test
  func aChannelKeepsItsOrderAndLosesNothing() {
    let channel = Channel<Int>()
    let results = Channel<[Int]>()
    let receivers = (0..<3).map { _ in
      WorkThread.start {
        var seen: [Int] = []
        while let next = channel.receive(atMost: 7) {
          #expect((1...7).contains(next.count))
          seen += next
        }
        results.send(seen)
      }
    }
    for number in 0..<5000 { channel.send(number) }
    channel.close()
    for receiver in receivers { receiver.join() }
    results.close()
    var all: [Int] = []
    while let seen = results.receive() {
      #expect(seen == seen.sorted())
      all += seen
    }
    #expect(all.sorted() == Array(0..<5000))
    #expect(channel.receive() == nil)
  }

  @Test
  func nothingIsSentOnAClosedChannel() async {
    await #expect(processExitsWith: .failure) {
      let channel = Channel<Int>()
      channel.close()
      channel.send(1)
    }
  }

  @Test
  func aSignalStaysRaisedUntilLowered() throws {
    let signal = try Signal()
    let raw = signal.descriptor
    #expect(Poll.readable([raw], milliseconds: 0).isEmpty)
    signal.raise()
    signal.raise()
    #expect(Poll.readable([raw], milliseconds: 0) == [raw])
    #expect(Poll.readable([raw], milliseconds: 0) == [raw])
    signal.lower()
    #expect(Poll.readable([raw], milliseconds: 0).isEmpty)
    signal.lower()
  }
}

struct WatchTests {
  let temporary = TemporaryDirectory()

  @Test
  func wakesWhenANameAppears() throws {
    let watch = try Watch()
    try watch.add(temporary.open())
    let path = temporary.path
    let writer = WorkThread.start {
      usleep(100_000)
      try? Directory(path: path).publish("file", [], durable: false)
    }
    let start = Clocks.bootNanoseconds()
    watch.wait(milliseconds: 30_000)
    #expect(Clocks.bootNanoseconds() - start < 20_000_000_000)
    writer.join()
    #expect(try temporary.open().contains("file"))
    // Every event was taken: the next wait is a full one.
    watch.wait(milliseconds: 10)
    let raw = watch.descriptor
    #expect(Poll.readable([raw], milliseconds: 0).isEmpty)
  }

  @Test
  func namesWhatCameAndWent() throws {
    let watch = try Watch()
    let directory = try temporary.open()
    try watch.add(directory)
    #expect(watch.waitForNames(milliseconds: 0) == [])
    let names = Set((0..<300).map { "file-\($0)-" + String(repeating: "x", count: $0 % 50) })
    for name in names { try directory.publish(name, [], durable: false) }
    #expect(watch.waitForNames(milliseconds: 1000)?.isSuperset(of: names) == true)
    try directory.remove(names.min() ?? "")
    #expect(watch.waitForNames(milliseconds: 1000) == [names.min() ?? ""])
  }

  @Test
  func returnsAfterItsTime() throws {
    let watch = try Watch()
    try watch.add(temporary.open())
    watch.wait(milliseconds: 10)
  }
}

struct TreeWalkTests {
  let temporary = TemporaryDirectory()

  @Test
  func seesEverythingOnceAndFollowsNothing() throws {
    let directory = try temporary.open()
    try directory.makeParents(of: "a/b/file")
    try directory.publish("a/b/file", [1, 2])
    try directory.publish("z", [])
    try directory.makeLink("a/link", to: Array("/etc".utf8))
    #expect(try directory.linkTarget("a/link") == Array("/etc".utf8))
    let (entries, isComplete) = try directory.walk(atMost: 100)
    #expect(isComplete)
    #expect(entries.map(\.name) == ["a", "a/b", "a/b/file", "a/link", "z"])
    #expect(entries.map(\.status.kind) == [.directory, .directory, .file, .link, .file])
    #expect(entries[2].status.size == 2)
  }

  @Test
  func stopsAtItsLimits() throws {
    let directory = try temporary.open()
    var path = "d"
    for _ in 0..<10 { path += "/d" }
    try directory.makeParents(of: path + "/f")
    for number in 0..<20 { try directory.publish("\(number)", [], durable: false) }
    #expect(try directory.walk(atMost: 31).isComplete)
    let few = try directory.walk(atMost: 30)
    #expect(few.entries.count == 30 && !few.isComplete)
    let shallow = try directory.walk(atMost: 100, depthMax: 3)
    #expect(shallow.entries.count == 24 && !shallow.isComplete)
  }
}

struct CopyTests {
  let temporary = TemporaryDirectory()

  @Test(arguments: [0, 1, 100_000, 399_999, 400_000] as [Int64])
  func copiesFromWhereItIsTold(offset: Int64) throws {
    var random = SplitMix64(seed: 9)
    let bytes = random.bytes(400_000)
    try temporary.write("source", bytes)
    let directory = try temporary.open()
    let source = try directory.open("source", O_RDONLY)
    let target = try directory.open("target", O_RDWR | O_CREAT, mode: 0o600)
    try target.write([7])
    try copy(source.raw, from: offset, to: target.raw)
    #expect(try temporary.read("target") == [7] + bytes[Int(offset)...])
    // Between file systems it goes through memory or the kernel, with the same result.
    let memory = try Descriptor.memory("target")
    try copy(source.raw, from: offset, to: memory.raw)
    lseek(memory.raw, 0, SEEK_SET)
    #expect(try memory.read(atMost: 1 << 20) == Array(bytes[Int(offset)...]))
  }
}

struct ExecutableTests {
  @Test
  func findsItself() throws {
    let path = try Executable.path()
    #expect(access(path, X_OK) == 0)
    #expect(try path.hasPrefix(Executable.directory() + "/"))
    #expect(throws: SystemError.self) { try Executable.part("no-such-part") }
    #expect(binary("x") == (try Executable.directory()) + "/x")
  }

  @Test
  func theRootOfTheCheckoutIsFound() throws {
    #expect(access(RepositoryRoot.path + "/Package.swift", R_OK) == 0)
    #expect(SharedData.folder("no-such-folder") == nil)
  }
}
