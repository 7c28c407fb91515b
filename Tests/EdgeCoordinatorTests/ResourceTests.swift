import EdgeCoordinator
import EdgeJob
import EdgeScheduler
import EdgeSpool
import Testing

/// What a job may use, and what the workers' machines have.
struct ResourceTests {
  private static let gibibyte: Int64 = 1 << 30

  @Test(arguments: ["memory_mb = 8192", "cpus = 8"])
  func whatNoWorkerHasIsHeldUntilOneComes(_ wish: String) throws {
    let site = try Site()
    let small = try site.desk("small", cpus: 2, memory: 2 * Self.gibibyte)
    let big = try site.submit(more: "[environment]\n\(wish)")[0]
    let little = try site.submit(command: "pwd")[0]
    let coordinator = try site.coordinator()
    try coordinator.settleDown()
    #expect(try site.spool.locate(big)?.state == .held)
    let reason = try site.spool.record(.held, big).ticket.hold ?? ""
    #expect(reason.contains(wish.hasPrefix("cpus") ? "cpus:8" : "memory:8192MiB"), "\(reason)")
    #expect(try small.assigned().map(\.job) == [little])
    // One comes that has it, and it goes there by itself.
    let other = try site.desk("big", cpus: 8, memory: 8 * Self.gibibyte)
    try coordinator.settleDown()
    #expect(try other.assigned().map(\.job) == [big])
  }

  /// One that fits the big machine alone, which is busy, waits; small ones pass it.
  @Test func aBigJobThatDoesNotFitNowHoldsBackNoSmallOne() throws {
    let site = try Site()
    let big = try site.desk("big", slots: 1, cpus: 8, memory: 8 * Self.gibibyte)
    let wish = "[environment]\nmemory_mb = 4096\ncpus = 4"
    let large = try site.submit(Request(priority: 9), count: 6, more: wish)
    let coordinator = try site.coordinator()
    try coordinator.settleDown()
    #expect(try big.assigned().count == 4)
    let small = try site.desk("small", slots: 4, cpus: 2, memory: 2 * Self.gibibyte)
    let little = try site.submit(command: "pwd", count: 5)
    try coordinator.settleDown()
    #expect(try Set(small.assigned().map(\.job)) == Set(little))
    let waiting = try large.filter { try site.spool.locate($0)?.state == .ready }
    #expect(waiting.count == 2)
    let state = try SchedulingState(site.spool, ledger: nil, now: site.now)
    for job in waiting {
      #expect(state.reason(job) == "the workers that could run it are busy")
      let fits = state.explain(job)?.workers ?? []
      #expect(
        fits.map(\.obstacle) == ["has no free slot", "does not offer cpus:4"], "\(fits)")
    }
  }

  /// A small job leaves the big machine to those who need it; alike ones share the work.
  @Test func bigMachinesAreKeptFree() throws {
    let offers = [("a", 16), ("b", 8), ("c", 8)].map { id, memory in
      WorkerOffer(
        id: id, freeSlots: 2, profiles: ["p"], processors: 4,
        memoryBytes: Int64(memory) * Self.gibibyte - Int64(memory) * (20 << 20))
    }
    let jobs = (1...4).map { number in
      ReadyJob(
        job: JobID(milliseconds: Int64(number), random: [UInt8](repeating: 0, count: 10)),
        account: "a", admitted: Int64(number), profile: "p", memoryBytes: Self.gibibyte)
    }
    let schedule = schedule(ready: jobs, workers: offers, now: 0)
    #expect(schedule.assignments.map(\.worker) == ["b", "c", "b", "c"])
  }

  /// A worker of an earlier version says nothing of it, and gets what it always got.
  @Test func whoSaysNothingGetsAll() throws {
    let site = try Site()
    let desk = try site.desk()
    _ = try site.submit(more: "[environment]\ncpus = 512")
    try site.coordinator().settleDown()
    #expect(try desk.assigned().count == 1)
  }
}
