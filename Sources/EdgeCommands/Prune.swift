internal import ArgumentParser
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
    // Nobody may assign or settle meanwhile.
    guard let leadership = try Leadership.take(site.spool) else { return }
    try prune(site)
    leadership.giveBack()
  }

  private func prune(_ site: Site) throws {
    let border = try keep.map { (site.now() - (try milliseconds($0))) * 1_000_000 }
    var ended: [(path: String, modified: Int64)] = []
    for state in [JobState.done, .cancelled, .dead] {
      for job in try site.spool.jobs(state) {
        let path = Layout.path(state, job)
        ended.append((path, try site.spool.root.status(path).modified))
      }
    }
    ended.sort { $0.modified > $1.modified }
    let removed = ended.dropFirst(keepLast ?? 0).filter { entry in
      border.map { entry.modified < $0 } ?? true
    }
    for entry in removed where !dryRun { try site.spool.root.remove(entry.path) }
    let blobs = try unusedBlobs(site, kept: ended.count - removed.count, border: border)
    for blob in blobs where !dryRun { try site.spool.root.remove(blob) }
    if dryRun || Standard.isTerminal(2) {
      Console.note(
        "\(dryRun ? "would remove" : "removed") \(Amount.count(removed.count, "result")), "
          + Amount.count(blobs.count, "archive"))
    }
  }

  /// Archives that no ticket anywhere names, and that are older than the border.
  private func unusedBlobs(_ site: Site, kept: Int, border: Int64?) throws -> [String] {
    var used: Set<String> = []
    let view = JobView(site.spool)
    for (_, path) in try site.spool.readyJobs() {
      used.insert(try site.spool.ticket(at: path).blob.hex)
    }
    for item in try site.spool.workerItems() {
      if let ticket = try? site.spool.ticket(at: item.path) { used.insert(ticket.blob.hex) }
    }
    for state in [JobState.held, .dead, .cancelled] {
      for job in try site.spool.jobs(state) {
        let place = Place(state: state, path: Layout.path(state, job), worker: nil, fence: nil)
        if let ticket = try? view.ticket(at: place, job) { used.insert(ticket.blob.hex) }
      }
    }
    for (id, next) in try site.spool.openBatches() {
      let place = BatchPlace(open: id, next: next)
      if let batch = try? site.spool.batch(at: place).batch { used.insert(batch.blob.hex) }
    }
    let oldest = border ?? (site.now() - 60_000) * 1_000_000
    let directory = try site.spool.directory(Layout.blobs)
    return try directory.entries().filter { name in
      guard !used.contains(name), let status = try? directory.status(name) else { return false }
      return status.modified < oldest
    }.map { "\(Layout.blobs)/\($0)" }
  }
}
