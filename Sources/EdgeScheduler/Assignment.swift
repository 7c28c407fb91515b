package import EdgeJob

// Which job next, and where.

extension ReadyQueue {
  /// What one priority more is worth in waiting time, milliseconds: ten minutes.
  package static let agingMilliseconds: Int64 = 600_000

  /// Gives jobs to workers, as long as a free slot and a job that can use it are there.
  ///
  /// The highest priority comes first; one that was passed over for long counts as higher. Within
  /// a priority the account comes first that has had the least of its part, then the oldest job. A
  /// job that cannot run now holds back no other one. Of the workers that can run a job its
  /// session's own comes first, then the one that provides least, so that rare abilities stay
  /// free, then the one with most free slots.
  /// - Parameter now: milliseconds UTC.
  package mutating func assign(to workers: [WorkerOffer], now: Int64)
    -> [(job: JobID, worker: String)]
  {
    var lanes = Lanes(workers: workers)
    var lines = lines(&lanes)
    var assignments: [(job: JobID, worker: String)] = []
    while let place = choose(among: lines, now: now) {
      let line = lines[place]
      guard let worker = lanes.takeSlot(line.lane) else {
        // Lanes only ever run out, so nobody who needs this one is asked again.
        lines.removeAll { $0.lane == line.lane }
        continue
      }
      assignments.append((serve(place, of: &lines, now: now), worker))
      if areCapped { lines.removeAll { cap(on: classes[$0.index].key) != nil } }
    }
    return assignments
  }

  /// The classes with a job that could start, were there free slots for all.
  mutating func lines(_ lanes: inout Lanes) -> [Line] {
    var lines: [Line] = []
    for index in classes.indices where classes[index].count > 0 {
      let key = classes[index].key
      let lane = lanes.index(for: key.needs)
      guard lanes.obstacle(lane) == nil, cap(on: key) == nil, let head = head(of: index) else {
        continue
      }
      lines.append(
        Line(index: index, lane: lane, account: key.account, priority: key.priority, head: head))
    }
    return lines
  }

  /// Starts the job at the head of a line; the next one of its class takes its place.
  mutating func serve(_ place: Int, of lines: inout [Line], now: Int64) -> JobID {
    let line = lines[place]
    start(line.head.job, of: classes[line.index].key)
    bandServed[line.priority] = now
    if let next = head(of: line.index) {
      lines[place].head = next
    } else {
      lines.remove(at: place)
    }
    return line.head.job
  }

  /// A class with a job that could start, while workers are given away.
  struct Line {
    let index: Int
    let lane: Int
    let account: String
    let priority: Int64
    var head: JobClass.Waiting
  }

  /// True where anything limits how many run at once.
  private var areCapped: Bool {
    !caps.accounts.isEmpty || !caps.queues.isEmpty || hasGroups
  }

  mutating func head(of index: Int) -> JobClass.Waiting? {
    let members = members
    let later = later
    return classes[index].head { waiting in
      members[waiting.job] == Member(index: index, admitted: waiting.admitted)
        && later[waiting.job] == nil
    }
  }

  /// The place in `lines` of the class whose head comes next.
  func choose(among lines: [Line], now: Int64) -> Int? {
    var oldest: [Int64: Int64] = [:]
    for line in lines {
      oldest[line.priority] = min(oldest[line.priority] ?? .max, line.head.admitted)
    }
    let bands = oldest.map { band in
      (rank: rank(of: band.key, oldest: band.value, now: now), priority: band.key)
    }
    guard let band = bands.max(by: { ($0.rank, $0.priority) < ($1.rank, $1.priority) }) else {
      return nil
    }
    var best: Int?
    for (place, line) in lines.enumerated() where line.priority == band.priority {
      guard let leader = best.map({ lines[$0] }) else {
        best = place
        continue
      }
      let isBefore =
        line.account == leader.account ? nil : shares.precedes(line.account, leader.account)
      if isBefore ?? (line.head < leader.head) { best = place }
    }
    return best
  }

  /// What a priority counts whose oldest job is that old: milliseconds of waiting, and
  /// `agingMilliseconds` for each priority.
  func rank(of priority: Int64, oldest: Int64, now: Int64) -> Int64 {
    let since = max(oldest, bandServed[priority] ?? .min)
    return priority * ReadyQueue.agingMilliseconds + max(0, now - since)
  }

  /// What keeps jobs of this class from starting, where as many run as may.
  func cap(on key: JobClass.Key) -> WaitReason? {
    if let group = key.group {
      let most = min(group.most, caps.groups ?? .max)
      if runningBy[.group(group.name), default: 0] >= most {
        return .capped("group \(group.name)", most)
      }
    }
    if let most = caps.accounts[key.account], runningBy[.account(key.account), default: 0] >= most {
      return .capped("account \(key.account)", most)
    }
    if let most = caps.queues[key.queue], runningBy[.queue(key.queue), default: 0] >= most {
      return .capped("queue \(key.queue)", most)
    }
    return nil
  }

  private mutating func start(_ job: JobID, of key: JobClass.Key) {
    remove(job)
    note(
      job,
      Running(
        account: key.account, queue: key.queue, group: key.group,
        expected: shares.charge(key.account)))
  }

  private mutating func note(_ job: JobID, _ entry: Running) {
    running[job] = entry
    runningBy[.account(entry.account), default: 0] += 1
    runningBy[.queue(entry.queue), default: 0] += 1
    if let group = entry.group { runningBy[.group(group.name), default: 0] += 1 }
  }

  /// Takes over a job that an earlier leader gave to a worker.
  package mutating func adopt(_ job: ReadyJob) {
    guard running[job.job] == nil else { return }
    note(
      job.job,
      Running(
        account: job.account, queue: job.queue, group: job.group,
        expected: shares.charge(job.account)))
  }

  /// A job came back from its worker, whatever came of it.
  /// - Parameter cpuMilliseconds: what it used, by our own measure; nil counts nothing.
  package mutating func finish(_ job: JobID, cpuMilliseconds: Int64?) {
    guard let entry = running.removeValue(forKey: job) else { return }
    let measured = cpuMilliseconds.map { min($0, 1 << 40) * 1000 }
    shares.settle(entry.account, expected: entry.expected, measured: measured)
    var keys: [CapKey] = [.account(entry.account), .queue(entry.queue)]
    if let group = entry.group { keys.append(.group(group.name)) }
    for key in keys {
      let left = runningBy[key, default: 1] - 1
      runningBy[key] = left > 0 ? left : nil
    }
  }

  /// The one reason why each of these jobs is not running; all that are here where none is named.
  package func reasons(_ workers: [WorkerOffer], of jobs: [JobID]? = nil) -> [JobID: WaitReason] {
    var lanes = Lanes(workers: workers)
    var reasons: [JobID: WaitReason] = [:]
    for job in jobs ?? Array(members.keys) {
      guard let index = members[job]?.index else { continue }
      if let waiting = dependents[job] {
        reasons[job] = .dependencies(Set(waiting.open.map(\.job)).sorted())
      } else if let timed = later[job] {
        reasons[job] = .notBefore(timed.time)
      } else {
        let lane = lanes.index(for: classes[index].key.needs)
        reasons[job] = lanes.obstacle(lane) ?? cap(on: classes[index].key) ?? .allWorkersBusy
      }
    }
    return reasons
  }

  /// Jobs that no live worker can run, whatever happens, with what is missing.
  package func unoffered(_ workers: [WorkerOffer]) -> [(job: JobID, reason: WaitReason)] {
    var lanes = Lanes(workers: workers)
    var missing: [Int: WaitReason] = [:]
    for index in classes.indices where classes[index].count > 0 {
      let lane = lanes.index(for: classes[index].key.needs)
      let reason = lanes.obstacle(lane)
      if let reason, reason.needsSomebody, reason != .noWorkers { missing[index] = reason }
    }
    if missing.isEmpty { return [] }
    return members.compactMap { job, member in
      guard later[job] == nil, dependents[job] == nil else { return nil }
      return missing[member.index].map { (job, $0) }
    }.sorted { $0.job < $1.job }
  }
}
