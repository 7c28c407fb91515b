import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Testing

extension EndToEnd {
  /// Spools that earlier versions left, each made by `Fixtures/make-spool.sh` of its time: they are
  /// read, verified and gone on with.
  @Suite struct FixtureTests {}
}

extension EndToEnd.FixtureTests {
  static let fixtures = ["spool-1.tar.gz"]

  /// A copy of a fixture to work on.
  private func unpacked(_ fixture: String) throws -> Workplace {
    let place = try Workplace(making: false)
    let path = "\(RepositoryRoot.path)/Tests/EndToEndTests/Fixtures/\(fixture)"
    expect(try place.shell("tar --no-same-owner -xzf '\(path)'"), 0)
    return place
  }

  @Test(arguments: fixtures) func itIsRead(fixture: String) throws {
    let place = try unpacked(fixture)
    let rows = try place.rows()
    let states = Dictionary(grouping: rows) { $0["state"]?.text ?? "" }.mapValues(\.count)
    #expect(
      states == [
        "done": 6, "held": 1, "ready": 1, "cancelled": 1, "dead": 1, "quarantine": 1, "incoming": 3,
      ])
    let endings = rows.compactMap { $0["ending"] }.map {
      $0["verdict"]?.text ?? $0["ending"]?.text ?? ""
    }
    #expect(
      endings.sorted() == ["cancelled", "dead", "failed"] + Array(repeating: "passed", count: 5)
        + ["rejected"])
    for row in rows where row["state"]?.text == "done" {
      let job = try #require(row["job"]?.text)
      expect(try place.shell("edgecoder result \(job) -o out-\(job)"), 0)
      expect(try place.edgecoder("logs", job), 0)
      expect(try place.edgecoder("result", job, "--receipt", "-o", "-"), 0)
      #expect(row["charged"]?.text != nil && row["receipt"]?.text != nil)
    }
    // Nothing was written by looking.
    #expect(try place.names("spool/incoming").count == 2)
  }

  @Test(arguments: fixtures) func itsLedgerVerifies(fixture: String) throws {
    let place = try unpacked(fixture)
    let verified = expect(try place.edgecoder("ledger", "verify", "--json"), 0)
    #expect(try verified.json["result"]?.text == "clean")
    let statement = try place.edgecoder("ledger", "statement", "--json").json
    let lines = try #require(statement["lines"]?.elements)
    #expect(lines.count { $0["kind"]?.text == "spend" } == 6)
    let balance = try place.edgecoder("ledger", "balance", "--account", "ci", "--json").json
    #expect(balance["accounts"]?.elements?.first?["balance"]?.text == "12500000")
    // The receipts that it pays are those in the spool, signed with the key that it names.
    let key = try place.shell("edgecoder ledger balance | grep -c worker:local")
    #expect(key.lines == ["1"])
  }

  /// Everything but running, for which its keys would be needed.
  @Test(arguments: fixtures) func itIsGoneOnWith(fixture: String) throws {
    let place = try unpacked(fixture)
    let before = try place.edgecoder("ledger", "verify", "--json").json["entries"]?.integer
    expect(try place.edgecoder("schedule", "--once"), 0)
    expect(try place.edgecoder("settle", "--once"), 0)
    #expect(try place.names("spool/incoming").isEmpty)
    let rows = try place.rows()
    func jobs(_ state: String) -> [String] {
      rows.filter { $0["state"]?.text == state }.compactMap { $0["job"]?.text }
    }
    #expect(jobs("ready").count == 4)
    for (verb, state) in [("release", "held"), ("retry", "dead"), ("retry", "cancelled")] {
      expect(try place.edgecoder(verb, try #require(jobs(state).first)), 0)
    }
    for job in jobs("ready") { expect(try place.edgecoder("cancel", job), 0) }
    expect(try place.edgecoder("account", "grant", "ci", "1", "--reason", "more"), 0)
    // The key of a submission names the same job as before.
    let hello = "\(Workplace.examples)/hello.shell"
    let key = try place.edgecoder("submit", hello, "--key", "hello")
    let wanted = try JobRows.job(of: "hello.shell", ended: "passed", in: rows)
    #expect(key.status == 65 || key.lines == [wanted], "\(key)")
    expect(try place.edgecoder("schedule", "--once"), 0)
    expect(try place.edgecoder("prune", "--keep-last", "1"), 0)
    let after = expect(try place.edgecoder("ledger", "verify", "--json"), 0)
    #expect(try after.json["entries"]?.integer ?? 0 > before ?? 0)
  }

  /// New jobs run in it once a worker has a key that its ledger knows; without one, the program
  /// says what is missing and hands nothing over.
  @Test(arguments: fixtures) func withoutItsKeysNothingRuns(fixture: String) throws {
    let place = try unpacked(fixture)
    let result = try place.edgecoder("worker", "--until-idle", "0")
    #expect([69, 77].contains(result.status), "\(result)")
    #expect(result.errors.contains("worker.key"))
  }
}

/// Lookups in lists of jobs.
private enum JobRows {
  static func job(of task: String, ended: String, in rows: [JSON]) throws -> String {
    let row = rows.first { $0["task"]?.text == task && $0["ending"]?["verdict"]?.text == ended }
    guard let job = row?["job"]?.text else { throw Unexpected("no \(task) that \(ended)") }
    return job
  }
}
