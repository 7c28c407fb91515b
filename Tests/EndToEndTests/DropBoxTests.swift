import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

extension EndToEnd {
  /// One spool, its owner and two other people.
  @Suite(
    .enabled(if: geteuid() == 0, "only root can be several people"), .program("setpriv"))
  struct SharedSpoolTests {}
}

/// A shared spool of root or of an ordinary user, with the program where everybody can start it.
private final class SharedPlace {
  let place: Workplace
  static let group = 7100

  init(shared: Bool = true, owner: Int? = nil) throws {
    place = try Workplace(making: false)
    let script = """
      chmod 755 . home && mkdir bin tasks && cp --reflink=auto \(Workplace.program)* bin/ 2>&-
      cp -rL \(Workplace.binaries)/sandbox-profiles bin/
      for uid in 7000 7001 7002; do mkdir $uid && chown $uid $uid; done
      """
    expect(try place.shell(script), 0)
    let make = "init -q \(shared ? "--shared \(SharedPlace.group)" : "")"
    if let owner {
      expect(try place.shell("mkdir spool && chown \(owner) spool"), 0)
      expect(try run(as: owner, make), 0)
    } else {
      expect(try place.shell("edgecoder \(make)"), 0)
    }
    try place.task("ok", "echo mine")
    expect(try place.shell("chmod -R a+rX ok bin"), 0)
  }

  /// Runs the program as somebody else.
  func run(as uid: Int, _ arguments: String) throws -> ProgramResult {
    try place.shell(
      """
      export HOME=$PWD/\(uid) EDGECODER_KEYS=$PWD/\(uid)/keys
      exec setpriv --reuid \(uid) --regid \(Self.group) --clear-groups \
        bin/edgecoder \(arguments)
      """)
  }
}

extension EndToEnd.SharedSpoolTests {
  @Test func aSpoolForOneIsForOne() throws {
    let shared = try SharedPlace(shared: false)
    for command in ["status", "submit ok", "schedule --once", "ledger verify", "run ok"] {
      expect(try shared.run(as: 7001, command), 77)
    }
    // Also where its owner is careless.
    expect(try shared.place.shell("chmod -R a+rX spool && chown -R 7002 spool"), 0)
    let refused = expect(try shared.run(as: 7001, "status"), 77)
    #expect(refused.errors.contains("belongs to uid 7002"), "\(refused)")
  }

  @Test func anotherUserSubmitsAndSeesHisOwn() throws {
    let shared = try SharedPlace()
    let place = shared.place
    for command in [
      "account create ci", "account grant ci 100 --reason test",
      "account allow ci --uid 7001 --default",
    ] { expect(try place.shell("edgecoder \(command)"), 0) }
    try place.startServices()
    defer { place.stopServices() }

    let waited = expect(try shared.run(as: 7001, "submit ok --wait --timeout 30s --json"), 0)
    let row = try #require(try waited.json["jobs"]?.elements?.first)
    #expect(row["account"]?.text == "user:ci" && row["ending"]?["verdict"]?.text == "passed")
    let job = try #require(row["job"]?.text)
    for command in ["status \(job)", "logs \(job)", "wait \(job)"] {
      expect(try shared.run(as: 7001, command), 0)
      expect(try place.shell("edgecoder \(command)"), 0)
    }
    #expect(try shared.run(as: 7001, "logs \(job)").output == "mine\n")
    expect(try shared.run(as: 7001, "result \(job) -o 7001/out"), 0)
    #expect(place.exists("7001/out/result.json"))
    for command in ["logs \(job)", "result \(job) -o 7002/out", "status \(job)"] {
      let refused = expect(try shared.run(as: 7002, command), 77)
      #expect(!refused.output.contains("mine"))
    }
    // What belongs to the owner alone.
    for command in [
      "status", "ledger verify", "ledger balance", "schedule --once", "settle --once", "run ok",
      "prune --keep-last 0", "account create mine", "worker",
    ] { expect(try shared.run(as: 7001, command), 77) }
    #expect(try place.rows().count == 1, "a refused run hands nothing over")
  }

  /// No root anywhere: owner, submitter and a stranger are ordinary users.
  @Test func anOrdinaryUserMayShare() throws {
    let shared = try SharedPlace(owner: 7000)
    expect(try shared.run(as: 7000, "account allow local --uid 7001 --default"), 0)
    let job = try #require(try shared.run(as: 7001, "submit ok").lines.first)
    expect(try shared.run(as: 7000, "run --resume"), 0)
    expect(try shared.run(as: 7001, "wait \(job) --timeout 5s"), 0)
    #expect(try shared.run(as: 7001, "logs \(job)").output == "mine\n")
    expect(try shared.run(as: 7002, "logs \(job)"), 77)
    expect(try shared.run(as: 7001, "ledger verify"), 77)
    expect(try shared.run(as: 7000, "ledger verify"), 0)
  }

  @Test func whoMayNotChargeIsRejected() throws {
    let shared = try SharedPlace()
    try shared.place.startServices()
    defer { shared.place.stopServices() }
    for account in ["", "--account local"] {
      let refused = try shared.run(as: 7002, "submit ok --wait --timeout 30s \(account)")
      #expect([65, 77].contains(refused.status), "\(refused)")
      #expect(refused.output.contains("may not charge"), "\(refused)")
    }
    #expect(try shared.place.ledgerIsClean())
  }

  /// Requests in `control/` are obeyed for one's own jobs only.
  @Test func cancellingIsForOnesOwn() throws {
    let shared = try SharedPlace()
    let place = shared.place
    expect(try place.shell("edgecoder account allow local --uid 7001 --default"), 0)
    try place.startServices()
    defer { place.stopServices() }
    let job = try #require(try shared.run(as: 7001, "submit ok --hold later").lines.first)
    try place.wait(job, for: "held")
    expect(try shared.run(as: 7002, "cancel \(job)"), 0)
    try eventually("the request was read") { try place.names("spool/control").isEmpty }
    #expect(try place.state(job) == "held")
    expect(try shared.run(as: 7001, "release \(job)"), 0)
    expect(try shared.run(as: 7001, "wait \(job) --timeout 30s"), 0)
  }
}
