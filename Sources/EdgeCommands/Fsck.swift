internal import ArgumentParser
internal import EdgeCoordinator
internal import EdgeJob
internal import EdgeLedger
internal import EdgeReport
internal import EdgeSpool
internal import EdgeSystem

/// `edgecoder fsck`.
struct Fsck: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fsck",
    abstract: "Holds every file of a spool against its name, the others, and the ledger.",
    discussion: """
      Example: edgecoder fsck --archives

      Nobody may lead meanwhile; workers may work. With --repair what is no file of ours goes into \
      quarantine with the reason, and what the ledger knows of is made anew. The ledger itself is \
      verified and never changed.
      """)

  @Flag(help: "Mends what can be mended.")
  var repair = false

  @Flag(help: "Also reads every archive and compares its digest.")
  var archives = false

  @OptionGroup var place: SpoolOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let missing = try Spool.missingDirectories(at: place.path).map {
      SpoolFinding(kind: .missingDirectory, path: $0, job: nil, problem: "it is not there")
    }
    if !missing.isEmpty {
      if repair {
        try Spool.makeMissingDirectories(at: place.path)
      } else {
        return try answer(missing, left: missing)
      }
    }
    let site = try Site(place)
    try site.requireOwner()
    let verification = try site.ledger().verify()
    guard verification.isClean else {
      throw CommandFailure(
        .tampered, "the ledger was changed, so the spool was not examined", place: site.ledgerPath,
        why: verification.findings.first?.description,
        next: "restore it from a backup, then repeat this")
    }
    let (found, left) = repair ? try mend(site) : try look(site)
    try answer(missing + found, left: left)
  }

  private func examine(_ site: Site) throws -> [SpoolFinding] {
    var examination = Examination(site.spool, ledger: try site.ledger(), withArchives: archives)
    return try examination.run()
  }

  private func look(_ site: Site) throws -> (found: [SpoolFinding], left: [SpoolFinding]) {
    guard let leadership = try Leadership.take(site.spool) else { throw busy(site) }
    let found = try examine(site)
    leadership.giveBack()
    return (found, found)
  }

  private func mend(_ site: Site) throws -> (found: [SpoolFinding], left: [SpoolFinding]) {
    guard let coordinator = try site.lead() else { throw busy(site) }
    let found = try examine(site)
    try coordinator.repair(found)
    EventLines.print(coordinator)
    return (found, try examine(site))
  }

  private func busy(_ site: Site) -> CommandFailure {
    CommandFailure(
      .temporary, "another process leads this spool", place: site.spool.path,
      next: "stop the coordinator, then repeat this")
  }

  private func answer(_ found: [SpoolFinding], left: [SpoolFinding]) throws {
    let open = Set(left)
    let isNew = left.filter { !found.contains($0) }
    try output.render(
      Document(
        schema: "edgecoder.fsck/1", list: "findings",
        rows: (found + isNew).map { SpoolFindingRow($0, isLeft: open.contains($0)) },
        facts: [
          JSON.Member("found", .int(Int64(found.count))),
          JSON.Member("left", .int(Int64(left.count))),
        ]))
    if left.isEmpty { return }
    throw CommandFailure(
      .internal, "\(Amount.count(left.count, "finding")) left", place: place.path,
      next: repair ? "see the docs on operating for each kind" : "edgecoder fsck --repair")
  }
}

/// A finding as a line.
private struct SpoolFindingRow: Row {
  let finding: SpoolFinding
  let isLeft: Bool

  init(_ finding: SpoolFinding, isLeft: Bool) {
    self.finding = finding
    self.isLeft = isLeft
  }

  static let columns = [
    Column("KIND"), Column("STATE"), Column("PATH"), Column("PROBLEM", canShrink: true),
  ]

  private var state: String { isLeft ? "left" : "mended" }

  var cells: [Cell] {
    [Cell(finding.kind.rawValue), Cell(state), Cell(finding.path), Cell(finding.problem)]
  }

  var plain: String { "\(finding.kind.rawValue)\t\(state)\t\(finding.path)" }

  var json: JSON {
    .members([
      ("kind", .string(finding.kind.rawValue)), ("state", .string(state)),
      ("path", .string(finding.path)), ("job", finding.job.map { .string($0.description) }),
      ("problem", .string(finding.problem)),
    ])
  }
}
