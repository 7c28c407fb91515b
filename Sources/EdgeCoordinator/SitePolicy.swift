package import EdgeJob
internal import EdgeScheduler

/// What the owner of a spool decides about who runs, how much at once, and how often again: the
/// content of `ledger/policy.json`.
package struct SitePolicy: Hashable, Sendable {
  /// Parts of the accounts beside one another, 1 … 1000; 1 where nothing is said.
  package var weights: [String: Int64] = [:]
  /// Jobs that may run at once, by account.
  package var accounts: [String: Int] = [:]
  /// Jobs that may run at once, by queue.
  package var queues: [String: Int] = [:]
  /// Jobs of any one group that may run at once, whatever the group allows itself.
  package var groups: Int?
  /// Attempts after a fault of that name, at most, where not `standardRetries`.
  package var retries: [String: Int] = [:]
  /// So many leases of a job in a row that ended with the death of their worker make it dead.
  package var poisonAfter = 3
  /// So many different jobs in a row whose launch failed drain their worker.
  package var drainAfter = 3
  /// The longest pause before an attempt after faults, milliseconds, up to a day.
  package var pauseMax: Int64 = 300_000
  static let pauseRange: ClosedRange<Int64> = 0...86_400_000

  package init() {}

  package static let schema = "edgecoder.policy/1"

  /// Attempts after a fault of that name, where the policy does not say; a request's own `retries`
  /// counts all faults together.
  package static let standardRetries: [String: Int] = [
    "archiveCorrupt": 2, "launchFailed": 3, "hostOutOfMemory": 5, "spoolFull": 5,
    "leaseExpired": 3, "workerLost": 3,
  ]

  var caps: ReadyQueue.Caps { .init(accounts: accounts, queues: queues, groups: groups) }

  /// Attempts after faults of this kind, at most.
  package func retries(after fault: Fault) -> Int {
    retries[fault.name] ?? SitePolicy.standardRetries[fault.name] ?? 0
  }

  package var json: JSON {
    var accountMembers: [JSON.Member] = []
    for name in Set(weights.keys).union(accounts.keys).sorted() {
      accountMembers.append(
        JSON.Member(
          name,
          .members([
            ("weight", weights[name].map { .int($0) }),
            ("maxRunning", accounts[name].map { .int(Int64($0)) }),
          ])))
    }
    let queueMembers = queues.sorted { $0.key < $1.key }.map { name, most in
      JSON.Member(name, ["maxRunning": .int(Int64(most))])
    }
    return .members([
      ("schema", .string(SitePolicy.schema)), ("accounts", .object(accountMembers)),
      ("queues", .object(queueMembers)),
      ("groups", groups.map { ["maxRunning": .int(Int64($0))] } ?? .object([])),
      (
        "retries",
        .object(
          retries.sorted { $0.key < $1.key }.map { JSON.Member($0.key, .int(Int64($0.value))) })
      ),
      ("poisonAfter", .int(Int64(poisonAfter))), ("drainAfter", .int(Int64(drainAfter))),
      ("pauseMaxMs", .int(pauseMax)),
    ])
  }

  /// - Throws: for an unknown member, a name that is none, and a number out of its range.
  package init(json: JSON) throws(JSONError) {
    var fields = try Fields(json, of: "the policy")
    try fields.schema(SitePolicy.schema)
    for (name, json) in try SitePolicy.entries(&fields, "accounts") {
      var account = try Fields(json, of: "account \(name)")
      weights[name] = try account.optionalInteger("weight")
      accounts[name] = try SitePolicy.number(&account, "maxRunning", 0...1_000_000)
      try account.end()
      guard (1...1000).contains(weights[name] ?? 1) else {
        throw JSONError("\"weight\" of account \(name) is not 1 … 1000")
      }
    }
    for (name, json) in try SitePolicy.entries(&fields, "queues") {
      var queue = try Fields(json, of: "queue \(name)")
      queues[name] = try SitePolicy.number(&queue, "maxRunning", 0...1_000_000)
      try queue.end()
    }
    if let json = fields.take("groups") {
      var group = try Fields(json, of: "groups")
      groups = try SitePolicy.number(&group, "maxRunning", 0...1_000_000)
      try group.end()
    }
    if let json = fields.take("retries") {
      var budgets = try Fields(json, of: "retries")
      for name in budgets.left {
        guard SitePolicy.standardRetries[name] != nil else {
          throw JSONError("\"retries\" names \"\(name)\", which is no fault")
        }
        retries[name] = try SitePolicy.number(&budgets, name, 0...100)
      }
    }
    poisonAfter = try SitePolicy.number(&fields, "poisonAfter", 1...100) ?? poisonAfter
    drainAfter = try SitePolicy.number(&fields, "drainAfter", 1...100) ?? drainAfter
    pauseMax =
      try SitePolicy.number(&fields, "pauseMaxMs", SitePolicy.pauseRange).map { Int64($0) }
      ?? pauseMax
    try fields.end()
  }

  private static func entries(_ fields: inout Fields, _ name: String) throws(JSONError)
    -> [(name: String, json: JSON)]
  {
    guard let json = fields.take(name) else { return [] }
    guard let members = json.members else { throw JSONError("\"\(name)\" is no object") }
    for member in members where !Name.isValid(member.name) {
      throw JSONError("\"\(name)\" has \"\(member.name)\", which is no name")
    }
    return members.map { ($0.name, $0.value) }
  }

  private static func number(_ fields: inout Fields, _ name: String, _ range: ClosedRange<Int64>)
    throws(JSONError) -> Int?
  {
    guard let number = try fields.optionalInteger(name) else { return nil }
    guard range.contains(number) else {
      throw JSONError("\"\(name)\" is not \(range.lowerBound) … \(range.upperBound)")
    }
    return Int(number)
  }
}
