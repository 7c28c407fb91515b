internal import ArgumentParser
internal import EdgeCoordinator
internal import EdgeJob
internal import EdgeReport
internal import EdgeSpool
internal import EdgeSystem

/// `edgecoder prune`.
struct Prune: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune",
    abstract: "Removes old results and archives; the ledger keeps every entry.",
    discussion: "Example: edgecoder prune --keep 30d   (in a crontab: @daily)")

  @Option(help: "Keeps what ended within this time: 12h, 30d.")
  var keep: String?

  @Option(help: "Keeps this many of the newest.")
  var keepLast: Int?

  @Flag(help: "Only says what would be removed.")
  var dryRun = false

  @OptionGroup var place: SpoolOptions

  func run() throws {
    guard keep != nil || keepLast != nil else {
      throw CommandFailure(.usage, "name --keep or --keep-last", next: "edgecoder prune --keep 30d")
    }
    try NumberRange.check("--keep-last", keepLast, 0 ... .max)
    let site = try Site(place)
    try site.requireOwner()
    let since = try keep.map { site.now() - (try milliseconds($0)) }
    let keep = ControlRequest.Keep(since: since, last: keepLast)
    if dryRun {
      let pruning = try Pruning(site.spool, keeping: keep, now: site.now())
      return tell("would remove", pruning)
    }
    guard let coordinator = try site.lead() else {
      try site.spool.askFor(ControlRequest(pruning: keep))
      if Standard.isTerminal(2) { Console.note("asked the coordinator to prune") }
      return
    }
    let pruning = try coordinator.prune(keeping: keep)
    if Standard.isTerminal(2) { tell("removed", pruning) }
  }

  private func tell(_ what: String, _ pruning: Pruning) {
    Console.note(
      "\(what) \(Amount.count(pruning.results.count, "result")), "
        + Amount.count(pruning.archives.count, "archive"))
  }
}
