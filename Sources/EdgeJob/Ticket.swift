/// A validated request with the digests of its task: what stands in `ready/` and travels with the
/// job until it ends.
package struct Ticket: Hashable, Sendable {
  package var job: JobID
  package var request: Request
  /// The account that pays, settled at admit.
  package var account: String
  /// The uid that submitted, from fstat.
  package var submitter: UInt32
  package var blob: Digest
  package var task: Digest
  package var manifest: TaskManifest
  /// What the ledger holds back for this job.
  package var reserved: Credits
  /// CPU time of an attempt that these credits buy, milliseconds, where the task may use more.
  package var cpuBudget: Int64?
  /// Milliseconds UTC.
  package var admitted: Int64
  /// Counts the reservations: 1, and one more for each `retry` of an ended job.
  package var round: Int64
  /// Faults of earlier attempts of this round, oldest first.
  package var faults: [Fault]
  /// Milliseconds UTC before which no further attempt starts: back-off, or the request's own.
  package var notBefore: Int64
  /// The pause after its last fault, by a clock that nobody sets; `notBefore` says the same in UTC,
  /// for people and for the time after a restart of the machine.
  package var backoff: Backoff?
  /// Why it ended so, where its ending alone does not say.
  package var why: String?
  /// Why the job is held, where it is.
  package var hold: String?
  /// How the job ended, where it did without a receipt.
  package var ending: Ending?

  /// A moment on the clock that counts since a machine's start, also while it sleeps.
  package struct Backoff: Hashable, Sendable {
    /// Which start of which machine.
    package var boot: String
    /// Milliseconds since then.
    package var until: Int64

    package init(boot: String, until: Int64) {
      self.boot = boot
      self.until = until
    }

    var json: JSON { ["boot": .string(boot), "until": .int(until)] }

    init(json: JSON) throws(JSONError) {
      var fields = try Fields(json, of: "backoff")
      boot = try fields.text("boot")
      until = try fields.integer("until")
      try fields.end()
    }
  }

  package init(
    job: JobID, request: Request, account: String, submitter: UInt32, blob: Digest, task: Digest,
    manifest: TaskManifest, reserved: Credits, cpuBudget: Int64? = nil, admitted: Int64,
    round: Int64 = 1,
    faults: [Fault] = [],
    notBefore: Int64 = 0, backoff: Backoff? = nil, why: String? = nil, hold: String? = nil,
    ending: Ending? = nil
  ) {
    self.job = job
    self.request = request
    self.account = account
    self.submitter = submitter
    self.blob = blob
    self.task = task
    self.manifest = manifest
    self.reserved = reserved
    self.cpuBudget = cpuBudget
    self.admitted = admitted
    self.round = round
    self.faults = faults
    self.notBefore = notBefore
    self.backoff = backoff
    self.why = why
    self.hold = hold
    self.ending = ending
  }

  /// The number of the next attempt, from 1.
  package var attempt: Int64 { Int64(faults.count) + 1 }

  package static let schema = "edgecoder.ticket/1"

  package var json: JSON {
    .members([
      ("schema", .string(Ticket.schema)), ("job", .string(job.description)),
      ("request", request.json), ("account", .string(account)),
      ("submitter", .int(Int64(submitter))), ("blob", .string(blob.hex)),
      ("task", .string(task.hex)), ("manifest", manifest.json),
      ("reserved", .string(String(reserved.micro))),
      ("cpuBudget", cpuBudget.map { .int($0) }), ("admitted", .int(admitted)),
      ("round", .int(round)), ("faults", .array(faults.map(\.json))),
      ("notBefore", .int(notBefore)), ("backoff", backoff?.json),
      ("why", why.map { .string($0) }),
      ("hold", hold.map { .string($0) }), ("ending", ending?.json),
    ])
  }

  package init(json: JSON) throws(JSONError) {
    var fields = try Fields(json, of: "ticket")
    try fields.schema(Ticket.schema)
    guard let submitter = UInt32(exactly: try fields.integer("submitter")) else {
      throw JSONError("\"submitter\" is no uid")
    }
    var faults: [Fault] = []
    for json in try fields.elements("faults") { faults.append(try Fault(json: json)) }
    var ending: Ending?
    if let json = fields.take("ending") { ending = try Ending(json: json) }
    let backoff = try fields.take("backoff").map { (json) throws(JSONError) in
      try Backoff(json: json)
    }
    self.init(
      job: try fields.job("job"), request: try Request(json: try fields.value("request")),
      account: try fields.text("account"), submitter: submitter,
      blob: try fields.digest("blob"), task: try fields.digest("task"),
      manifest: try TaskManifest(json: try fields.value("manifest")),
      reserved: try fields.credits("reserved"),
      cpuBudget: try fields.optionalInteger("cpuBudget"), admitted: try fields.integer("admitted"),
      round: try fields.integer("round"), faults: faults,
      notBefore: try fields.integer("notBefore"), backoff: backoff,
      why: try fields.optionalText("why"),
      hold: try fields.optionalText("hold"), ending: ending)
    try fields.end()
  }
}
