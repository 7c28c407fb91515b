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

  var testDescription: String { rawValue }

  /// Those that this process can have. Others are had by processes that it starts.
  static let here: [Level] = {
    if !isRoot { return [.userNamespace] }
    let isCounted = (try? slots.host().findings.filter { $0.mechanism.hasPrefix("cgroup") }.count)
    return (isCounted ?? 0) > 0 ? [.slots, .withoutGroups] : [.withoutGroups]
  }()

  private static let counted = Result { try SandboxHost.probe() }
  private static let uncounted = Result { try SandboxHost.probe(useGroups: false) }

  func host() throws -> SandboxHost {
    switch self {
    case .slots: try Level.counted.get()
    case .withoutGroups, .userNamespace: try Level.uncounted.get()
    }
  }
}

/// The slots of these tests, each lent to one run at a time.
enum Slots {
  /// Processes of these tests run side by side, the campaign among them, and each looks for what
  /// its own users leave.
  private static let first = (Campaign.runs == nil ? 1000 : 2024) + Int(getpid() % 16) * 64
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
