package import EdgeJob
internal import EdgeSystem

/// That nothing may start for the time being: `drain.json`, which the spool's owner puts there and
/// takes away. What runs is finished.
package struct Drain: Hashable, Sendable {
  /// When it was asked for, milliseconds UTC.
  package var since: Int64
  /// When what still runs is stopped and put back, milliseconds UTC; nil never is.
  package var deadline: Int64?
  /// For people; may be empty.
  package var reason: String

  package init(since: Int64, deadline: Int64?, reason: String) {
    self.since = since
    self.deadline = deadline
    self.reason = reason
  }

  /// Its name in the spool.
  package static let name = "drain.json"
  package static let schema = "edgecoder.drain/1"

  package var json: JSON {
    .members([
      ("schema", .string(Drain.schema)), ("since", .int(since)),
      ("deadline", deadline.map { .int($0) }), ("reason", .string(reason)),
    ])
  }

  package init(json: JSON) throws(JSONError) {
    var fields = try Fields(json, of: Drain.name)
    try fields.schema(Drain.schema)
    self.init(
      since: try fields.integer("since"), deadline: try fields.optionalInteger("deadline"),
      reason: try fields.text("reason"))
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
    guard let bytes = try? root.read(Drain.name, atMost: 1 << 16),
      let json = try? JSON.parse(bytes), let drain = try? Drain(json: json)
    else { return Drain(since: 0, deadline: nil, reason: "\(Drain.name) cannot be read") }
    return drain
  }

  /// Puts `drain.json` in place of an earlier one, durable when this returns; nil takes it away.
  package func set(_ drain: Drain?) throws(SpoolError) {
    do throws(SystemError) {
      if let drain {
        try root.overwrite(Drain.name, drain.json.canonical, mode: isShared ? 0o644 : 0o600)
      } else if root.contains(Drain.name) {
        try root.remove(Drain.name)
      }
      try root.sync()
    } catch {
      throw SpoolError(error)
    }
  }
}
