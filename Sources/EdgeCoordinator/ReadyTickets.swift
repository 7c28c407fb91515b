internal import EdgeJob
internal import EdgeScheduler
internal import EdgeSpool
internal import EdgeSystem

// The tickets in `ready/`: the queue knows their order, the files say the rest.

extension Coordinator {
  /// Tickets that are kept in memory besides their files.
  private static let recentMax = 4096
  /// Tickets of an earlier leader that are read in one round, so that the first jobs need not wait
  /// for all the others.
  private static let readAtOnce = 2000

  /// Reads some of the tickets that an earlier leader left.
  /// - Returns: true where there was any.
  func readTickets() throws(CoordinatorError) -> Bool {
    if unread.isEmpty { return false }
    for (job, path) in unread.suffix(Self.readAtOnce) {
      if ready.contains(job) || live[job] != nil { continue }
      do throws(CoordinatorError) {
        if let ticket = try readLeft(job, at: path) { try enqueue(ticket) }
      } catch {
        guard case .spool(let error) = error else { throw error }
        switch error.kind {
        case .notFound: continue
        case .badInput:
          // Cut off by a power cut before it was flushed: what it was made from is there still.
          try onSpool { () throws(SpoolError) in
            try spool.removeTorn(at: path, reason: error.what)
          }
          events.append(.notice("\(path) was removed: \(error.what)"))
        default: throw .spool(error)
        }
      }
    }
    unread.removeLast(min(Self.readAtOnce, unread.count))
    return true
  }

  /// Forgets what stands in `ready/`, so that all of it is read anew.
  func forgetReady() throws(CoordinatorError) {
    ready = ReadyQueue()
    applyPolicy()
    hasShares = false
    recentTickets = [:]
    awaited = [:]
    pausing = []
    unread = try onSpool { () throws(SpoolError) in
      let held = try spool.jobs(.held).map { (job: $0, path: Layout.path(.held, $0)) }
      return try spool.readyJobs() + held
    }
    isReadyNew = true
  }

  /// Takes note of a ticket that stands in `ready/`.
  func enqueue(_ ticket: Ticket) throws(CoordinatorError) {
    let (waitsFor, failed) = try dependencies(of: ticket)
    if ticket.backoff != nil { pausing.insert(ticket.job) }
    let start = boot.start(of: ticket, now: now())
    ready.insert(ReadyJob(ticket, notBefore: start, waitsFor: waitsFor, failed: failed))
    if recentTickets.count < Self.recentMax { recentTickets[ticket.job] = ticket }
    isReadyNew = true
  }

  /// A job's ticket in `ready/`, and where it is; nil where it is not there (any more).
  func readyTicket(_ job: JobID) throws(CoordinatorError) -> (ticket: Ticket, path: String)? {
    guard let queue = ready.queue(of: job) else { return nil }
    let path = Layout.ready(job, queue: queue)
    if let known = recentTickets[job] { return (known, path) }
    do throws(SpoolError) { return (try spool.ticket(at: path), path) } catch
      where error.kind == .notFound
    {
      return nil
    } catch { throw .spool(error) }
  }

  /// Forgets a job that leaves `ready/`.
  @discardableResult
  func dequeue(_ job: JobID) -> Bool {
    recentTickets[job] = nil
    pausing.remove(job)
    return ready.remove(job)
  }

  /// Forgets the right that was given out for a job.
  /// - Parameter cpuMilliseconds: what the attempt used, where it counts.
  func forget(_ job: JobID, cpuMilliseconds: Int64? = nil) {
    live[job] = nil
    ready.finish(job, cpuMilliseconds: cpuMilliseconds)
  }
}
