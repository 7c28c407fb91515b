import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

extension EndToEnd {
  /// Making a spool, for one user and for several.
  @Suite struct InitTests {}
}

extension EndToEnd.InitTests {
  static let directories = [
    "batches", "blobs", "cancelled", "control", "dead", "done", "held", "incoming", "ledger",
    "quarantine",
    "ready", "spool.json", "tmp", "workers",
  ]

  @Test func layout() throws {
    let place = try Workplace(making: false)
    let made = expect(try place.edgecoder("init", "--json"), 0)
    let document = try made.json
    #expect(document["account"]?.text == "user:local")
    #expect(try place.names("spool") == Self.directories)
    let root = try Directory(path: place.spool)
    for name in Self.directories {
      #expect(
        try root.status(name).mode & 0o777 == (name == "spool.json" ? 0o600 : 0o700), "\(name)")
    }
    #expect(try root.descriptor.status().mode & 0o777 == 0o700)
    let file = try JSON.parse(place.folder.read("spool/spool.json"))
    #expect(file["spool"]?.text == document["spool"]?.text)
    // Keys lie outside, readable by nobody else.
    let keys = try #require(document["keys"]?.text)
    #expect(!keys.hasPrefix(place.spool))
    let key = try Directory(path: keys).status("worker.key")
    #expect(key.mode & 0o777 == 0o600 && key.kind == .file)
    // The protocol on one page speaks of the same directories.
    let page = try Directory(path: "\(RepositoryRoot.path)/queue").read(
      "README.md", atMost: 1 << 20)
    let text = String(decoding: page, as: UTF8.self)
    for name in Self.directories { #expect(text.contains("`\(name)"), "queue/README.md: \(name)") }
  }

  @Test func aSecondInitChangesNothing() throws {
    let place = try Workplace()
    let before = try place.folder.read("spool/spool.json")
    let refused = expect(try place.edgecoder("init"), 73)
    #expect(refused.stdout.isEmpty && refused.errors.contains("already"))
    #expect(try place.folder.read("spool/spool.json") == before)
    expect(try place.edgecoder("status"), 0)
  }

  @Test func aFolderWithOtherThingsIsLeftAlone() throws {
    let place = try Workplace(making: false)
    try place.task("mine", "true")
    expect(try place.shell("edgecoder init --spool mine"), 73)
    #expect(try place.names("mine") == ["instruction.md", "source", "task.toml"])
  }

  @Test func theStartingGrant() throws {
    let place = try Workplace(making: false)
    expect(try place.edgecoder("init", "--grant", "1.5"), 0)
    let balance = try place.edgecoder("ledger", "balance", "--account", "local", "--json").json
    #expect(balance["accounts"]?.elements?.first?["balance"]?.text == "1500000")
    let other = try Workplace(making: false)
    expect(try other.edgecoder("init", "--grant", "0"), 0)
    try other.task("ok", "true")
    let refused = try other.edgecoder("run", other.folder.path("ok"))
    #expect([65, 77].contains(refused.status), "\(refused)")
    #expect(refused.errors.contains("credits available"))
    #expect(try other.ledgerIsClean())
  }

  /// The first use needs no `init`: the standard place is made.
  @Test func theStandardPlace() throws {
    let place = try Workplace(making: false)
    try place.task("ok", "true")
    let bare = "env -u EDGECODER_SPOOL -u EDGECODER_KEYS edgecoder"
    expect(try place.shell("\(bare) status"), 69)
    let run = expect(try place.shell("\(bare) run ok"), 0)
    #expect(run.errors.contains("making a spool at \(place.path)/home/.local/state"))
    expect(try place.shell("\(bare) status --all"), 0)
    #expect(place.exists("home/.local/state/edgecoder/spool/spool.json"))
    #expect(place.exists("home/.config/edgecoder/keys"))
    // A folder named spool in the working directory is never taken for one.
    #expect(!place.exists("spool"))
  }

  @Test func theTestClock() throws {
    let place = try Workplace(making: false)
    expect(try place.edgecoder("init", "--test-clock", "--now", "1000000000000"), 0)
    expect(try place.edgecoder("status", "--now", "1000000000001"), 0)
    let other = try Workplace()
    expect(try other.edgecoder("status", "--now", "1000000000001"), 64)
  }
}
