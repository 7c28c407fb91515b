internal import EdgeSystem
internal import Glibc

/// What a worker writes over and over into `workers/ID/renewal` where its coordinator may be on
/// another machine: there no lock of a kernel tells that it lives.
///
/// The coordinator takes it for lost when this has not changed for `lease` by the coordinator's own
/// clock. The worker ends itself when no writing has succeeded for half of that by its own.
package struct Renewal: Hashable, Sendable {
  /// Milliseconds.
  package let lease: Int64
  /// Which boot of which machine.
  package let boot: String
  /// Random; another process of the same worker has another one.
  package let process: String
  /// Counted up.
  package var count: Int64
  /// The worker has ended by itself and left nothing behind.
  package var hasEnded: Bool

  /// Of a worker that begins.
  package init(lease: Int64, boot: String) {
    precondition(Renewal.leaseRange.contains(lease), "a lease is as long as is allowed")
    self.init(lease: lease, boot: boot, process: Hex16.random(), count: 0, hasEnded: false)
  }

  private init(lease: Int64, boot: String, process: String, count: Int64, hasEnded: Bool) {
    self.lease = lease
    self.boot = boot
    self.process = process
    self.count = count
    self.hasEnded = hasEnded
  }

  /// The name of this file.
  package static let name = "renewal"
  /// Milliseconds.
  package static let leaseRange: ClosedRange<Int64> = 2000...3_600_000
  /// Where the file system may be shared and nobody says anything, milliseconds.
  package static let standardLease: Int64 = 60_000
  /// How often a lease is renewed while it lasts.
  package static let renewalsPerLease: Int64 = 8
  /// How many times as long the coordinator waits as the worker.
  package static let margin: Int64 = 2

  /// One line of always the same length, so that a later one covers an earlier one.
  var bytes: [UInt8] {
    let word = hasEnded ? "ended" : "lives"
    let line = "\(lease) \(boot) \(process) \(count) \(word)"
    return Array(line.utf8) + .init(repeating: 0x20, count: max(0, 119 - line.utf8.count)) + [0x0A]
  }

  /// From such a line. What is none, which may be one that is just being written, is a renewal that
  /// nobody else has made, with the longest lease.
  init(bytes: [UInt8]) {
    let parts = String(decoding: bytes, as: UTF8.self).split { $0 == " " || $0 == "\n" }
    if parts.count == 5, let lease = Int64(parts[0]), let count = Int64(parts[3]),
      Renewal.leaseRange.contains(lease)
    {
      self.init(
        lease: lease, boot: String(parts[1]), process: String(parts[2]), count: count,
        hasEnded: parts[4] == "ended")
    } else {
      self.init(
        lease: Renewal.leaseRange.upperBound, boot: "", process: "", count: 0, hasEnded: false)
    }
  }
}

extension WorkerDesk {
  /// Waits until a process of this worker on another machine, if there was one, has lost its lease.
  /// - Parameter boot: which boot of which machine this is.
  /// - Throws: `unavailable` where it lives.
  package func outliveOthers(boot: String) throws(SpoolError) {
    guard let old = spool.renewal(of: id), !old.hasEnded, old.boot != boot else { return }
    let deadline = Clocks.bootNanoseconds() + old.lease * 1_000_000
    while Clocks.bootNanoseconds() < deadline {
      if spool.renewal(of: id) != old {
        throw SpoolError(
          .unavailable, "worker \(id) runs on another machine already",
          hint: "give this one another name: --id")
      }
      usleep(50_000)
    }
  }

  /// Begins a lease; durable when this returns.
  package func begin(_ renewal: Renewal) throws(SpoolError) {
    try Spool.calls { () throws(SystemError) in
      let file = try unnamed(in: folder, renewal.bytes)
      try folder.linkOver(file, Renewal.name)
      try folder.sync()
    }
  }

  /// Goes back to a lock alone.
  package func endLeases() throws(SpoolError) {
    do throws(SystemError) { try folder.remove(Renewal.name) } catch {
      if !error.isNotFound { throw SpoolError(error) }
    }
  }

  /// Renews a lease: when this returns, the file system's server has it.
  /// - Throws: `conflict` where another process has begun a lease under this worker's name.
  package func renew(_ renewal: Renewal) throws(SpoolError) {
    do throws(SystemError) {
      let file = try folder.open(Renewal.name, O_RDWR)
      guard Renewal(bytes: try file.read(atMost: 4096)).process == renewal.process else {
        throw SystemError("renew", errno: EEXIST, subject: "another process is worker \(id)")
      }
      try file.write(renewal.bytes, at: 0)
      try file.sync()
    } catch  where error.call == "renew" {
      throw SpoolError(.conflict, error.subject)
    } catch {
      throw SpoolError(error)
    }
  }
}

extension Spool {
  /// What a worker with a lease has written last; nil where it has none.
  package func renewal(of worker: String) -> Renewal? {
    let path = "\(Layout.workers)/\(worker)/\(Renewal.name)"
    do throws(SystemError) { return Renewal(bytes: try root.read(path, atMost: 4096)) } catch {
      // What is there and cannot be read is no reason to go by the lock.
      return error.isNotFound ? nil : Renewal(bytes: [])
    }
  }

  /// How long ago a worker has renewed its lease, as far as a first look tells: by the age of the
  /// file, milliseconds. Nil where it has none.
  package func silence(of worker: String, now: Int64) -> Int64? {
    let path = "\(Layout.workers)/\(worker)/\(Renewal.name)"
    return (try? root.status(path)).map { max(0, now - $0.modified / 1_000_000) }
  }

  /// When a worker last said something, milliseconds UTC of the file system; nil where never.
  package func lastSign(of worker: String) -> Int64? {
    [Renewal.name, WorkerFile.name].compactMap {
      (try? root.status("\(Layout.workers)/\(worker)/\($0)")).map { $0.modified / 1_000_000 }
    }.max()
  }

  /// Whether a worker lives, as far as a first look tells: by its lock, or by the age of its last
  /// renewal. Only who watches for the length of a lease knows.
  package func seemsAlive(_ worker: String, now: Int64) throws(SpoolError) -> Bool {
    guard let renewal = renewal(of: worker) else { return try isAlive(worker) }
    return !renewal.hasEnded && silence(of: worker, now: now) ?? 0 < renewal.lease
  }
}
