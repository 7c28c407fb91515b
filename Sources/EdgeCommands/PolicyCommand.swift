internal import ArgumentParser
internal import EdgeCoordinator
internal import EdgeJob
internal import EdgeReport
internal import EdgeSpool

/// `edgecoder policy`.
struct PolicyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "policy",
    abstract: "What the owner decides: parts, limits, patience.",
    discussion: "Example: edgecoder policy set --weight ci=3 --max-running queue:slow=2",
    subcommands: [PolicyShow.self, PolicySet.self])
}

struct PolicyShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Shows the policy.",
    discussion: "Example: edgecoder policy show --json")

  @OptionGroup var place: SpoolOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let site = try Site(place)
    try site.requireOwner()
    try output.render(Document(policy: try PolicyFile.read(site.spool)))
  }
}

struct PolicySet: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set",
    abstract: "Changes the policy; a running coordinator heeds it from its next round on.",
    discussion: """
      Example: edgecoder policy set --weight ci=3 --max-running account:ci=8

      NAME=none takes back what was said of NAME.
      """)

  @Option(help: "An account's part beside the others', 1 to 1000: ACCOUNT=3.")
  var weight: [String] = []

  @Option(help: "Jobs that may run at once: account:NAME=8, queue:NAME=2, or group=50 for each.")
  var maxRunning: [String] = []

  @Option(help: "Attempts after a fault of that name, at most: workerLost=3.")
  var retries: [String] = []

  @Option(help: "So many deaths in a row of a job's workers make the job dead.")
  var poisonAfter: Int?

  @Option(help: "So many jobs in a row whose launch failed drain their worker.")
  var drainAfter: Int?

  @Option(help: "The longest pause before an attempt after faults; at most 1d.")
  var pauseMax: String?

  @OptionGroup var place: SpoolOptions

  func run() throws {
    let site = try Site(place)
    try site.requireOwner()
    let weights = try weight.map { try Setting($0, 1...1000) }
    let caps = try maxRunning.map { try Setting($0, 0...1_000_000) }
    let budgets = try retries.map { try Setting($0, 0...100) }
    for cap in caps { try check(cap) }
    for budget in budgets where SitePolicy.standardRetries[budget.name] == nil {
      let names = SitePolicy.standardRetries.keys.sorted().joined(separator: ", ")
      throw CommandFailure(.usage, "\(budget.name) is no fault", next: "name one of \(names)")
    }
    for number in [poisonAfter, drainAfter].compactMap({ $0 }) {
      guard (1...100).contains(number) else {
        throw CommandFailure(
          .usage, "\(number) is not 1 to 100", next: "edgecoder policy set --poison-after 3")
      }
    }
    let pause = try pauseMax.map { try milliseconds($0) }
    guard pause ?? 0 <= 86_400_000 else {
      throw CommandFailure(
        .usage, "--pause-max is a day at most", next: "edgecoder policy set --pause-max 5m")
    }
    _ = try PolicyFile.change(site.spool) { policy in
      for part in weights {
        policy.weights[AccountName.full(part.name)] = part.number.map { Int64($0) }
      }
      for cap in caps { apply(cap, to: &policy) }
      for budget in budgets { policy.retries[budget.name] = budget.number }
      policy.poisonAfter = poisonAfter ?? policy.poisonAfter
      policy.drainAfter = drainAfter ?? policy.drainAfter
      policy.pauseMax = pause ?? policy.pauseMax
    }
  }

  private func check(_ cap: Setting) throws {
    if cap.name == "group" { return }
    guard cap.name.hasPrefix("account:") || cap.name.hasPrefix("queue:"), !cap.subject.isEmpty
    else {
      throw CommandFailure(
        .usage, "\(cap.name) has no limit", next: "write account:NAME=8, queue:NAME=2 or group=50")
    }
  }

  private func apply(_ cap: Setting, to policy: inout SitePolicy) {
    if cap.name == "group" {
      policy.groups = cap.number
    } else if cap.name.hasPrefix("queue:") {
      policy.queues[cap.subject] = cap.number
    } else {
      policy.accounts[AccountName.full(cap.subject)] = cap.number
    }
  }
}

/// `NAME=NUMBER`, or `NAME=none`.
private struct Setting {
  let name: String
  /// Nil takes back what was said.
  let number: Int?
  /// What follows the first colon of the name.
  var subject: String { name.split(separator: ":", maxSplits: 1).dropFirst().joined() }

  init(_ text: String, _ range: ClosedRange<Int>) throws {
    guard let equals = text.lastIndex(of: "=") else {
      throw CommandFailure(.usage, "\(text) is not NAME=NUMBER")
    }
    name = String(text[..<equals])
    let value = text[text.index(after: equals)...]
    number = Int(value)
    guard value == "none" || number.map(range.contains) ?? false else {
      throw CommandFailure(
        .usage, "\(text) is not NAME=NUMBER",
        why: "the number is \(range.lowerBound) to \(range.upperBound), or none")
    }
    guard
      Name.isValid(name) || name.hasPrefix("account:") || SitePolicy.standardRetries[name] != nil
    else {
      throw CommandFailure(.usage, "\(name) is no name", next: "use a-z, 0-9, dash and dot")
    }
  }
}

extension Document {
  /// A policy: its own JSON, and a row for each thing that it says.
  fileprivate init(policy: SitePolicy) {
    var rows: [Property] = []
    let note = { (name: String, value: Int64) in rows.append(Property(name, Cell(value))) }
    for (name, weight) in policy.weights.sorted(by: { $0.key < $1.key }) {
      note("weight of \(name)", weight)
    }
    for (name, most) in policy.accounts.sorted(by: { $0.key < $1.key }) {
      note("running at once, account \(name)", Int64(most))
    }
    for (name, most) in policy.queues.sorted(by: { $0.key < $1.key }) {
      note("running at once, queue \(name)", Int64(most))
    }
    if let groups = policy.groups { note("running at once, each group", Int64(groups)) }
    for name in SitePolicy.standardRetries.keys.sorted() {
      let most = policy.retries[name] ?? SitePolicy.standardRetries[name] ?? 0
      note("retries after \(name)", Int64(most))
    }
    note("dead after leases lost in a row", Int64(policy.poisonAfter))
    note("drained after failed launches in a row", Int64(policy.drainAfter))
    note("longest pause after faults, seconds", policy.pauseMax / 1000)
    self.init(schema: SitePolicy.schema, properties: rows)
    facts = (policy.json.members ?? []).filter { $0.name != "schema" }
  }
}
