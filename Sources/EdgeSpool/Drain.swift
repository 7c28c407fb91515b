package import EdgeJob
package import EdgeSystem

/// Why a worker gets no more jobs: `workers/ID/drain.json`, which the coordinator's owner writes.
package struct WorkerDrain: Hashable, Sendable {
  package var reason: String
  /// Milliseconds UTC.
  package var since: Int64
  /// When the process began that it is about, milliseconds UTC: a restarted worker gets jobs again.
  /// Nil is about every process of that name.
  package var started: Int64?

  package init(reason: String, since: Int64, started: Int64? = nil) {
    self.reason = reason
    self.since = since
    self.started = started
  }

  package static let schema = "edgecoder.drain/1"
  fileprivate static let name = "drain.json"

  package var json: JSON {
    .members([
      ("schema", .string(WorkerDrain.schema)), ("reason", .string(reason)),
      ("since", .int(since)), ("started", started.map { .int($0) }),
    ])
  }

  package init(json: JSON) throws(JSONError) {
    var fields = try Fields(json, of: WorkerDrain.name)
    try fields.schema(WorkerDrain.schema)
    reason = try fields.text("reason")
    since = try fields.integer("since")
    started = try fields.optionalInteger("started")
    try fields.end()
  }
}

extension Spool {
  private func drainPath(_ worker: String) -> String {
    "\(Layout.workers)/\(worker)/\(WorkerDrain.name)"
  }

  /// Gives a worker no more jobs from now on; durable when this returns.
  /// - Throws: `notFound` where it has no folders.
  package func drain(_ worker: String, _ drain: WorkerDrain) throws(SpoolError) {
    do throws(SystemError) {
      let folder = try root.directory("\(Layout.workers)/\(worker)")
      try folder.overwrite(WorkerDrain.name, drain.json.canonical)
      try folder.sync()
    } catch  where error.isNotFound {
      throw SpoolError(.notFound, "there is no worker \(worker)")
    } catch {
      throw SpoolError(error)
    }
  }

  /// Lets a drained worker have jobs again; nothing happens where it was not drained.
  package func undrain(_ worker: String) throws(SpoolError) {
    try removeTicket(at: drainPath(worker))
  }

  /// The file status of what says that a worker was drained; nil where it was not.
  package func drainStatus(_ worker: String) -> FileStatus? {
    try? root.status(drainPath(worker))
  }

  /// Why a worker gets no jobs; nil where it does. What its own uid wrote there does not count.
  package func drain(of worker: WorkerFile) -> WorkerDrain? {
    guard let status = drainStatus(worker.id), status.owner == owner || status.owner == 0,
      let bytes = try? root.read(drainPath(worker.id), atMost: 1 << 16),
      let json = try? JSON.parse(bytes), let drain = try? WorkerDrain(json: json),
      drain.started == nil || drain.started == worker.started
    else { return nil }
    return drain
  }
}
