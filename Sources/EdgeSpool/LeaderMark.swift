package import EdgeSystem
internal import Glibc

/// What a leader says about itself in the file of its lock: which process it is, and that it still
/// gets on. The lock alone says that it has not ended.
package struct LeaderMark: Hashable, Sendable {
  /// Its process id.
  package let process: Int32
  /// Clock ticks since boot, which tell it from a later process of the same number.
  package let started: Int64
  /// Which boot of which machine.
  package let boot: String
  /// Counted up as long as it gets on.
  package var beat: Int64

  /// This process, at its first beat.
  package static func ofThisProcess() throws(SystemError) -> LeaderMark {
    LeaderMark(
      process: Identity.process, started: RunningProcess.startTime(Identity.process) ?? 0,
      boot: try Clocks.bootID(), beat: 0)
  }

  private init(process: Int32, started: Int64, boot: String, beat: Int64) {
    self.process = process
    self.started = started
    self.boot = boot
    self.beat = beat
  }

  /// One line of always the same length, so that a later one covers an earlier one.
  var bytes: [UInt8] {
    let line = "\(process) \(started) \(boot) \(beat)"
    return Array(line.utf8) + .init(repeating: 0x20, count: max(0, 119 - line.utf8.count)) + [0x0A]
  }

  /// From such a line; nil where it is none.
  init?(bytes: [UInt8]) {
    let parts = String(decoding: bytes, as: UTF8.self).split { $0 == " " || $0 == "\n" }
    guard parts.count == 4, let process = Int32(parts[0]), let started = Int64(parts[1]),
      let beat = Int64(parts[3]), process > 0
    else { return nil }
    self.init(process: process, started: started, boot: String(parts[2]), beat: beat)
  }

  /// What the last leader of a spool has said; nil where it said nothing.
  package static func read(_ spool: Spool) -> LeaderMark? {
    let path = "\(Layout.ledger)/\(Layout.leaderLock)"
    return (try? spool.root.read(path, atMost: 4096)).flatMap(LeaderMark.init(bytes:))
  }
}
