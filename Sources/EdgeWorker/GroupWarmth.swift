internal import EdgeSandbox
internal import EdgeSystem
internal import Glibc
internal import Synchronization

/// Keeps it fast to put a process into a control group of version 1 while jobs are running.
///
/// The first move after a quiet time waits for a grace period of the kernel, about 10 ms in which a
/// slot does nothing; a move that follows another one closely does not (`rcu_sync_enter` in
/// kernel/rcu/sync.c). So a thread of ours moves itself to where it is a hundred times a second,
/// which costs a thousandth of a processor or two. The mount option `favordynmods` does the same
/// for a whole machine.
final class GroupWarmth: Sendable {
  /// The file that takes the number of a thread; nil where there is nothing to keep warm.
  private let path: String?
  private let begin: Signal
  private let lastUse = Atomic<Int64>(0)
  private let isEnded = Atomic(false)

  /// Less than a grace period.
  private static let pauseMilliseconds: Int32 = 8
  /// How long it goes on when no job is left, nanoseconds: the next one is often near.
  private static let idleMax: Int64 = 300_000_000

  init(_ host: SandboxHost) throws(SystemError) {
    begin = try Signal()
    let found = host.findings.first { $0.property == "memory" && $0.mechanism == "cgroup v1" }
    // In version 1 our groups are made below the one that we are in, so that this moves nothing.
    path = found.map { "\($0.note)/tasks" }
  }

  /// Says that there are jobs; cheap enough for every round.
  func use() {
    lastUse.store(Clocks.bootNanoseconds(), ordering: .relaxed)
    begin.raise()
  }

  func end() {
    isEnded.store(true, ordering: .releasing)
    begin.raise()
  }

  /// Works until `end`; a thread of its own calls it.
  func run() {
    guard let path, let own = GroupWarmth.ownThread() else { return }
    let raw = open(path, O_WRONLY | O_CLOEXEC)
    guard raw >= 0 else { return }
    let members = Descriptor(owning: raw)
    while !isEnded.load(ordering: .acquiring) {
      _ = Poll.readable([begin.descriptor], milliseconds: -1)
      begin.lower()
      while !isEnded.load(ordering: .acquiring), isUsed {
        // Where it is not allowed, nothing is lost but time.
        guard write(members.raw, own, own.utf8.count) > 0 else { return }
        _ = Poll.readable([], milliseconds: GroupWarmth.pauseMilliseconds)
      }
    }
  }

  /// The number of the calling thread, the end of `PID/task/TID`, proc(5).
  private static func ownThread() -> String? {
    var text = [UInt8](repeating: 0, count: 64)
    let count = readlink("/proc/thread-self", &text, text.count)
    guard count > 0 else { return nil }
    return text.prefix(count).split(separator: UInt8(ascii: "/")).last
      .map { String(decoding: $0, as: UTF8.self) }
  }

  private var isUsed: Bool {
    Clocks.bootNanoseconds() - lastUse.load(ordering: .relaxed) < GroupWarmth.idleMax
  }
}
