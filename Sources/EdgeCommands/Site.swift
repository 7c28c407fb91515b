internal import EdgeCoordinator
internal import EdgeJob
internal import EdgeLedger
internal import EdgeSpool
internal import EdgeSystem
internal import EdgeTrust

/// A spool with its ledger, opened by who owns it: the composition of the coordinator's side.
struct Site {
  let spool: Spool
  let options: SpoolOptions
  let now: () -> Int64

  /// Opens the spool that the options name; makes the standard one at its first use.
  init(_ options: SpoolOptions, making: Bool = false) throws {
    let isMissing = making && options.isStandard && !Site.isThere(options.path)
    if isMissing { Console.note("making a spool at \(options.path)") }
    spool =
      isMissing
      ? try NewSite.make(at: options.path, options: options, group: nil) : try options.open()
    self.options = options
    now = try options.clock(spool)
  }

  private static func isThere(_ path: String) -> Bool {
    (try? Directory(path: path).contains(SpoolFile.name)) ?? false
  }

  /// True where this user owns the spool, and so may lead it.
  var isOurs: Bool { Identity.user == spool.owner }

  var ledgerPath: String { "\(spool.path)/\(Layout.ledger)" }

  /// The ledger for reading.
  func ledger() throws -> Ledger {
    try requireOwner()
    return try Ledger(at: ledgerPath, readOnly: true)
  }

  /// Ledger, lists and workers belong to the owner alone; root may look.
  func requireOwner() throws {
    guard !isOurs, Identity.user != 0 else { return }
    throw CommandFailure(
      .notPermitted, "the spool belongs to uid \(spool.owner), not to you", place: spool.path,
      next: "submit, wait, status JOB, logs, result, cancel and the like work for your own jobs")
  }

  static let actor = "coordinator"

  /// Takes the lead; nil where another process has it.
  /// - Parameter waiting: waits for the lead; nil asks once.
  func lead(waiting: (() throws(SpoolError) -> Leadership?)? = nil) throws -> Coordinator? {
    try requireOwner()
    // Asking first: opening the ledger costs far more, and a waiting `run` asks often.
    if waiting == nil, Leadership.isHeld(spool) { return nil }
    let ledger = try Ledger(at: ledgerPath)
    return try Coordinator.lead(
      spool, ledger: ledger, policy: Policy(), inspector: try ArchiveConfined.process(),
      actor: Site.actor, waiting: waiting, now: now)
  }

  /// Writes into the ledger as the leader, waiting up to ten seconds for another one to finish.
  func write(_ body: (borrowing LedgerWriter) throws(LedgerError) -> Void) throws {
    try requireOwner()
    let deadline = Clocks.bootNanoseconds() + 10_000_000_000
    while try !writeAsLeader(body) {
      guard Clocks.bootNanoseconds() < deadline else {
        throw CommandFailure(
          .temporary, "another process leads this spool", place: spool.path,
          next: "repeat the command when it has finished")
      }
      _ = Poll.readable([], milliseconds: 50)
    }
  }

  /// - Returns: false where another process leads.
  private func writeAsLeader(_ body: (borrowing LedgerWriter) throws(LedgerError) -> Void) throws
    -> Bool
  {
    guard let leadership = try Leadership.take(spool) else { return false }
    let ledger = try Ledger(at: ledgerPath)
    let epoch = try ledger.takeEpoch(now: now(), actor: Site.actor)
    try ledger.write(epoch: epoch, now: now(), actor: Site.actor, body)
    leadership.giveBack()
    return true
  }

  /// The key that signs the receipts of this user's workers.
  func workerKey() throws -> SigningKey { try Site.workerKey(options.keyFolder(spool)) }

  static func workerKey(_ folder: String) throws -> SigningKey {
    try SigningKey.load("\(folder)/worker.key")
  }
}

/// Makes a spool, its ledger and its first key.
enum NewSite {
  /// What the account `local` gets, so that first use needs no accounting.
  static let startingGrant = Credits(micro: 1_000_000_000_000)

  static func make(
    at path: String, options: SpoolOptions, group: UInt32?, testClock: Bool = false,
    grant: Credits? = startingGrant
  ) throws -> Spool {
    let spool = try Spool.create(at: path, sharedWith: group, testClock: testClock)
    let now = try options.clock(spool)
    let folder = options.keyFolder(spool)
    try makePath(folder)
    let key = SigningKey.generate()
    try key.store("\(folder)/worker.key")
    let directory = "\(path)/\(Layout.ledger)"
    let ledger = try Ledger.create(at: directory, spool: spool.id, now: now(), actor: Site.actor)
    let epoch = try ledger.takeEpoch(now: now(), actor: Site.actor)
    try ledger.write(epoch: epoch, now: now(), actor: Site.actor) {
      (writer: borrowing LedgerWriter) throws(LedgerError) in
      _ = try writer.addKey(
        id: key.publicKey.id, algorithm: "ed25519", publicKey: key.publicKey.bytes,
        purpose: "worker", holder: "local")
      _ = try writer.openAccount("worker:local", kind: .worker, reason: "init")
      _ = try writer.openAccount("user:local", kind: .user, reason: "init")
      _ = try writer.allow(uid: spool.owner, account: "user:local", makeDefault: true)
      if let grant, grant > .zero {
        try writer.issue(grant, reason: "starting grant")
        try writer.grant("user:local", grant, reason: "starting grant")
      }
    }
    return spool
  }

  private static func makePath(_ path: String) throws {
    var current = path.hasPrefix("/") ? "/" : "."
    for part in path.split(separator: "/") {
      let parent = try Directory(path: current)
      try parent.ensureDirectory(String(part), mode: 0o700)
      current += current == "/" ? String(part) : "/\(part)"
    }
  }
}
