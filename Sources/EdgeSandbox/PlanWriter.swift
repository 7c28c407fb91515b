internal import CJailPlan

/// Writes a launch plan: the head, then texts, then tables.
struct PlanWriter {
  var plan = ec_plan()
  private var texts: [UInt8] = []
  private var operations: [ec_operation] = []
  private var rules: [ec_rule] = []
  private var limits: [ec_limit] = []
  private var kills: [UInt64] = []
  private var watches: [ec_watch] = []

  init(kind: UInt32) {
    plan.magic = EC_PLAN_MAGIC
    plan.build = ec_plan_build()
    plan.version = EC_PLAN_VERSION
    plan.kind = kind
    _ = text("")
  }

  /// The offset of a text, which gets a NUL at its end.
  mutating func text(_ text: String) -> UInt32 {
    let offset = MemoryLayout<ec_plan>.size + texts.count
    texts += text.utf8
    texts.append(0)
    return UInt32(offset)
  }

  /// One operation on the root.
  /// - Parameters:
  ///   - target: path inside; a leading slash is left away.
  ///   - fd: place among the descriptors of the plan.
  mutating func add(
    _ kind: UInt32, source: String = "", target: String, flags: UInt32 = 0, mode: UInt32 = 0,
    fd: Int32 = -1, device: UInt64 = 0, inode: UInt64 = 0
  ) {
    var operation = ec_operation()
    operation.kind = kind
    operation.flags = flags
    operation.source = text(source)
    operation.target = text(String(target.drop { $0 == "/" }))
    operation.length = UInt32(source.utf8.count)
    operation.mode = mode
    operation.fd = fd
    operation.device = device
    operation.inode = inode
    operations.append(operation)
  }

  /// Calls that end the run.
  mutating func kill(_ numbers: [Int32]) { kills = numbers.map { UInt64($0) } }

  /// What is said of calls that are learned.
  mutating func watch(_ all: [CallWatch]) { watches = all.map(\.entry) }

  mutating func allow(_ path: String, _ access: UInt64) {
    rules.append(ec_rule(path: text(path), reserved: 0, access: access))
  }

  mutating func limit(_ resource: UInt32, _ soft: Int64, _ hard: Int64? = nil) {
    limits.append(
      ec_limit(
        resource: resource, reserved: 0, soft: UInt64(max(0, soft)),
        hard: UInt64(max(0, hard ?? soft))))
  }

  /// The whole plan.
  mutating func finish(
    arguments: [String] = [], environment: [String] = [], programs: [String] = [],
    filter: [UInt8] = []
  ) -> [UInt8] {
    let lists = [arguments, environment, programs].map { list in
      list.map { UInt64(text($0)) } + [0]
    }
    pad()
    plan.arguments = append(lists[0], count: arguments.count)
    plan.environment = append(lists[1], count: environment.count)
    plan.programs = append(lists[2], count: programs.count)
    plan.operations = append(operations, count: operations.count)
    plan.rules = append(rules, count: rules.count)
    plan.limits = append(limits, count: limits.count)
    plan.filter = append(filter, count: filter.count / 8)
    plan.kills = append(kills, count: kills.count)
    plan.watches = append(watches, count: watches.count)
    texts += [UInt8](repeating: 0, count: 8)
    plan.size = UInt32(MemoryLayout<ec_plan>.size + texts.count)
    let bytes = withUnsafeBytes(of: plan) { Array($0) } + texts
    // `Jail.order` refuses what is too long.
    precondition(
      bytes.count > EC_PLAN_BYTES_MAX
        || bytes.withUnsafeBytes { ec_plan_check($0.baseAddress, $0.count) } == 0,
      "a plan that this side writes passes the check of the other")
    return bytes
  }

  private mutating func pad() {
    while (MemoryLayout<ec_plan>.size + texts.count) % 8 != 0 { texts.append(0) }
  }

  private mutating func append<Item>(_ items: [Item], count: Int) -> ec_table {
    pad()
    let offset = MemoryLayout<ec_plan>.size + texts.count
    items.withUnsafeBytes { texts += $0 }
    return ec_table(offset: UInt32(offset), count: UInt32(count))
  }
}
