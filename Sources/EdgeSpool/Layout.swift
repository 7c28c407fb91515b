package import EdgeJob

/// The names in a spool. Nobody else spells them.
package enum Layout {
  /// Unfinished files, on the same file system.
  package static let temporary = "tmp"
  /// Submissions that nobody has admitted.
  package static let incoming = "incoming"
  /// Jobs that may start: `ready/QUEUE/SHARD/JOB`.
  package static let ready = "ready"
  /// Jobs that wait for somebody.
  package static let held = "held"
  /// A folder for each worker.
  package static let workers = "workers"
  /// Jobs that ended with a result, expired, or fell with a dependency.
  package static let done = "done"
  /// Jobs whose faults used up their budget.
  package static let dead = "dead"
  /// Jobs that a user ended.
  package static let cancelled = "cancelled"
  /// What could not be admitted or settled, with the reason.
  package static let quarantine = "quarantine"
  /// Task archives by their digest.
  package static let blobs = "blobs"
  /// Batches whose jobs do not all have a ticket: `batches/ID.NEXT`.
  package static let batches = "batches"
  /// Batches whose jobs all have had a ticket.
  package static let admittedBatches = "batches/admitted"
  /// What was asked of whole batches and is not done, or stands.
  package static let batchOrders = "batches/orders"
  /// What people ask of the coordinator.
  package static let control = "control"
  /// The ledger, which only the coordinator enters.
  package static let ledger = "ledger"

  /// Every directory of a new spool except the ledger's, which the ledger makes.
  package static let directories = [
    temporary, incoming, ready, held, workers, done, dead, cancelled, quarantine, blobs, control,
    batches,
  ]

  /// The drop boxes of a shared spool: others may put files in, not list or remove them.
  package static let dropBoxes: Set<String> = [temporary, incoming, control]

  /// The directories of a shared spool that others may pass through to a file which they may read:
  /// one of a job that they submitted. They cannot list them.
  package static let passages: Set<String> = [held, done, dead, cancelled, quarantine]

  /// The permission bits of a directory of a new spool.
  package static func mode(of directory: String, isShared: Bool) -> UInt32 {
    guard isShared else { return 0o700 }
    return dropBoxes.contains(directory) ? 0o1733 : passages.contains(directory) ? 0o711 : 0o700
  }

  /// The lock that says who leads; it lies in the ledger's directory, which only the coordinator
  /// can enter.
  package static let leaderLock = "leader.lock"

  /// `ready/QUEUE/SHARD/JOB`.
  package static func ready(_ job: JobID, queue: String) -> String {
    "\(ready)/\(queue)/\(job.shard)/\(job)"
  }

  /// Where a job stands in one of the flat directories.
  package static func path(_ state: JobState, _ job: JobID) -> String {
    switch state {
    case .incoming: "\(incoming)/\(job)"
    case .held: "\(held)/\(job)"
    case .done: "\(done)/\(job)"
    case .dead: "\(dead)/\(job)"
    case .cancelled: "\(cancelled)/\(job)"
    case .quarantine: "\(quarantine)/\(job)"
    case .ready, .inbox, .running, .outbox:
      preconditionFailure("\(state) has no flat directory")
    }
  }

  /// `ID.NEXT`: a batch whose jobs from that index on have no ticket.
  package static func batchName(_ id: JobID, next: Int) -> String { "\(id).\(next)" }

  /// The batch and its next index from such a name, or nil.
  package static func batch(named name: String) -> (id: JobID, next: Int)? {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, let id = JobID(parts[0]), let next = Int(parts[1]),
      (0...RequestList.countMax).contains(next), parts[1] == String(next)
    else { return nil }
    return (id, next)
  }

  /// Where an archive lies.
  package static func blob(_ digest: Digest) -> String { "\(blobs)/\(digest.hex)" }

  /// A folder of one worker.
  package static func worker(_ id: String, _ folder: WorkerFolder) -> String {
    "\(workers)/\(id)/\(folder.rawValue)"
  }

  /// The folders of a worker; the words are those of the states.
  package enum WorkerFolder: String, CaseIterable, Sendable { case inbox, running, outbox }
}
