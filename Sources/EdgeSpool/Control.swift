package import EdgeJob
internal import EdgeSystem
internal import Glibc

/// What somebody asks the coordinator to do to jobs: a file in `control/`.
package struct ControlRequest: Hashable, Sendable {
  package var verb: Verb
  package var jobs: [JobID]
  package var reason: String

  /// The verbs that people other than the coordinator may ask for.
  package enum Verb: String, CaseIterable, Sendable { case cancel, hold, release, retry }

  package init(_ verb: Verb, _ jobs: [JobID], reason: String) {
    self.verb = verb
    self.jobs = jobs
    self.reason = reason
  }

  package static let schema = "edgecoder.control/1"

  package var json: JSON {
    [
      "schema": .string(ControlRequest.schema), "verb": .string(verb.rawValue),
      "jobs": .texts(jobs.map(\.description)), "reason": .string(reason),
    ]
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
    self.init(verb, jobs, reason: try fields.text("reason"))
    try fields.end()
  }
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
    } catch {
      throw SpoolError(error)
    }
  }

  /// Every request that waits, oldest name first, with the uid that owns it. What cannot be read is
  /// removed, or set aside where it is a folder of somebody else.
  package func controlRequests() throws(SpoolError) -> [(
    name: String, uid: UInt32, request: ControlRequest
  )] {
    var waiting: [(name: String, uid: UInt32, request: ControlRequest)] = []
    do throws(SystemError) {
      let control = try root.directory(Layout.control)
      for name in try control.entries() {
        if let file = try? control.open(name, O_RDONLY | O_NONBLOCK),
          let status = try? file.status(), status.kind == .file, status.links == 1,
          let bytes = try? file.read(atMost: 1 << 20), let json = try? JSON.parse(bytes),
          let request = try? ControlRequest(json: json)
        {
          waiting.append((name, status.owner, request))
        } else {
          try control.discard(name)
        }
      }
    } catch {
      throw SpoolError(error)
    }
    return waiting
  }

  /// A request was obeyed. After that, not before: one that a crash let stand is obeyed again,
  /// which changes nothing where it was obeyed already.
  package func removeControlRequest(_ name: String) throws(SpoolError) {
    do throws(SystemError) { try root.directory(Layout.control).discard(name) } catch {
      throw SpoolError(error)
    }
  }
}
