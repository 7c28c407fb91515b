package import EdgeJob
package import EdgeSystem

/// That nothing may start for the time being, on all workers (`drain.json`) or on one
/// (`workers/ID/drain.json`). The spool's owner puts it there and takes it away; the coordinator
/// puts it where a worker fails. What runs is finished.
package struct Drain: Hashable, Sendable {
  /// When it began, milliseconds UTC.
  package var since: Int64
  /// When what still runs is stopped and put back, milliseconds UTC; nil never is.
  package var deadline: Int64?
  /// For people; may be empty.
  package var reason: String
  /// When the process of the worker began that it is about, milliseconds UTC: one that was started
  /// anew gets jobs again. Nil is about every process of that name.
  package var started: Int64?

  package init(since: Int64, deadline: Int64? = nil, reason: String, started: Int64? = nil) {
    self.since = since
    self.deadline = deadline
    self.reason = reason
    self.started = started
  }

  /// Its name in the folder of what it is about.
  package static let name = "drain.json"
  package static let schema = "edgecoder.drain/1"

  package var json: JSON {
    .members([
      ("schema", .string(Drain.schema)), ("since", .int(since)),
      ("deadline", deadline.map { .int($0) }), ("reason", .string(reason)),
      ("started", started.map { .int($0) }),
    ])
  }

  package init(json: JSON) throws(JSONError) {
    var fields = try Fields(json, of: Drain.name)
    try fields.schema(Drain.schema)
    since = try fields.integer("since")
    deadline = try fields.optionalInteger("deadline")
    reason = try fields.text("reason")
    started = try fields.optionalInteger("started")
    try fields.end()
  }

  /// One line for people.
  package var text: String {
    "draining since \(UTCTime.text(milliseconds: since))\(reason.isEmpty ? "" : ": \(reason)")"
  }
}

extension Spool {
  /// What `drain.json` says; nil where there is none. One that cannot be read drains all the same.
  package var drain: Drain? {
    guard root.contains(Drain.name) else { return nil }
    return readDrain(at: Drain.name)
      ?? Drain(since: 0, reason: "\(Drain.name) cannot be read")
  }

  /// Why a worker gets no jobs; nil where it does. What its own uid wrote there does not count.
  package func drain(of worker: WorkerFile) -> Drain? {
    guard let status = drainStatus(worker.id), status.owner == owner || status.owner == 0,
      let drain = readDrain(at: drainPath(worker.id)),
      drain.started == nil || drain.started == worker.started
    else { return nil }
    return drain
  }

  /// The file status of what says that a worker was drained; nil where it was not.
  package func drainStatus(_ worker: String) -> FileStatus? {
    try? root.status(drainPath(worker))
  }

  /// Lets nothing start from now on, in place of what an earlier drain said; durable when this
  /// returns.
  /// - Parameter worker: on which; nil on all.
  /// - Throws: `notFound` where that worker has no folders.
  package func put(_ drain: Drain, on worker: String? = nil) throws(SpoolError) {
    do throws(SystemError) {
      let folder = try drainFolder(worker)
      try folder.overwrite(Drain.name, drain.json.canonical, mode: isShared ? 0o644 : 0o600)
      try folder.sync()
    } catch  where error.isNotFound {
      throw SpoolError(.notFound, "there is no worker \(worker ?? "")")
    } catch {
      throw SpoolError(error)
    }
  }

  /// Lets jobs start again; nothing happens where they were let.
  /// - Parameter worker: on which; nil on all that are not drained themselves.
  package func endDrain(on worker: String? = nil) throws(SpoolError) {
    try removeTicket(at: worker.map(drainPath) ?? Drain.name)
    do throws(SystemError) { try drainFolder(worker).sync() } catch { throw SpoolError(error) }
  }

  private func drainFolder(_ worker: String?) throws(SystemError) -> Directory {
    try root.directory(worker.map { "\(Layout.workers)/\($0)" } ?? ".")
  }

  private func drainPath(_ worker: String) -> String {
    "\(Layout.workers)/\(worker)/\(Drain.name)"
  }

  private func readDrain(at path: String) -> Drain? {
    guard let bytes = try? root.read(path, atMost: 1 << 16), let json = try? JSON.parse(bytes)
    else { return nil }
    return try? Drain(json: json)
  }
}
