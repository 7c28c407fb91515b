/// What one attempt says about us. Never charged, never held against the task, retried on its own
/// budget with back-off.
package enum Fault: Error, Hashable, Sendable {
  case archiveCorrupt
  /// The sandbox could not be set up: which step, and the error number it gave.
  case launchFailed(stage: String, errno: Int32)
  case hostOutOfMemory
  case spoolFull
  case leaseExpired
  case workerLost

  /// The case's name, as it stands in JSON.
  package var name: String {
    switch self {
    case .archiveCorrupt: "archiveCorrupt"
    case .launchFailed: "launchFailed"
    case .hostOutOfMemory: "hostOutOfMemory"
    case .spoolFull: "spoolFull"
    case .leaseExpired: "leaseExpired"
    case .workerLost: "workerLost"
    }
  }

  /// One line for people.
  package var summary: String {
    if case .launchFailed(let stage, let errno) = self {
      "launchFailed (\(stage), errno \(errno))"
    } else {
      name
    }
  }

  package var json: JSON {
    if case .launchFailed(let stage, let errno) = self {
      ["fault": "launchFailed", "stage": .string(stage), "errno": .int(Int64(errno))]
    } else {
      ["fault": .string(name)]
    }
  }

  package init(json: JSON) throws(JSONError) {
    var fields = try Fields(json, of: "fault")
    let name = try fields.text("fault")
    switch name {
    case "archiveCorrupt": self = .archiveCorrupt
    case "launchFailed":
      self = .launchFailed(stage: try fields.text("stage"), errno: try fields.small("errno"))
    case "hostOutOfMemory": self = .hostOutOfMemory
    case "spoolFull": self = .spoolFull
    case "leaseExpired": self = .leaseExpired
    case "workerLost": self = .workerLost
    default: throw JSONError("an unknown fault \"\(name)\"")
    }
    try fields.end()
  }
}

/// How one attempt ended: a word about the task, one about us, or by order of a user.
package enum Outcome: Hashable, Sendable {
  case verdict(Verdict)
  case fault(Fault)
  case cancelled

  package var json: JSON {
    switch self {
    case .verdict(let verdict): verdict.json
    case .fault(let fault): fault.json
    case .cancelled: ["ending": "cancelled"]
    }
  }

  package init(json: JSON) throws(JSONError) {
    if json == ["ending": "cancelled"] {
      self = .cancelled
    } else if json["fault"] != nil {
      self = .fault(try Fault(json: json))
    } else {
      self = .verdict(try Verdict(json: json))
    }
  }

  /// One line for people.
  package var summary: String {
    switch self {
    case .verdict(let verdict): verdict.summary
    case .fault(let fault): fault.summary
    case .cancelled: "cancelled"
    }
  }
}

/// How a job ended.
package enum Ending: Hashable, Sendable {
  case verdict(Verdict)
  case cancelled
  case expired
  case dependencyFailed
  case rejected(reason: String)
  case dead(Fault)

  /// The word for tables and JSON.
  package var name: String {
    switch self {
    case .verdict(let verdict): verdict.name
    case .cancelled: "cancelled"
    case .expired: "expired"
    case .dependencyFailed: "dependencyFailed"
    case .rejected: "rejected"
    case .dead: "dead"
    }
  }

  /// One line for people.
  package var summary: String {
    switch self {
    case .verdict(let verdict): verdict.summary
    case .rejected(let reason): "rejected (\(reason))"
    case .dead(let fault): "dead (\(fault.summary))"
    default: name
    }
  }

  package var json: JSON {
    switch self {
    case .verdict(let verdict): verdict.json
    case .rejected(let reason): ["ending": "rejected", "reason": .string(reason)]
    case .dead(let fault): ["ending": "dead", "fault": fault.json]
    default: ["ending": .string(name)]
    }
  }

  package init(json: JSON) throws(JSONError) {
    guard json["ending"] != nil else {
      self = .verdict(try Verdict(json: json))
      return
    }
    var fields = try Fields(json, of: "ending")
    let name = try fields.text("ending")
    switch name {
    case "cancelled": self = .cancelled
    case "expired": self = .expired
    case "dependencyFailed": self = .dependencyFailed
    case "rejected": self = .rejected(reason: try fields.text("reason"))
    case "dead": self = .dead(try Fault(json: try fields.value("fault")))
    default: throw JSONError("an unknown ending \"\(name)\"")
    }
    try fields.end()
  }
}
