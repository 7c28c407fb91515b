package import EdgeJob
internal import EdgeSystem
internal import Glibc

/// What somebody asks the coordinator to do: a file in `control/`.
package struct ControlRequest: Hashable, Sendable {
  package var verb: Verb
  package var jobs: [JobID]
  package var reason: String
  /// Of a cancel: the job's programs get SIGTERM, and this much later SIGKILL, milliseconds.
  package var grace: Int64
  /// Of a prune, which names no jobs.
  package var keep: Keep?

  /// What a prune leaves alone.
  package struct Keep: Hashable, Sendable {
    /// What ended since then, milliseconds UTC.
    package var since: Int64?
    /// So many of the newest results.
    package var last: Int?

    package init(since: Int64?, last: Int?) {
      self.since = since
      self.last = last
    }

    fileprivate var json: JSON {
      .members([("since", since.map { .int($0) }), ("last", last.map { .int(Int64($0)) })])
    }

    fileprivate init(json: JSON) throws(JSONError) {
      var fields = try Fields(json, of: "keep")
      since = try fields.optionalInteger("since")
      last = try fields.optionalInteger("last").map { Int(clamping: max(0, $0)) }
      try fields.end()
      guard since != nil || last != nil else { throw JSONError("\"keep\" says nothing") }
    }
  }

  /// The verbs that people other than the coordinator may ask for; the last one only its owner.
  package enum Verb: String, CaseIterable, Sendable { case cancel, hold, release, retry, prune }

  /// A request to remove what ended long ago.
  package init(pruning keep: Keep) {
    self.init(.prune, [], reason: "")
    self.keep = keep
  }

  package init(_ verb: Verb, _ jobs: [JobID], reason: String, grace: Int64 = 0) {
    self.grace = grace
    self.verb = verb
    self.jobs = jobs
    self.reason = reason
  }

  package static let schema = "edgecoder.control/1"
  /// An hour, milliseconds.
  package static let graceMax: Int64 = 3_600_000

  package var json: JSON {
    .members([
      ("schema", .string(ControlRequest.schema)), ("verb", .string(verb.rawValue)),
      ("jobs", .texts(jobs.map(\.description))), ("reason", .string(reason)),
      ("graceMs", grace == 0 ? nil : .int(grace)), ("keep", keep?.json),
    ])
  }

  package init(json: JSON) throws(JSONError) {
    var fields = try Fields(json, of: "control request")
    try fields.schema(ControlRequest.schema)
    guard let verb = Verb(rawValue: try fields.text("verb")) else {
      throw JSONError("an unknown verb")
    }
    var jobs: [JobID] = []
    for text in try fields.texts("jobs") {
      guard let job = JobID(text) else { throw JSONError("\"jobs\" names no job: \(text)") }
      jobs.append(job)
    }
    self.init(
      verb, jobs, reason: try fields.text("reason"),
      grace: try fields.optionalInteger("graceMs") ?? 0)
    if verb == .prune { keep = try Keep(json: try fields.value("keep")) }
    try fields.end()
    guard (0...ControlRequest.graceMax).contains(grace) else {
      throw JSONError("\"graceMs\" is not 0 … \(ControlRequest.graceMax)")
    }
  }
}

/// A request that waits in `control/`.
package struct AskedRequest: Hashable, Sendable {
  /// In `control/`.
  let name: String
  /// Who owns the file.
  package let uid: UInt32
  package let request: ControlRequest
}

extension Spool {
  /// Publishes a request to the coordinator, durable when this returns.
  package func askFor(_ request: ControlRequest) throws(SpoolError) {
    let control = try directory(Layout.control)
    do throws(SystemError) {
      let file = try control.unnamedFile(mode: 0o600)
      try file.write(request.json.canonical)
      if Identity.user != owner { try file.grantRead(to: owner) }
      try file.sync()
      try control.link(file, as: "\(Clocks.milliseconds())-\(Hex16.random())")
      try sync(control, file: file)
      CrashPoint.controlAsked.reached()
    } catch {
      throw SpoolError(error)
    }
  }

  /// Every request that waits, oldest name first, with the uid that owns it. What cannot be read is
  /// removed, or set aside where it is a folder of somebody else; the others stay until
  /// `removeControlRequest`.
  package func controlRequests() throws(SpoolError) -> [AskedRequest] {
    var waiting: [AskedRequest] = []
    do throws(SystemError) {
      let control = try root.directory(Layout.control)
      for name in try control.entries() {
        if let file = try? control.open(name, O_RDONLY | O_NONBLOCK),
          let status = try? file.status(), status.kind == .file, status.links == 1,
          let bytes = try? file.read(atMost: 1 << 20), let json = try? JSON.parse(bytes),
          let request = try? ControlRequest(json: json)
        {
          waiting.append(AskedRequest(name: name, uid: status.owner, request: request))
        } else {
          try control.discard(name)
        }
      }
    } catch {
      throw SpoolError(error)
    }
    return waiting
  }

  /// Removes a request that was obeyed. A crash before that has it obeyed again, which changes
  /// nothing.
  package func removeControlRequest(_ asked: AskedRequest) throws(SpoolError) {
    let control = try directory(Layout.control)
    do throws(SystemError) { try control.discard(asked.name) } catch { throw SpoolError(error) }
  }
}
