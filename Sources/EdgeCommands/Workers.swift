internal import ArgumentParser
internal import EdgeJob
internal import EdgeReport
internal import EdgeSpool
internal import EdgeSystem

/// `edgecoder workers`.
struct Workers: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "workers", abstract: "Lists the workers, and why some take no jobs.",
    discussion: "Example: edgecoder workers --json")

  @OptionGroup var place: SpoolOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let site = try Site(place)
    try site.requireOwner()
    var rows: [WorkerRow] = []
    for id in try site.spool.workerIDs() {
      let running = try site.spool.workerItems(of: id).count { $0.state == .running }
      let isAlive = try site.spool.seemsAlive(id, now: Clocks.milliseconds())
      rows.append(Workers.row(id, site.spool, isAlive: isAlive, running: Int64(running)))
    }
    try output.render(Document(schema: "edgecoder.workers/1", list: "workers", rows: rows))
  }

  private static func row(_ id: String, _ spool: Spool, isAlive: Bool, running: Int64)
    -> WorkerRow
  {
    guard let file = spool.workerFile(id) else {
      return WorkerRow(id: id, state: "unknown", slots: 0, running: running, profiles: [])
    }
    let drain = spool.drain(of: file)
    var state = running > 0 ? "busy" : "idle"
    if drain != nil || file.draining { state = "draining" }
    if !isAlive { state = "lost" }
    return WorkerRow(
      id: id, state: state, slots: file.slots, running: running, profiles: file.profiles,
      seen: spool.lastSign(of: id),
      why: drain?.reason ?? file.why)
  }
}
