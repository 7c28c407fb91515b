import EdgeJob
import EdgeSpool
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// What a submitter may do to his file, before, while and after it is copied.
struct TakeTests {
  let site: Site

  init() throws { site = try Site() }

  private func refusal(_ name: String) -> SpoolError.Kind? {
    kind { () throws(SpoolError) in _ = try site.spool.take(name) }
  }

  @Test func `what happens to the file afterwards changes nothing`() throws {
    let archive = [UInt8](repeating: 1, count: 100_000)
    let job = try site.submit(.number(1), archive)
    // The submitter keeps his inode open.
    let file = try site.spool.root.open("incoming/\(job)", O_RDWR)
    let taken = try site.spool.take("\(job)")
    try file.write([UInt8](repeating: 9, count: 200_000))
    #expect(try site.bytes(Layout.blob(taken.blob)) == archive)
    ftruncate(file.raw, 0)
    #expect(try site.bytes(Layout.blob(taken.blob)) == archive)
    #expect(link(site.path("incoming/\(job)"), site.path("tmp/mine")) == 0)
    #expect(rename(site.path("tmp/mine"), site.path("incoming/\(job)")) == 0)
    try site.spool.removeIncoming("\(job)")
    #expect(try site.bytes(Layout.blob(taken.blob)) == archive)
    #expect(try site.spool.root.status(Layout.blob(taken.blob)).inode != file.status().inode)
  }

  /// The twin: had the file been linked instead of copied, his write would be in the blob.
  @Test func `a link instead of a copy would change`() throws {
    let job = try site.submit(.number(1), [1, 1, 1])
    let file = try site.spool.root.open("incoming/\(job)", O_RDWR)
    #expect(link(site.path("incoming/\(job)"), site.path("blobs/linked")) == 0)
    let before = try site.bytes("blobs/linked")
    try file.write([9])
    #expect(try site.bytes("blobs/linked") != before)
  }

  /// Whatever is copied while he writes, the name of the blob is the digest of its bytes.
  @Test func `a rewrite during the copy gives one consistent blob`() throws {
    let size = 3_000_000
    let job = try site.submit(.number(1), .init(repeating: 0, count: size))
    let path = site.path("incoming/\(job)")
    var digests: Set<String> = []
    try withWriter(path, size: size) {
      for _ in 0..<60 {
        let taken: Taken
        do throws(SpoolError) { taken = try site.spool.take("\(job)") } catch {
          #expect(error.kind == .badInput)
          continue
        }
        digests.insert(taken.blob.hex)
        let stored = try site.bytes(Layout.blob(taken.blob))
        #expect(Digest.of(stored) == taken.blob)
      }
    }
    // The twin: it did change under our hands.
    #expect(digests.count > 1)
    #expect(try site.names("blobs").count == digests.count)
  }

  private func withWriter(
    _ path: String, size: Int, _ body: () throws -> Void
  ) throws {
    let stop = try Signal()
    let descriptor = stop.descriptor
    let writer = WorkThread.start {
      guard let file = try? Directory(path: "/").open(String(path.dropFirst()), O_RDWR) else {
        return
      }
      var random = SplitMix64(seed: 1)
      while Poll.readable([descriptor], milliseconds: 0).isEmpty {
        if random.once(in: 20) { ftruncate(file.raw, off_t(random.number(300...size))) }
        lseek(file.raw, off_t(random.number(300...size)), SEEK_SET)
        try? file.write(random.bytes(64))
      }
    }
    defer {
      stop.raise()
      writer.join()
    }
    try body()
  }

  @Test func `two links are refused`() throws {
    let job = try site.submit()
    #expect(link(site.path("incoming/\(job)"), site.path("tmp/second")) == 0)
    #expect(refusal("\(job)") == .badInput)
    #expect(try site.names("blobs").isEmpty)
    unlink(site.path("tmp/second"))
    #expect(refusal("\(job)") == nil)
  }

  @Test func `what is no regular file is refused at once`() throws {
    try site.temporary.write("secret", text: "secret")
    symlink(site.temporary.path("secret"), site.path("incoming/link"))
    mkfifo(site.path("incoming/fifo"), 0o600)
    mkdir(site.path("incoming/folder"), 0o700)
    try site.write("incoming/folder/file", [1])
    let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(listener) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    // Bound below a short path: an address holds 107 bytes.
    let incoming = try site.spool.root.directory("incoming")
    let path = "/proc/self/fd/\(incoming.raw)/socket"
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    #expect(bound == 0)
    for name in ["link", "fifo", "folder", "socket", "gone", "../spool.json", "folder/file/.."] {
      #expect([.badInput, .unavailable, .notFound].contains(refusal(name)), "\(name)")
    }
    for name in ["link", "fifo", "folder", "socket"] {
      #expect(refusal(name) == .badInput, "\(name)")
      try site.spool.quarantine(name, job: nil, submitter: 0, reason: "no file")
      try site.spool.removeIncoming(name)
    }
    #expect(try site.names("incoming").isEmpty)
    #expect(try site.names("blobs").isEmpty)
    #expect(try site.temporary.read("secret") == Array("secret".utf8))
    // Four reasons and not a byte of what the link led to.
    #expect(try site.names("quarantine").count == 4)
  }

  @Test func `an archive above the limit is refused before it is copied`() throws {
    let limit = Spool.archiveBytesMax
    #expect(limit == 2 << 30)
    let job = try site.submit(.number(1), [1])
    #expect(truncate(site.path("incoming/\(job)"), off_t(limit + 4096)) == 0)
    let free = try site.spool.root.freeSpace().bytes
    let begun = Clocks.bootNanoseconds()
    #expect(refusal("\(job)") == .badInput)
    // Copying two gigabytes takes longer.
    #expect(Clocks.bootNanoseconds() - begun < 1_000_000_000)
    try site.spool.quarantine("\(job)", job: job, submitter: 0, reason: "too long")
    #expect(try site.names("quarantine") == ["\(job).json"])
    #expect(free > 0)
  }

  @Test(arguments: [0, 1, 15, 16, 17, 40]) func `a torn request is refused`(length: Int) throws {
    let head = Submission.head([Request(key: "key")])
    #expect(head.count > 40)
    try site.write("incoming/torn", Array(head.prefix(length)))
    // Too short even for a frame's head: it can only be an archive, which the inspector refuses.
    let expected: SpoolError.Kind? = length < 16 ? nil : .badInput
    #expect(refusal("torn") == expected)
    try site.write("incoming/torn", head)
    #expect(refusal("torn") == nil)
  }

  @Test func `wrong requests are refused`() throws {
    let head: [JSON] = [
      ["schema": "edgecoder.request/2"], [:], .null, .array([]),
      ["schema": "edgecoder.requests/1", "requests": .array([])],
      ["schema": "edgecoder.requests/1", "requests": .array([.null])],
      ["schema": "edgecoder.requests/1", "requests": .array([Request().json]), "more": 1],
    ]
    for json in head {
      try site.write("incoming/wrong", Frame(.request, json.canonical).bytes)
      #expect(refusal("wrong") == .badInput)
    }
    for request in [
      Request(queue: "../../ready"), Request(priority: 101), Request(retries: -1), Request(key: ""),
      Request(account: "a/b"),
    ] {
      try site.write("incoming/wrong", Frame(.request, request.json.canonical).bytes)
      #expect(refusal("wrong") == .badInput)
    }
    // A length that the file does not have is not believed.
    var long = Frame(.request, Request().json.canonical).bytes
    long[8] = 0x01
    try site.write("incoming/wrong", long)
    #expect(refusal("wrong") == .badInput)
    let many: JSON = [
      "schema": "edgecoder.requests/1",
      "requests": .array(.init(repeating: Request().json, count: RequestList.countMax + 1)),
    ]
    try site.write("incoming/wrong", Frame(.request, many.canonical).bytes)
    #expect(refusal("wrong") == .badInput)
  }
}
