internal import ArgumentParser
internal import EdgeJob
internal import EdgeReport
internal import EdgeSpool
internal import EdgeSystem

/// `edgecoder init`.
struct Init: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Makes a spool with its ledger and an account for you.",
    discussion: "Example: edgecoder init --spool /srv/edgecoder --grant 500")

  @OptionGroup var place: SpoolOptions
  @OptionGroup var output: OutputOptions

  @Option(help: "Lets the members of this group submit.")
  var shared: String?

  @Option(help: "Credits that the account local starts with; 0 for none.")
  var grant: String?

  @Flag(help: "Lets --now stand in for the clock; for tests.")
  var testClock = false

  func run() throws {
    var group: UInt32?
    if let shared {
      group = Identity.group(named: shared)
      if group == nil { throw CommandFailure(.usage, "there is no group \(shared)") }
    }
    var credits = NewSite.startingGrant
    if let grant {
      guard let parsed = Credits(decimal: grant) else {
        throw CommandFailure(.usage, "\(grant) is no amount", next: "write 500 or 0.5")
      }
      credits = parsed
    }
    let spool: Spool
    do {
      spool = try NewSite.make(
        at: place.path, options: place, group: group, testClock: testClock, grant: credits)
    } catch let error as SpoolError where error.kind == .conflict || error.kind == .unavailable {
      throw CommandFailure(.cannotCreate, error.what, next: error.hint)
    }
    try output.render(
      Document(
        schema: "edgecoder.init/1",
        properties: [
          Property("path", Cell(spool.path)), Property("spool", Cell(spool.id)),
          Property("account", "user:local"),
          Property("grant", Cell(Amount.credits(credits)), .string(String(credits.micro))),
          Property("keys", Cell(place.keyFolder(spool))),
        ]))
  }
}
