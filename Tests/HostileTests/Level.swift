import EdgeSandbox
import EdgeTestSupport
import Glibc
import Synchronization
import Testing

/// What a machine can offer, from the most to the least. A new level is added here alone: which
/// processes have it, and how its host is found; the cases say where they differ on it.
enum Level: String, CaseIterable, Sendable, CustomTestStringConvertible {
  /// As root: every slot has a user of its own, and each tree is counted in control groups.
  case slots
  /// As root on a machine without control groups.
  case withoutGroups
  /// An ordinary user, who makes a user namespace for each run.
  case userNamespace
  /// No namespaces: Landlock and seccomp are all there is.
  case landlock
  /// The same in a container, whose own filter lies on all that runs in it. As root with what
  /// Docker leaves him every slot has a user of its own.
  case container

  var testDescription: String { rawValue }

  /// Those that this process can have. Others are had by processes that it starts.
  static let here: [Level] = {
    if environmentVariable("EDGECODER_HOSTILE_LEVEL") == landlock.rawValue { return [.landlock] }
    if (try? SandboxHost.probe(useGroups: false).isolation) == .landlock { return [.container] }
    if !isRoot { return [.userNamespace] }
    let isCounted = (try? slots.host().findings.filter { $0.mechanism.hasPrefix("cgroup") }.count)
    return (isCounted ?? 0) > 0 ? [.slots, .withoutGroups] : [.withoutGroups]
  }()

  private static let bare = Result {
    try SandboxHost.probe(useGroups: false, isolation: .landlock)
  }
  private static let counted = Result { try SandboxHost.probe() }
  private static let uncounted = Result { try SandboxHost.probe(useGroups: false) }

  /// True where there are no namespaces.
  var isBare: Bool { self == .landlock || self == .container }

  /// This level, and those whose expectations hold on it where a case says nothing else.
  var andLike: [Level] {
    guard isBare else { return [self] }
    let others: [Level] = [.landlock, isRoot ? .withoutGroups : .userNamespace]
    return self == .container ? [self] + others : others
  }

  /// True where programs have no user of their own, so that there is nothing to leave away.
  var sharesUser: Bool { self == .userNamespace || (isBare && !isRoot) }

  /// The layers that have to be left away for the same effect: what is a namespace elsewhere are
  /// rules of Landlock and the filter here.
  func layers(_ without: Set<Layer>) -> Set<Layer> {
    guard isBare else { return without }
    var layers = without
    if without.contains(.root) || without.contains(.processTable) { layers.insert(.landlock) }
    if without.contains(.network) { layers.formUnion([.landlock, .seccomp]) }
    return layers.subtracting([.root, .processTable, .network])
  }

  func host() throws -> SandboxHost {
    switch self {
    case .slots: try Level.counted.get()
    case .landlock: try Level.bare.get()
    case .withoutGroups, .userNamespace, .container: try Level.uncounted.get()
    }
  }
}

/// The slots of these tests, each lent to one run at a time.
enum Slots {
  /// Processes of these tests run side by side, the campaign among them, and each looks for what
  /// its own users leave.
  private static let first =
    // A container counts its processes by itself.
    Level.here == [.container]
    ? 3100 : (Campaign.runs == nil ? 1000 : 2024) + Int(getpid() % 16) * 64
  private static let free = Mutex(Array((first..<first + 64).reversed()))

  /// Nobody else has the slot and its user until the closure returns.
  static func lend<Answer>(
    on level: Level, _ use: (Sandbox, UInt32) throws -> Answer
  ) throws -> Answer {
    guard let slot = free.withLock({ $0.popLast() }) else {
      preconditionFailure("so many runs at once are not started by these tests")
    }
    defer { free.withLock { $0.append(slot) } }
    let sandbox = Sandbox(host: try level.host(), jail: binary("edgecoder-jail"), slot: slot)
    return try use(sandbox, isRoot ? 60000 + UInt32(slot) : getuid())
  }

  /// The users of all of them.
  static let users = UInt32(60000 + first)..<UInt32(60064 + first)
}
