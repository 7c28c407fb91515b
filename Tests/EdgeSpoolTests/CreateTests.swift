import EdgeJob
import EdgeSpool
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// What `init` makes, and what opening refuses.
struct CreateTests {
  let temporary = TemporaryDirectory()

  private func create(_ name: String = "spool", group: UInt32? = nil) throws(SpoolError) -> Spool {
    try Spool.create(at: temporary.path(name), sharedWith: group, testClock: false)
  }

  private func modes(_ spool: Spool) throws -> [String: UInt32] {
    var modes: [String: UInt32] = [:]
    for name in try spool.root.entries() { modes[name] = try spool.root.status(name).mode }
    modes["."] = try spool.root.descriptor.status().mode
    return modes
  }

  /// The words of the architecture, spelled here a second time on purpose.
  private static let names = [
    "tmp", "incoming", "ready", "held", "workers", "done", "dead", "cancelled", "quarantine",
    "blobs", "control", "batches",
  ]

  @Test func `a new spool has the folders of the architecture, for its owner alone`() throws {
    var expected = Dictionary(uniqueKeysWithValues: Self.names.map { ($0, UInt32(0o700)) })
    expected["spool.json"] = 0o600
    expected["."] = 0o700
    let old = umask(0)
    let spool = try create()
    umask(old)
    #expect(try modes(spool) == expected)
    for name in Self.names where name != "batches" {
      #expect(try spool.root.directory(name).names().isEmpty)
    }
    #expect(try spool.root.directory("batches").entries() == ["admitted"])
  }

  @Test func `a shared spool has drop boxes and passages`() throws {
    let group: UInt32 = Identity.user == 0 ? 59110 : getegid()
    let spool = try create(group: group)
    #expect(spool.isShared)
    var expected = Dictionary(uniqueKeysWithValues: Self.names.map { ($0, UInt32(0o700)) })
    for name in ["tmp", "incoming", "control"] { expected[name] = 0o1733 }
    for name in ["done", "dead", "cancelled", "held", "quarantine"] { expected[name] = 0o711 }
    expected["spool.json"] = 0o644
    expected["."] = 0o750
    #expect(try modes(spool) == expected)
    #expect(try spool.root.descriptor.status().group == group)
  }

  @Test func `the bytes of spool.json are final`() throws {
    let file = SpoolFile(
      id: "01hf7yat00041061050r3gg28a", created: 1_700_000_000_000, features: ["shared"])
    let golden =
      #"{"created":1700000000000,"features":["shared"],"format":1,"#
      + #""schema":"edgecoder.spool/1","spool":"01hf7yat00041061050r3gg28a"}"#
    #expect(String(decoding: file.json.canonical, as: UTF8.self) == golden)
    #expect(try SpoolFile(bytes: Array((golden + "\n").utf8)) == file)
    let spool = try create()
    let bytes = try spool.root.read("spool.json", atMost: 4096)
    #expect(bytes == spool.file.json.canonical + [0x0A])
    #expect(JobID(spool.id) != nil)
    #expect(try Spool(path: spool.path).file == spool.file)
  }

  @Test(arguments: [
    #""format":2"#, #""format":0"#, #""features":["shared","later"]"#, #""features":["Shared"]"#,
    #""schema":"edgecoder.spool/2""#, #""spool":"../../x""#, #""more":1"#, "not json",
  ])
  func `an unknown format or feature is refused`(change: String) throws {
    let spool = try create()
    var members = [
      "created": "1", "features": "[]", "format": "1", "schema": "\"edgecoder.spool/1\"",
      "spool": "\"\(spool.id)\"",
    ]
    let parts = change.split(separator: ":", maxSplits: 1)
    if parts.count == 2 { members[String(parts[0].dropFirst().dropLast())] = String(parts[1]) }
    let text = members.map { "\"\($0)\":\($1)" }.joined(separator: ",")
    try temporary.write("spool/spool.json", text: parts.count == 2 ? "{\(text)}" : change)
    #expect(kind { () throws(SpoolError) in _ = try Spool(path: spool.path) } == .unknownFormat)
    // The twin: the same text without the change opens.
    members["features"] = "[]"
    members["format"] = "1"
    members["schema"] = "\"edgecoder.spool/1\""
    members["spool"] = "\"\(spool.id)\""
    members["more"] = nil
    let good = members.map { "\"\($0)\":\($1)" }.joined(separator: ",")
    try temporary.write("spool/spool.json", text: "{\(good)}")
    #expect(kind { () throws(SpoolError) in _ = try Spool(path: spool.path) } == nil)
  }

  @Test func `where there is no spool, it says so`() throws {
    let path = temporary.path("nothing")
    #expect(kind { () throws(SpoolError) in _ = try Spool(path: path) } == .unavailable)
    #expect(kind { () throws(SpoolError) in _ = try Spool(path: temporary.path) } == .unavailable)
  }

  @Test func `neither a spool nor other people's files are taken over`() throws {
    let id = try create().id
    #expect(kind { () throws(SpoolError) in _ = try create() } == .conflict)
    #expect(try Spool(path: temporary.path("spool")).id == id)
    mkdir(temporary.path("home"), 0o755)
    chmod(temporary.path("home"), 0o755)
    try temporary.write("home/letter", text: "dear")
    #expect(kind { () throws(SpoolError) in _ = try create("home") } == .conflict)
    #expect(try temporary.open().status("home").mode == 0o755)
    #expect(try temporary.open().directory("home").entries() == ["letter"])
  }

  @Test func `what an interrupted creation left is completed`() throws {
    try temporary.open().makeDirectory("half", mode: 0o777)
    try temporary.open().makeDirectory("half/incoming", mode: 0o777)
    try temporary.open().makeDirectory("half/blobs", mode: 0o777)
    let path = temporary.path("half")
    #expect(kind { () throws(SpoolError) in _ = try Spool(path: path) } == .unavailable)
    let spool = try create("half")
    #expect(try modes(spool)["incoming"] == 0o700)
    #expect(try modes(spool)["blobs"] == 0o700)
  }

  @Test func `parents that are missing are made`() throws {
    let spool = try create("a/b/c/spool")
    #expect(try temporary.open().status("a/b").mode == 0o700)
    #expect(try Spool(path: spool.path).id == spool.id)
  }

  @Test(arguments: names + [".", "ledger"], [UInt32(0o720), 0o702, 0o777, 0o2770])
  func `a folder that others may write is refused`(name: String, mode: UInt32) throws {
    let groups: [UInt32?] = [nil, getegid()]
    for group in groups {
      let place = group == nil ? "single" : "shared"
      let spool = try create(place, group: group)
      try spool.root.ensureDirectory(Layout.ledger)
      #expect(kind { () throws(SpoolError) in _ = try Spool(path: spool.path) } == nil)
      #expect(chmod(temporary.path("\(place)/\(name)"), mode) == 0)
      let refusal = kind { () throws(SpoolError) in _ = try Spool(path: spool.path) }
      #expect(refusal == .notPermitted, "\(place) \(name)")
    }
  }

  @Test func `a drop box must be sticky`() throws {
    let spool = try create(group: getegid())
    chmod(temporary.path("spool/incoming"), 0o733)
    #expect(kind { () throws(SpoolError) in _ = try Spool(path: spool.path) } == .notPermitted)
    chmod(temporary.path("spool/incoming"), 0o1733)
    #expect(kind { () throws(SpoolError) in _ = try Spool(path: spool.path) } == nil)
  }

  @Test func `spool.json and the folders are no links`() throws {
    let spool = try create()
    let other = try create("other")
    rename(temporary.path("spool/spool.json"), temporary.path("elsewhere"))
    symlink(temporary.path("elsewhere"), temporary.path("spool/spool.json"))
    #expect(kind { () throws(SpoolError) in _ = try Spool(path: spool.path) } == .unavailable)
    rename(temporary.path("other/ready"), temporary.path("ready"))
    symlink(temporary.path("ready"), temporary.path("other/ready"))
    #expect(kind { () throws(SpoolError) in _ = try Spool(path: other.path) } != nil)
  }

  @Test func `an id from a key is always the same, and another one in another spool`() throws {
    let spool = try create()
    let other = try create("other")
    let job = spool.jobID(account: "user:local", key: "nightly-1")
    #expect(try Spool(path: spool.path).jobID(account: "user:local", key: "nightly-1") == job)
    #expect(spool.jobID(account: "user:local", key: "nightly-2") != job)
    #expect(spool.jobID(account: "user:other", key: "nightly-1") != job)
    #expect(other.jobID(account: "user:local", key: "nightly-1") != job)
    #expect(spool.jobID(account: "user:local", key: nil) != spool.jobID(account: "", key: nil))
  }
}
