internal import ArgumentParser
internal import EdgeJob
internal import EdgeReport
internal import EdgeSpool
internal import EdgeSystem

/// `edgecoder drain`.
struct DrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drain",
    abstract: "Lets what runs finish and nothing start, until undrain.",
    discussion: "Example: edgecoder drain --deadline 30m --reason 'new kernel'")

  @Option(help: "What still runs after this time is stopped and put back; no fault is counted.")
  var deadline: String?

  @Option(help: "Why; status shows it.")
  var reason = ""

  @OptionGroup var place: SpoolOptions

  func run() throws {
    let site = try Site(place)
    try site.requireOwner()
    let now = site.now()
    let until = try deadline.map { now + (try milliseconds($0)) }
    try site.spool.set(Drain(since: now, deadline: until, reason: reason))
    let running = try site.spool.workerItems().count { $0.state == .running }
    Console.note(
      "\(Amount.count(running, "job")) may finish; nothing starts before: edgecoder undrain")
  }
}

/// `edgecoder undrain`.
struct Undrain: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "undrain",
    abstract: "Lets jobs start again after drain.",
    discussion: "Example: edgecoder undrain")

  @OptionGroup var place: SpoolOptions

  func run() throws {
    let site = try Site(place)
    try site.requireOwner()
    try site.spool.set(nil)
  }
}
