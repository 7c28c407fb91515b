package import EdgeJob
package import EdgeSystem
internal import Glibc

/// A ticket in the folder of a worker.
package struct WorkerItem: Hashable, Sendable {
  package let worker: String
  package let job: FencedJob
  /// `inbox`, `running` or `outbox`.
  package let state: JobState
  /// Relative to the spool.
  package let path: String

  package init(worker: String, job: FencedJob, state: JobState, path: String) {
    self.worker = worker
    self.job = job
    self.state = state
    self.path = path
  }
}

/// What a worker says about itself in `workers/ID/worker.json`.
package struct WorkerFile: Hashable, Sendable {
  package var id: String
  /// Jobs that it runs at once.
  package var slots: Int64
  /// Takes only jobs of this session, where set.
  package var session: String?
  package var profiles: [String]
  /// `program:NAME`, `python:MODULE`, `debian:PACKAGE` that its sandboxes offer.
  package var provides: [String]
  /// The id of the key that signs its receipts.
  package var key: String
  package var host: String
  /// Its process id.
  package var process: Int64
  /// True while it finishes what it has and takes nothing new.
  package var draining: Bool
  /// For whom it works; left out of the file where it is `on`.
  package var mode: WorkerMode
  /// The jobs that it takes now; left out of the file where it takes all.
  package var accepts: Acceptance
  /// Why it does not take all: a word of `a-z`, digits and `_`, such as `thermal_throttle`.
  package var why: String?
  /// Processors that it may use; nil where a worker of an earlier version does not say.
  package var processors: Int64?
  /// Memory of its machine, bytes; nil where a worker of an earlier version does not say.
  package var memoryBytes: Int64?
  /// When its process began, milliseconds UTC: with that a restarted worker is another one.
  package var started: Int64?

  package init(
    id: String, slots: Int64, session: String?, profiles: [String], provides: [String],
    key: String, host: String, process: Int64, draining: Bool = false, mode: WorkerMode = .on,
    accepts: Acceptance = .all, why: String? = nil, processors: Int64? = nil,
    memoryBytes: Int64? = nil, started: Int64? = nil
  ) {
    self.id = id
    self.slots = slots
    self.session = session
    self.profiles = profiles
    self.provides = provides
    self.key = key
    self.host = host
    self.process = process
    self.draining = draining
    self.mode = mode
    self.accepts = accepts
    self.why = why
    self.processors = processors
    self.memoryBytes = memoryBytes
    self.started = started
  }

  /// The name of this file.
  package static let name = "worker.json"
  /// The name of the lock that lives as long as the worker.
  package static let lock = "lock"
  package static let schema = "edgecoder.worker/1"

  package var json: JSON {
    .members([
      ("schema", .string(WorkerFile.schema)), ("id", .string(id)), ("slots", .int(slots)),
      ("session", session.map { .string($0) }), ("profiles", .texts(profiles)),
      ("provides", .texts(provides)), ("key", .string(key)), ("host", .string(host)),
      ("process", .int(process)), ("draining", .bool(draining)),
      ("mode", mode == .on ? nil : .string(mode.rawValue)),
      ("accepts", accepts == .all ? nil : .string(accepts.rawValue)),
      ("why", why.map { .string($0) }), ("cpus", processors.map { .int($0) }),
      ("memoryBytes", memoryBytes.map { .int($0) }), ("started", started.map { .int($0) }),
    ])
  }

  package init(json: JSON) throws(JSONError) {
    var fields = try Fields(json, of: WorkerFile.name)
    try fields.schema(WorkerFile.schema)
    self.init(
      id: try fields.text("id"), slots: try fields.integer("slots"),
      session: try fields.optionalText("session"), profiles: try fields.texts("profiles"),
      provides: try fields.texts("provides"), key: try fields.text("key"),
      host: try fields.text("host"), process: try fields.integer("process"),
      draining: try fields.flag("draining"),
      mode: try fields.optionalChoice("mode") ?? .on,
      accepts: try fields.optionalChoice("accepts") ?? .all,
      why: try fields.optionalText("why"), processors: try fields.optionalInteger("cpus"),
      memoryBytes: try fields.optionalInteger("memoryBytes"),
      started: try fields.optionalInteger("started"))
    try fields.end()
    guard (1...4096).contains(slots), Name.isValid(id) else {
      throw JSONError("a worker has 1 … 4096 slots and a valid name")
    }
    // Shown to people, and written by whoever the worker runs as.
    guard why.map(WorkerFile.isWord) ?? true else {
      throw JSONError("\"why\" of \(WorkerFile.name) is no word of a-z, digits and _")
    }
  }

  private static func isWord(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count)
      && text.utf8.allSatisfy {
        ($0 >= 0x61 && $0 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x5F
      }
  }
}

extension Spool {
  /// Makes the folders of a worker where they are missing.
  /// - Parameter group: of a worker that has another uid than the coordinator, in a shared spool: a
  ///   group that only this uid and the coordinator are members of. Its members may rename in
  ///   `inbox`, `running` and `outbox`; the folder around them is sticky, so the lock and those
  ///   three stay the coordinator's. `workers` and `blobs` become passages; which ticket and which
  ///   archive the worker may read is decided when a job is assigned to it.
  /// - Throws: `notPermitted` where the caller is not a member of the group.
  package func makeWorkerFolders(_ id: String, group: UInt32? = nil) throws(SpoolError) {
    precondition(Name.isValid(id), "a worker's id is a safe file name")
    precondition(group == nil || isShared, "only a shared spool has workers of other uids")
    do throws(SystemError) {
      let workers = try root.directory(Layout.workers)
      if !workers.contains(id) { try makeWhole(id, in: workers) }
      for folder in Layout.WorkerFolder.allCases {
        try workers.ensureDirectory("\(id)/\(folder.rawValue)")
      }
      guard let group else { return }
      for folder in Layout.WorkerFolder.allCases {
        try workers.directory("\(id)/\(folder.rawValue)").descriptor.set(
          mode: 0o770, group: group)
      }
      let lock = try workers.open("\(id)/\(WorkerFile.lock)", O_RDWR | O_CREAT, mode: 0o600)
      try lock.set(mode: 0o660, group: group)
      try workers.directory(id).descriptor.set(mode: 0o1770, group: group)
      try root.directory(Layout.blobs).descriptor.set(mode: 0o711)
      try workers.descriptor.set(mode: 0o711)
    } catch {
      throw SpoolError(error)
    }
  }

  /// Makes a worker's folder and those in it under another name first: who lists the workers never
  /// meets half of one.
  private func makeWhole(_ id: String, in workers: borrowing Directory) throws(SystemError) {
    let making = ".\(id).\(Hex16.random())"
    try workers.makeDirectory(making)
    for folder in Layout.WorkerFolder.allCases {
      try workers.makeDirectory("\(making)/\(folder.rawValue)")
    }
    do { try workers.rename(making, to: workers, id) } catch  where error.exists {
      try workers.removeTree(making)
    }
  }

  /// The workers that have folders here, sorted.
  package func workerIDs() throws(SpoolError) -> [String] {
    try Spool.calls { () throws(SystemError) in
      try root.directory(Layout.workers).entries().filter(Name.isValid)
    }
  }

  /// What a worker says about itself; nil where it has not said anything readable.
  package func workerFile(_ id: String) -> WorkerFile? {
    guard
      let bytes = try? root.read("\(Layout.workers)/\(id)/\(WorkerFile.name)", atMost: 1 << 20),
      let json = try? JSON.parse(bytes), let file = try? WorkerFile(json: json), file.id == id
    else { return nil }
    return file
  }

  /// The file status of what a worker says about itself; another one means that it says something
  /// new. Nil where it says nothing.
  package func workerFileStatus(_ id: String) -> FileStatus? {
    try? root.status("\(Layout.workers)/\(id)/\(WorkerFile.name)")
  }

  /// True while the worker's process lives: the kernel drops its lock with it. False also where it
  /// has no folders.
  package func isAlive(_ worker: String) throws(SpoolError) -> Bool {
    do throws(SystemError) {
      let directory = try root.directory("\(Layout.workers)/\(worker)")
      return try FileLock.isHeld(directory, WorkerFile.lock)
    } catch  where error.isNotFound {
      return false
    } catch {
      throw SpoolError(error)
    }
  }

  /// Every ticket in the folders of the workers (or of one).
  package func workerItems(of only: String? = nil) throws(SpoolError) -> [WorkerItem] {
    var items: [WorkerItem] = []
    let workers = if let only { [only] } else { try workerIDs() }
    for worker in workers {
      for (folder, state) in [
        (Layout.WorkerFolder.inbox, JobState.inbox), (.running, .running), (.outbox, .outbox),
      ] {
        let path = Layout.worker(worker, folder)
        for name in (try? root.directory(path).entries()) ?? [] {
          guard let job = FencedJob(fileName: name) else { continue }
          items.append(
            WorkerItem(worker: worker, job: job, state: state, path: "\(path)/\(name)"))
        }
      }
    }
    return items
  }

  /// Removes the folders of a worker that is dead and has nothing left.
  package func removeWorkerFolders(_ id: String) throws(SpoolError) {
    try Spool.calls { () throws(SystemError) in
      try root.directory(Layout.workers).removeTree(id)
    }
  }
}
