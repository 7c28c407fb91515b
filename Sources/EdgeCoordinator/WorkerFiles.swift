internal import EdgeScheduler
internal import EdgeSpool
internal import EdgeSystem

/// What the workers that live say about themselves; a file that has not changed is not read again.
struct WorkerFiles {
  private var known: [String: Entry] = [:]

  private struct Entry {
    let status: FileStatus
    let slots: Int
    /// With no free slots; what a worker provides are thousands of names, made into a set once.
    let offer: WorkerOffer

    /// A worker gets as many jobs again as it has slots, so that it never waits for us between two.
    func room(_ load: (String) -> Int) -> Int { max(0, slots * 2 + 2 - load(offer.id)) }
  }

  /// Looks who lives, and reads what is new.
  /// - Returns: true where a worker came, went, or says something else than before.
  mutating func read(_ spool: Spool) throws(SpoolError) -> Bool {
    var now: [String: Entry] = [:]
    var hadChange = false
    for id in try spool.workerIDs() {
      guard try spool.isAlive(id), let status = spool.workerFileStatus(id) else { continue }
      if let old = known[id], old.status == status {
        now[id] = old
      } else if let file = spool.workerFile(id) {
        now[id] = Entry(
          status: status, slots: Int(file.slots),
          offer: WorkerOffer(
            id: file.id, freeSlots: 0, onlySession: file.session, profiles: Set(file.profiles),
            provides: Set(file.provides), draining: file.draining))
        hadChange = true
      }
    }
    hadChange = hadChange || now.count != known.count
    known = now
    return hadChange
  }

  /// True where a worker can take so many jobs that a schedule is worth its time: before its inbox
  /// runs dry, not for each single job.
  func haveRoom(_ load: (String) -> Int) -> Bool {
    known.values.contains { $0.room(load) >= max(1, ($0.slots + 2) / 2) }
  }

  /// What they offer, for the scheduler.
  /// - Parameter load: jobs that a worker has already.
  func offers(load: (String) -> Int) -> [WorkerOffer] {
    known.values.map { entry in
      var offer = entry.offer
      offer.freeSlots = entry.room(load)
      return offer
    }
  }
}
