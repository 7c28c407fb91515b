import EdgeJob
import EdgeSpool
import EdgeSystem
import Testing

@testable import EdgeCoordinator

/// Who lives, by locks here and by renewals elsewhere.
struct LeaseTests {
  let site: Site
  let desk: WorkerDesk
  var leases = Leases()

  init() throws {
    site = try Site()
    desk = try site.desk("far")
  }

  private mutating func isAlive(at seconds: Double) throws -> Bool {
    try leases.isAlive("far", site.spool, now: Int64(seconds * 1_000_000_000))
  }

  @Test mutating func `a worker without a lease lives as long as its lock is held`() throws {
    #expect(try isAlive(at: 0))
    #expect(try isAlive(at: 1_000_000))
    #expect(!leases.isSilent("far"))
    #expect(try !leases.isAlive("nobody", site.spool, now: 0))
  }

  /// The file's own times do not count, only that it changes while we look.
  @Test mutating func `a worker with a lease lives as long as it renews`() throws {
    var renewal = Renewal(lease: 2000, boot: "elsewhere")
    try desk.begin(renewal)
    #expect(try isAlive(at: 100))
    #expect(try isAlive(at: 101.999))
    renewal.count += 1
    try desk.renew(renewal)
    #expect(try isAlive(at: 103.9), "seen now, whenever it was written")
    #expect(try isAlive(at: 105.8))
    #expect(!leases.isSilent("nobody"))
    #expect(try !isAlive(at: 105.9), "its lock is held, and that says nothing")
    #expect(leases.isSilent("far"))
    #expect(leases.tell("far") == 2000)
    #expect(leases.tell("far") == nil, "once")
    renewal.count += 1
    try desk.renew(renewal)
    #expect(try isAlive(at: 200), "it is back")
    renewal.hasEnded = true
    try desk.renew(renewal)
    #expect(try !isAlive(at: 200.1), "nobody waits for who has ended")
    #expect(try !isAlive(at: 200.2))
    #expect(leases.tell("far") == nil)
  }

  /// Whoever leads anew does not know since when a worker has been silent.
  @Test mutating func `a new leader waits for the whole lease`() throws {
    try desk.begin(Renewal(lease: 2000, boot: "elsewhere"))
    #expect(try isAlive(at: 0))
    #expect(try !isAlive(at: 2))
    leases = Leases()
    #expect(try isAlive(at: 3))
    #expect(try !isAlive(at: 5))
  }

  /// A worker can write what it likes; it is lost at the latest when the longest lease is over.
  @Test mutating func `a renewal that cannot be read`() throws {
    try site.spool.root.overwrite("workers/far/renewal", Array("-5 x y z\n".utf8))
    #expect(try isAlive(at: 0))
    #expect(try isAlive(at: 3599))
    #expect(try !isAlive(at: 3600))
    leases = Leases()
    try site.spool.root.remove("workers/far/renewal")
    try site.spool.root.makeDirectory("workers/far/renewal")
    #expect(try isAlive(at: 0))
    #expect(try !isAlive(at: 3600), "its lock is held, and that says nothing")
  }

  @Test func `another process under its name ends a worker's renewals`() throws {
    let first = Renewal(lease: 2000, boot: "a")
    try desk.begin(first)
    try desk.renew(first)
    try desk.begin(Renewal(lease: 2000, boot: "b"))
    #expect(throws: SpoolError.self) { try desk.renew(first) }
    #expect(site.spool.renewal(of: "far")?.boot == "b")
  }

  @Test func `who was on another machine is waited for, who was here is not`() throws {
    var old = Renewal(lease: 2000, boot: "a")
    try desk.begin(old)
    let begun = Clocks.bootNanoseconds()
    try desk.outliveOthers(boot: "a")
    #expect(Clocks.bootNanoseconds() - begun < 1_000_000_000)
    try desk.outliveOthers(boot: "b")
    #expect(Clocks.bootNanoseconds() - begun >= 2_000_000_000)
    let thread = WorkThread.start { [desk, old] in
      _ = Poll.readable([], milliseconds: 300)
      var next = old
      next.count += 1
      try? desk.renew(next)
    }
    #expect(throws: SpoolError.self) { try desk.outliveOthers(boot: "b") }
    thread.join()
    old.hasEnded = true
    try desk.renew(old)
    try desk.outliveOthers(boot: "b")
    try desk.endLeases()
    #expect(site.spool.renewal(of: "far") == nil)
    try desk.endLeases()
  }
}
