/// How a submitter wants a task run.
package struct Request: Hashable, Sendable {
  /// The account that pays; nil means the default one of the submitter's uid.
  package var account: String?
  /// The idempotency key: the same key names the same job.
  package var key: String?
  package var queue: String
  /// Higher runs first, −100 … 100.
  package var priority: Int64
  /// Milliseconds UTC before which the job does not start.
  package var notBefore: Int64?
  /// Milliseconds UTC after which the job no longer starts.
  package var notAfter: Int64?
  /// Jobs that must have passed first.
  package var after: [JobID]
  /// Jobs that must have ended first, however.
  package var afterAny: [JobID]
  /// Jobs that must have ended first otherwise than passed.
  package var afterNotOk: [JobID]
  /// Attempts after a fault, at most.
  package var retries: Int64
  /// The most that this job may cost; nil means its worst case.
  package var creditsMax: Credits?
  /// Starts held, with this reason.
  package var hold: String?
  /// Names the `run` that submitted it, so that its own worker can take it.
  package var session: String?
  /// What its command finds in its environment, `NAME` as `EDGECODER_NAME`.
  package var parameters: [String: String]
  /// Jobs of which only some may run at the same time, where it belongs to such.
  package var group: JobGroup?
  /// What to do where the job's worker was lost while it ran.
  package var onLost: OnLost
  /// What becomes of it where a job that it waits for did not end as it had to.
  package var onDependencyFailed: OnDependencyFailed

  package init(
    account: String? = nil, key: String? = nil, queue: String = "default", priority: Int64 = 0,
    notBefore: Int64? = nil, notAfter: Int64? = nil, after: [JobID] = [], retries: Int64 = 3,
    creditsMax: Credits? = nil, hold: String? = nil, session: String? = nil,
    parameters: [String: String] = [:], group: JobGroup? = nil, onLost: OnLost = .rerun,
    afterAny: [JobID] = [], afterNotOk: [JobID] = [],
    onDependencyFailed: OnDependencyFailed = .fail
  ) {
    self.account = account
    self.key = key
    self.queue = queue
    self.priority = priority
    self.notBefore = notBefore
    self.notAfter = notAfter
    self.after = after
    self.afterAny = afterAny
    self.afterNotOk = afterNotOk
    self.retries = retries
    self.creditsMax = creditsMax
    self.hold = hold
    self.session = session
    self.parameters = parameters
    self.group = group
    self.onLost = onLost
    self.onDependencyFailed = onDependencyFailed
  }

  package static let schema = "edgecoder.request/1"
  /// The most jobs that one waits for.
  package static let dependenciesMax = 1000

  package var json: JSON {
    .members([
      ("schema", .string(Request.schema)), ("account", account.map { .string($0) }),
      ("key", key.map { .string($0) }), ("queue", .string(queue)), ("priority", .int(priority)),
      ("notBefore", notBefore.map { .int($0) }), ("notAfter", notAfter.map { .int($0) }),
      ("after", .texts(after.map(\.description))),
      ("afterAny", afterAny.isEmpty ? nil : .texts(afterAny.map(\.description))),
      ("afterNotOk", afterNotOk.isEmpty ? nil : .texts(afterNotOk.map(\.description))),
      ("retries", .int(retries)),
      ("creditsMax", creditsMax.map { .string(String($0.micro)) }),
      ("hold", hold.map { .string($0) }), ("session", session.map { .string($0) }),
      ("parameters", parameters.isEmpty ? nil : .table(parameters)), ("group", group?.json),
      ("onLost", onLost == .rerun ? nil : .string(onLost.rawValue)),
      (
        "onDependencyFailed",
        onDependencyFailed == .fail ? nil : .string(onDependencyFailed.rawValue)
      ),
    ])
  }

  package init(json: JSON) throws(JSONError) {
    var fields = try Fields(json, of: "request")
    try fields.schema(Request.schema)
    try self.init(fields: &fields)
    try fields.end()
  }

  /// Takes the members of a request out of `fields`.
  init(fields: inout Fields) throws(JSONError) {
    let after = try Request.jobs(&fields, "after")
    let afterAny = try Request.optionalJobs(&fields, "afterAny")
    let afterNotOk = try Request.optionalJobs(&fields, "afterNotOk")
    let creditsMax: Credits? =
      if let text = try fields.optionalText("creditsMax") {
        if let credits = Credits(microText: text) {
          credits
        } else {
          throw JSONError("\"creditsMax\" is not micro-credits as decimal text")
        }
      } else { nil }
    var parameters: [String: String] = [:]
    if fields.left.contains("parameters") { parameters = try fields.table("parameters") }
    let group = try fields.take("group").map { (json) throws(JSONError) in
      try JobGroup(json: json)
    }
    let onLost = try fields.optionalChoice("onLost") ?? OnLost.rerun
    let onDependencyFailed =
      try fields.optionalChoice("onDependencyFailed") ?? OnDependencyFailed.fail
    self.init(
      account: try fields.optionalText("account"), key: try fields.optionalText("key"),
      queue: try fields.text("queue"), priority: try fields.integer("priority"),
      notBefore: try fields.optionalInteger("notBefore"),
      notAfter: try fields.optionalInteger("notAfter"), after: after,
      retries: try fields.integer("retries"), creditsMax: creditsMax,
      hold: try fields.optionalText("hold"), session: try fields.optionalText("session"),
      parameters: parameters, group: group, onLost: onLost, afterAny: afterAny,
      afterNotOk: afterNotOk, onDependencyFailed: onDependencyFailed)
    try check()
  }

  private static func jobs(_ fields: inout Fields, _ name: String) throws(JSONError) -> [JobID] {
    var jobs: [JobID] = []
    for text in try fields.texts(name) {
      guard let job = JobID(text) else { throw JSONError("\"\(name)\" names no job: \(text)") }
      jobs.append(job)
    }
    return jobs
  }

  private static func optionalJobs(_ fields: inout Fields, _ name: String) throws(JSONError)
    -> [JobID]
  {
    fields.left.contains(name) ? try jobs(&fields, name) : []
  }

  /// Refuses numbers and names out of their range.
  package func check() throws(JSONError) {
    guard Name.isValid(queue) else { throw JSONError("\"queue\" is no name: \(queue)") }
    if let account, !Name.isValid(account) { throw JSONError("\"account\" is no name") }
    try Request.check(key: key)
    try Parameters.check(parameters)
    guard (-100...100).contains(priority) else { throw JSONError("\"priority\" is not -100 … 100") }
    guard (0...100).contains(retries) else { throw JSONError("\"retries\" is not 0 … 100") }
    guard dependencies.count <= Request.dependenciesMax else {
      throw JSONError("more than \(Request.dependenciesMax) dependencies")
    }
  }
}

extension Request {
  /// With what a line of `submit --from` says instead: any of `key`, `queue`, `priority`, `after`,
  /// `afterAny`, `afterNotOk`, `onDependencyFailed`, `retries`, `hold`, `parameters`.
  /// - Parameter isOther: takes what a line waits for and is no id of a job.
  package func overlaid(
    with json: JSON, isOther: (String, Dependency.Condition) throws(JSONError) -> Void
  ) throws(JSONError) -> Request {
    var fields = try Fields(json, of: "line")
    var request = self
    request.key = try fields.optionalText("key")
    request.queue = try fields.optionalText("queue") ?? queue
    request.priority = try fields.optionalInteger("priority") ?? priority
    request.retries = try fields.optionalInteger("retries") ?? retries
    request.hold = try fields.optionalText("hold") ?? hold
    request.onDependencyFailed =
      try fields.optionalChoice("onDependencyFailed") ?? onDependencyFailed
    for (name, condition) in Request.dependencyNames where fields.left.contains(name) {
      var jobs: [JobID] = []
      for text in try fields.texts(name) {
        if let job = JobID(text) { jobs.append(job) } else { try isOther(text, condition) }
      }
      request.setDependencies(condition, jobs)
    }
    if fields.left.contains("parameters") { request.parameters = try fields.table("parameters") }
    try fields.end()
    try request.check()
    return request
  }

  private static let dependencyNames: [(String, Dependency.Condition)] = [
    ("after", .passed), ("afterAny", .ended), ("afterNotOk", .notPassed),
  ]

  private mutating func setDependencies(_ condition: Dependency.Condition, _ jobs: [JobID]) {
    switch condition {
    case .passed: after = jobs
    case .ended: afterAny = jobs
    case .notPassed: afterNotOk = jobs
    }
  }

  /// Also waits for this one.
  package mutating func wait(for dependency: Dependency) {
    switch dependency.condition {
    case .passed: after.append(dependency.job)
    case .ended: afterAny.append(dependency.job)
    case .notPassed: afterNotOk.append(dependency.job)
    }
  }

  /// What must be the same where a key is used again: not the times, which count from the moment of
  /// submission, nor the names that a submission makes up.
  package var compared: Request {
    var request = self
    request.notBefore = nil
    request.notAfter = nil
    request.session = nil
    request.group?.name = ""
    return request
  }

  static func check(key: String?) throws(JSONError) {
    if let key, key.isEmpty || key.utf8.count > 200 || key.utf8.contains(0) {
      throw JSONError("\"key\" is empty, longer than 200 bytes, or holds a zero byte")
    }
  }
}

/// What to do with a job whose worker was lost while it ran.
package enum OnLost: String, CaseIterable, Hashable, Sendable {
  /// Runs it again, once its worker cannot be at work any more.
  case rerun
  /// As `rerun` where the worker is known to be dead. One on another machine that fell silent is
  /// waited for: its job stays until it comes back, or somebody cancels.
  case wait
  /// Never runs it a second time: the job is dead.
  case fail
}

/// Jobs of one submitter that together may have only so many running.
package struct JobGroup: Hashable, Sendable {
  /// The name that its jobs share.
  package var name: String
  /// At the same time, at most; 1 … 10 000.
  package var most: Int

  package init(name: String, most: Int) {
    self.name = name
    self.most = most
  }

  package var json: JSON { ["name": .string(name), "most": .int(Int64(most))] }

  package init(json: JSON) throws(JSONError) {
    var fields = try Fields(json, of: "group")
    name = try fields.text("name")
    let number = try fields.integer("most")
    try fields.end()
    guard Name.isValid(name), (1...10_000).contains(number) else {
      throw JSONError("a group has a name and 1 … 10000 jobs at the same time")
    }
    most = Int(number)
  }
}

/// Names of queues, accounts, workers and profiles.
package enum Name {
  /// 1–64 characters of `a-z 0-9 - _ . :`, the first a letter or a digit: a safe file name.
  package static func isValid(_ name: String) -> Bool {
    guard (1...64).contains(name.utf8.count), let first = name.utf8.first else { return false }
    let isWord = { (byte: UInt8) in
      (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
    }
    return isWord(first) && name.utf8.allSatisfy { isWord($0) || "-_.:".utf8.contains($0) }
  }
}
