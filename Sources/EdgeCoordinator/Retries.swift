internal import EdgeJob
internal import EdgeLedger
internal import EdgeSpool
internal import EdgeSystem

// How often again after a fault, and when.

extension Policy {
  /// The pause before the next attempt of a job after these faults, milliseconds: it doubles with
  /// each further fault of the same kind. From half of it on it is drawn from the job's id and the
  /// attempt, so that jobs that fell together do not come back together, and the same history gives
  /// the same times.
  func pause(after faults: [Fault], of job: JobID, atMost: Int64) -> Int64 {
    guard let last = faults.last else { return 0 }
    let same = faults.count { $0.name == last.name }
    var first = backoffMilliseconds
    switch last {
    case .workerLost, .leaseExpired, .archiveCorrupt:
      // Most of them are a worker that was stopped, or one bad copy: the first retry is at once.
      if same == 1 { return 0 }
      first /= 2
    case .hostOutOfMemory, .spoolFull: first *= 5
    case .launchFailed: break
    }
    let full = min(first << Int64(min(same - 1, 20)), atMost)
    let seed = Hash.sha256(Array("\(job) \(faults.count)".utf8)).prefix(8)
    let drawn = seed.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } % UInt64(full / 2 + 1)
    return full - Int64(drawn)
  }
}

extension SitePolicy {
  /// Why a job is dead after this fault as well; nil where it is tried again.
  func death(of ticket: Ticket, after fault: Fault) -> String? {
    let faults = ticket.faults + [fault]
    if ticket.request.onLost == .fail, fault == .workerLost || fault == .leaseExpired {
      return "its worker was lost, and its request wants no second attempt then"
    }
    let lost = faults.reversed().prefix { $0 == .workerLost || $0 == .leaseExpired }.count
    if lost >= poisonAfter {
      return "\(lost) leases in a row ended with the death of their worker"
    }
    let same = faults.count { $0.name == fault.name }
    if same > retries(after: fault) {
      return "\(fault.name) \(same) times, one more than its budget of retries"
    }
    if faults.count > Int(ticket.request.retries) {
      return "\(faults.count) faults, one more than the retries that its request allows"
    }
    return nil
  }
}

/// The clock of back-off: since the machine's start, so that nobody who sets the time ends a pause
/// or makes one of years. On a spool with a test clock it is that one.
struct BootClock {
  /// Which start of the machine.
  let id: String
  let milliseconds: () -> Int64

  init(_ spool: Spool, now: @escaping () -> Int64) {
    id = (try? Clocks.bootID()) ?? ""
    milliseconds = spool.hasTestClock ? now : { Clocks.bootNanoseconds() / 1_000_000 }
  }

  /// When a ticket may start, milliseconds UTC as of now.
  func start(of ticket: Ticket, now: Int64) -> Int64 {
    guard let backoff = ticket.backoff, backoff.boot == id else { return ticket.notBefore }
    let left = backoff.until - milliseconds()
    return max(ticket.request.notBefore ?? 0, left > 0 ? now + left : 0)
  }
}

extension Coordinator {
  /// Works the pauses out anew where somebody has set the wall clock, and records that.
  func heedClockStep() throws(CoordinatorError) {
    let offset = now() - boot.milliseconds()
    let step = offset - clockOffset
    clockOffset = offset
    // Two clocks are read one after the other, and one of them is kept right in small parts.
    if abs(step) < 1000 { return }
    try onLedger { () throws(LedgerError) in
      try ledger.write(epoch: epoch, now: now(), actor: actor) {
        (writer: borrowing LedgerWriter) throws(LedgerError) in
        try writer.record("clock-step", facts: ["milliseconds": .int(step)])
      }
    }
    for job in pausing {
      guard let entry = try readyTicket(job) else { continue }
      dequeue(job)
      try enqueue(entry.ticket)
    }
  }
}
