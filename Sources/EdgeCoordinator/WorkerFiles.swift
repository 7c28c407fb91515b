internal import EdgeJob
internal import EdgeScheduler
internal import EdgeSpool
internal import EdgeSystem

/// What the workers that live say about themselves; a file that has not changed is not read again.
struct WorkerFiles {
  private var known: [String: Entry] = [:]
  /// How long an attempt of that worker took of late, milliseconds.
  private var paces: [String: Int64] = [:]
  /// Whether none of them is to start anything.
  var isDraining = false
  private var wasDraining = false

  private struct Entry {
    let status: FileStatus
    /// Of what says that it was drained; nil where it was not.
    let drain: FileStatus?
    let slots: Int
    /// With no free slots; what a worker provides are thousands of names, made into a set once.
    let offer: WorkerOffer

    /// A worker gets as many jobs again as it has slots, so that it never waits for us between
    /// two; of short jobs what fills the time until we look again.
    func room(_ load: (String) -> Int, pace: Int64?) -> Int {
      let ahead = pace.map { Int(Self.aheadMilliseconds) * slots / Int(max(1, $0)) } ?? 0
      return max(0, max(slots * 2 + 2, min(ahead, 64)) - load(offer.id))
    }

    /// Longer than a round of ours with all its flushes.
    private static let aheadMilliseconds: Int64 = 80
  }

  /// Looks who lives, and reads what is new.
  /// - Parameter isAlive: whether the worker of that name lives.
  /// - Returns: true where a worker came, went, or says something else than before.
  mutating func read(
    _ spool: Spool, isAlive: (String) throws(SpoolError) -> Bool
  ) throws(SpoolError) -> Bool {
    var now: [String: Entry] = [:]
    var hadChange = isDraining != wasDraining
    wasDraining = isDraining
    for id in try spool.workerIDs() {
      guard try isAlive(id), let status = spool.workerFileStatus(id) else { continue }
      let drainStatus = spool.drainStatus(id)
      if let old = known[id], old.status == status, old.drain == drainStatus {
        now[id] = old
      } else if let file = spool.workerFile(id) {
        let drain = drainStatus == nil ? nil : spool.drain(of: file)
        now[id] = Entry(
          status: status, drain: drainStatus, slots: Int(file.slots),
          offer: WorkerOffer(
            id: file.id, freeSlots: 0, onlySession: file.session, profiles: Set(file.profiles),
            provides: Set(file.provides), draining: file.draining || drain != nil,
            accepts: file.accepts, why: drain?.reason ?? file.why, processors: file.processors,
            memoryBytes: file.memoryBytes))
        hadChange = true
      }
    }
    hadChange = hadChange || now.count != known.count
    paces = paces.filter { now[$0.key] != nil }
    known = now
    return hadChange
  }

  /// True where a worker can take so many jobs that a schedule is worth its time: before its inbox
  /// runs dry, not for each single job.
  func haveRoom(_ load: (String) -> Int) -> Bool {
    known.values.contains { entry in
      let room = entry.room(load, pace: paces[entry.offer.id])
      return room >= max(1, (entry.slots + 2) / 2)
    }
  }

  /// The workers that take less than everything at present.
  var sparing: [WorkerOffer] {
    known.values.map(offer).filter { $0.draining || $0.accepts != .all }
  }

  private func offer(_ entry: Entry) -> WorkerOffer {
    var offer = entry.offer
    if isDraining { offer.draining = true }
    return offer
  }

  /// Takes note of how long an attempt took, milliseconds.
  mutating func note(_ worker: String, took milliseconds: Int64) {
    let took = max(0, milliseconds)
    paces[worker] = paces[worker].map { ($0 * 3 + took) / 4 } ?? took
  }

  /// What they offer, for the scheduler.
  /// - Parameter load: jobs that a worker has already.
  func offers(load: (String) -> Int) -> [WorkerOffer] {
    known.values.map { entry in
      var offer = offer(entry)
      offer.freeSlots = entry.room(load, pace: paces[entry.offer.id])
      return offer
    }
  }
}
