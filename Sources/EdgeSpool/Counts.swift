package import EdgeJob
internal import EdgeSystem

/// How many jobs have ended, in `counts.json`, so that nobody has to list them. The leader keeps
/// it; whoever does not trust it counts the names again.
package struct Counts: Hashable, Sendable {
  /// In `done/`.
  package var done: Int64
  /// In `cancelled/`.
  package var cancelled: Int64
  /// In `dead/`.
  package var dead: Int64
  /// False from before the leader changes anything until it has nothing more to do. A leader that
  /// dies in between leaves it so.
  package var isSettled: Bool
  /// `Clocks.bootID` of the machine: after a power cut the file may be older than what it counts.
  package var boot: String

  package init(
    done: Int64 = 0, cancelled: Int64 = 0, dead: Int64 = 0, isSettled: Bool = false,
    boot: String = ""
  ) {
    self.done = done
    self.cancelled = cancelled
    self.dead = dead
    self.isSettled = isSettled
    self.boot = boot
  }

  /// Its name in the spool.
  package static let name = "counts.json"
  package static let schema = "edgecoder.counts/1"

  package var json: JSON {
    [
      "schema": .string(Counts.schema), "done": .int(done), "cancelled": .int(cancelled),
      "dead": .int(dead), "settled": .bool(isSettled), "boot": .string(boot),
    ]
  }

  package init(json: JSON) throws(JSONError) {
    var fields = try Fields(json, of: Counts.name)
    try fields.schema(Counts.schema)
    done = try fields.integer("done")
    cancelled = try fields.integer("cancelled")
    dead = try fields.integer("dead")
    isSettled = try fields.flag("settled")
    boot = try fields.text("boot")
    try fields.end()
  }

  /// Whether jobs in that state are counted, and by which number.
  package static func number(of state: JobState) -> WritableKeyPath<Counts, Int64>? {
    switch state {
    case .done: \.done
    case .cancelled: \.cancelled
    case .dead: \.dead
    default: nil
    }
  }
}

extension Spool {
  /// What `counts.json` says, right or not; nil where it says nothing.
  package var counts: Counts? {
    guard let bytes = try? root.read(Counts.name, atMost: 1 << 12),
      let json = try? JSON.parse(bytes)
    else { return nil }
    return try? Counts(json: json)
  }

  /// What `counts.json` says where that is sure to be right: settled, and written in this boot.
  package var settledCounts: Counts? {
    guard let counts, counts.isSettled, counts.boot == (try? Clocks.bootID()) else { return nil }
    return counts
  }

  /// Counts the names of what has ended.
  package func countEnded() throws(SpoolError) -> Counts {
    var counts = Counts()
    for state in JobState.allCases {
      guard let number = Counts.number(of: state) else { continue }
      counts[keyPath: number] = Int64(try jobs(state).count)
    }
    do throws(SystemError) { counts.boot = try Clocks.bootID() } catch { throw SpoolError(error) }
    return counts
  }

  /// How many jobs have ended: as the leader says, or counted where nobody leads who could say it.
  package func endedCounts() throws(SpoolError) -> Counts {
    if let settled = settledCounts { return settled }
    if Leadership.isHeld(self), let counts { return counts }
    return try countEnded()
  }

  /// Writes `counts.json`, not flushed; nil removes it. What cannot be written is removed: a wrong
  /// number is worse than none.
  package func put(_ counts: Counts?) {
    if let counts {
      let mode: UInt32 = isShared ? 0o644 : 0o600
      do throws(SystemError) {
        try root.overwrite(Counts.name, counts.json.canonical, mode: mode, durable: false)
        return
      } catch {}
    }
    try? root.discard(Counts.name)
  }
}
