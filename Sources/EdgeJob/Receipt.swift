/// The signed record of one attempt: the predicate of an in-toto Statement (in-toto Attestation
/// Framework v1), which travels in a DSSE envelope.
package struct Receipt: Hashable, Sendable {
  package var spool: String
  package var job: JobID
  /// The number of the attempt, from 1.
  package var attempt: Int64
  package var fence: Fence
  package var worker: String
  package var blob: Digest
  package var task: Digest
  package var profile: String
  /// Digest of the resolved profile; nil where no sandbox was started.
  package var profileDigest: Digest?
  /// Digest of the result archive that stands beside the receipt; nil after a fault.
  package var result: Digest?
  package var outcome: Outcome
  package var usage: Usage
  package var enforced: Enforced
  /// Versions of the programs that were used.
  package var tools: [String: String]
  /// Milliseconds UTC.
  package var started: Int64
  /// Milliseconds UTC.
  package var finished: Int64

  package init(
    spool: String, job: JobID, attempt: Int64, fence: Fence, worker: String, blob: Digest,
    task: Digest, profile: String, profileDigest: Digest?, result: Digest?, outcome: Outcome,
    usage: Usage, enforced: Enforced, tools: [String: String], started: Int64, finished: Int64
  ) {
    self.spool = spool
    self.job = job
    self.attempt = attempt
    self.fence = fence
    self.worker = worker
    self.blob = blob
    self.task = task
    self.profile = profile
    self.profileDigest = profileDigest
    self.result = result
    self.outcome = outcome
    self.usage = usage
    self.enforced = enforced
    self.tools = tools
    self.started = started
    self.finished = finished
  }

  /// Says that this is an in-toto Statement.
  package static let statementType = "https://in-toto.io/Statement/v1"
  /// Says that the statement is a receipt of this version.
  package static let predicateType = "urn:edgecoder:receipt:1"
  /// What the envelope says that it carries.
  package static let payloadType = "application/vnd.in-toto+json"

  /// The in-toto Statement; its canonical bytes are what is signed. The subject is the result
  /// archive, or the task archive where there is no result.
  package var statement: JSON {
    [
      "_type": .string(Receipt.statementType),
      "subject": [
        [
          "name": .string(result == nil ? "task/\(job)" : "result/\(job)"),
          "digest": ["sha256": .string((result ?? blob).hex)],
        ]
      ],
      "predicateType": .string(Receipt.predicateType),
      "predicate": predicate,
    ]
  }

  private var predicate: JSON {
    .members([
      ("spool", .string(spool)), ("job", .string(job.description)), ("attempt", .int(attempt)),
      ("fence", .string(fence.description)), ("worker", .string(worker)),
      ("blob", .string(blob.hex)), ("task", .string(task.hex)), ("profile", .string(profile)),
      ("profileDigest", profileDigest.map { .string($0.hex) }),
      ("result", result.map { .string($0.hex) }), ("outcome", outcome.json),
      ("usage", usage.json), ("enforced", .table(enforced)), ("tools", .table(tools)),
      ("started", .int(started)), ("finished", .int(finished)),
    ])
  }

  package init(statement: JSON) throws(JSONError) {
    var outer = try Fields(statement, of: "statement")
    guard try outer.text("_type") == Receipt.statementType,
      try outer.text("predicateType") == Receipt.predicateType
    else { throw JSONError("this is no receipt of a known version") }
    _ = try outer.elements("subject")
    var fields = try Fields(try outer.value("predicate"), of: "receipt")
    try outer.end()
    guard let fence = Fence(try fields.text("fence")) else { throw JSONError("no fence") }
    self.init(
      spool: try fields.text("spool"), job: try fields.job("job"),
      attempt: try fields.integer("attempt"), fence: fence, worker: try fields.text("worker"),
      blob: try fields.digest("blob"), task: try fields.digest("task"),
      profile: try fields.text("profile"),
      profileDigest: try fields.optionalDigest("profileDigest"),
      result: try fields.optionalDigest("result"),
      outcome: try Outcome(json: try fields.value("outcome")),
      usage: try Usage(json: try fields.value("usage")),
      enforced: try fields.table("enforced"), tools: try fields.table("tools"),
      started: try fields.integer("started"), finished: try fields.integer("finished"))
    try fields.end()
    // As bytes: members keep their order in a value, and canonical bytes have another.
    guard self.statement["subject"]?.canonical == statement["subject"]?.canonical else {
      throw JSONError("the subject of the statement is not what the receipt names")
    }
  }
}

extension Fields {
  /// A digest where the member is there.
  package mutating func optionalDigest(_ name: String) throws(JSONError) -> Digest? {
    guard let text = try optionalText(name) else { return nil }
    guard let digest = Digest(hex: text) else {
      throw JSONError("\"\(name)\" is not a SHA-256 digest")
    }
    return digest
  }
}
