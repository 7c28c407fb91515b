import EdgeSpool
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// Who leads: one process, and at once the next when it dies.
struct LeadershipTests {
  let site: Site

  init() throws {
    site = try Site()
    try site.spool.root.ensureDirectory(Layout.ledger)
  }

  private static let holder = """
    import fcntl, os, struct, sys
    file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 0, 0, 0))
    sys.stdout.write('held'); sys.stdout.flush()
    sys.stdin.read()
    """

  @Test func `there is one leader`() throws {
    #expect(!Leadership.isHeld(site.spool))
    let lead = try Leadership.take(site.spool)
    let hasLead = lead != nil
    #expect(hasLead)
    #expect(Leadership.isHeld(site.spool))
    let second = try Leadership.take(site.spool)
    let hasSecond = second != nil
    #expect(!hasSecond)
    drop(second)
    #expect(try site.spool.root.status("ledger/leader.lock").mode == 0o600)
    drop(lead)
    #expect(!Leadership.isHeld(site.spool))
  }

  @Test func `without a ledger nobody leads`() throws {
    let other = try Site()
    #expect(
      kind { () throws(SpoolError) in drop(try Leadership.take(other.spool)) } == .unavailable)
    #expect(!Leadership.isHeld(other.spool))
  }

  @Test(.program("python3")) func `who waits leads when the leader is killed`() throws {
    let holder = try RunningProgram(
      "python3", ["-c", Self.holder, site.path("ledger/leader.lock")])
    try holder.waitFor("held")
    #expect(Leadership.isHeld(site.spool))
    let taken = Channel<Int64>()
    let waiter = WorkThread.start { [site] in
      guard let lead = try? Leadership.wait(site.spool) else { return taken.send(-1) }
      taken.send(Clocks.bootNanoseconds())
      lead.giveBack()
    }
    usleep(100_000)
    let killed = Clocks.bootNanoseconds()
    holder.signal(SIGKILL)
    _ = holder.wait()
    let time = try #require(taken.receive())
    waiter.join()
    // The slow poll behind it would be far too late; a busy machine may be slow.
    #expect((killed...killed + 5_000_000_000).contains(time))
    #expect(!Leadership.isHeld(site.spool))
  }
}
