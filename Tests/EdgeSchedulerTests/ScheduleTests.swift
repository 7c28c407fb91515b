import EdgeJob
import EdgeScheduler
import EdgeTestSupport
import Testing

/// Job number `number`, so that ids sort by number.
func jobID(_ number: Int) -> JobID {
  let bytes = (0..<32).map { UInt8(truncatingIfNeeded: number >> max(0, 120 - 8 * $0)) }
  return JobID(prefixOf: Digest(bytes: bytes.enumerated().map { $0 < 8 ? 0 : $1 }))
}

/// Waits for that job.
func after(_ number: Int, _ condition: Dependency.Condition = .passed) -> Dependency {
  Dependency(job: jobID(number), condition: condition)
}

func job(
  _ number: Int, _ account: String = "a", priority: Int64 = 0, admitted: Int64? = nil,
  profile: String = "p", language: String = "", requirements: [String] = [],
  session: String? = nil
) -> ReadyJob {
  ReadyJob(
    job: jobID(number), account: account, priority: priority,
    admitted: admitted ?? Int64(number), session: session, profile: profile, language: language,
    requirements: requirements)
}

func worker(
  _ id: String = "w", slots: Int = 1, session: String? = nil, profiles: Set<String> = ["p"],
  provides: Set<String> = [], draining: Bool = false
) -> WorkerOffer {
  WorkerOffer(
    id: id, freeSlots: slots, onlySession: session, profiles: profiles, provides: provides,
    draining: draining)
}

extension Schedule {
  var order: [JobID] { assignments.map(\.job) }
}

struct OrderTests {
  @Test
  func higherPriorityComesFirst() {
    let jobs = [job(1, priority: -1), job(2, priority: 5), job(3), job(4, priority: 5)]
    let schedule = schedule(ready: jobs, workers: [worker(slots: 9)], now: 0)
    #expect(schedule.order == [2, 4, 3, 1].map(jobID))
    #expect(schedule.waiting.isEmpty)
  }

  @Test
  func accountsTakeTurns() {
    // One account admitted everything first and must not have everything first.
    let jobs =
      (1...4).map { job($0, "early") } + (5...6).map { job($0, "late") } + [job(7, "third")]
    let schedule = schedule(ready: jobs, workers: [worker(slots: 9)], now: 0)
    #expect(schedule.order == [1, 5, 7, 2, 6, 3, 4].map(jobID))
  }

  @Test
  func turnsGoOnFromCallToCall() {
    let jobs = (1...3).map { job($0, "early") } + (4...6).map { job($0, "late") }
    let accountOf = Dictionary(uniqueKeysWithValues: jobs.map { ($0.job, $0.account) })
    var queue = ReadyQueue()
    for job in jobs { queue.insert(job) }
    var order: [String] = []
    while let (chosen, _) = queue.assign(to: [worker()], now: 0).first {
      order.append(accountOf[chosen] ?? "")
      queue.finish(chosen, cpuMilliseconds: 5)
    }
    #expect(order == ["early", "late", "early", "late", "early", "late"])
  }

  @Test
  func equalTimesAreOrderedByTheirId() {
    let jobs = [job(3, admitted: 0), job(1, admitted: 0), job(2, admitted: 0)]
    let schedule = schedule(ready: jobs, workers: [worker(slots: 2)], now: 0)
    #expect(schedule.order == [1, 2].map(jobID))
    #expect(schedule.waiting == [jobID(3): .allWorkersBusy])
  }

  @Test
  func aHeadThatCannotRunBlocksNobody() {
    let jobs = [
      job(1, "a", requirements: ["program:rare"]), job(2, "a"), job(3, "b"),
      job(4, "c", priority: 9, profile: "absent"),
    ]
    let offers = [worker("w1", slots: 0, provides: ["program:rare"]), worker("w2", slots: 2)]
    let schedule = schedule(ready: jobs, workers: offers, now: 0)
    #expect(schedule.order == [2, 3].map(jobID))
    #expect(schedule.waiting[jobID(1)] == .allWorkersBusy)
    #expect(schedule.waiting[jobID(4)] == .noWorkerOffers("profile:absent"))
  }
}

struct WorkerChoiceTests {
  @Test
  func aSessionHasItsWorkerForItself() {
    let offers = [worker("general"), worker("own", session: "s")]
    let jobs = [job(1), job(2, session: "s"), job(3, session: "s"), job(4, session: "other")]
    let schedule = schedule(ready: jobs, workers: offers, now: 0)
    let placed = Dictionary(uniqueKeysWithValues: schedule.assignments.map { ($0.job, $0.worker) })
    #expect(placed == [jobID(1): "general", jobID(2): "own"])
    // With the general worker to itself, a session uses both.
    let both = EdgeScheduler.schedule(ready: Array(jobs[1...2]), workers: offers, now: 0)
    #expect(both.assignments.map(\.worker) == ["own", "general"])
    let alone = EdgeScheduler.schedule(ready: [job(1)], workers: [offers[1]], now: 0)
    #expect(alone.waiting == [jobID(1): .noWorkers])
  }

  @Test
  func rareAbilitiesStayFree() {
    let offers = [
      worker("a-rich", provides: ["language:python", "program:git"]),
      worker("b-plain", provides: ["language:python"]),
    ]
    let jobs = [
      job(1, language: "python"), job(2, language: "python", requirements: ["program:git"]),
    ]
    let schedule = schedule(ready: jobs, workers: offers, now: 0)
    #expect(schedule.assignments.map(\.worker) == ["b-plain", "a-rich"])
  }

  @Test
  func workIsSpread() {
    let offers = [worker("a", slots: 2), worker("b", slots: 4), worker("c", slots: 3)]
    let schedule = schedule(ready: (1...9).map { job($0) }, workers: offers, now: 0)
    #expect(schedule.assignments.map(\.worker) == ["b", "b", "c", "a", "b", "c", "a", "b", "c"])
  }

  @Test
  func aDrainingWorkerTakesNothing() {
    let offers = [worker("a", slots: 4, draining: true)]
    #expect(
      schedule(ready: [job(1)], workers: offers, now: 0).waiting[jobID(1)] == .workersDraining)
    let mixed = schedule(ready: [job(1)], workers: offers + [worker("b")], now: 0)
    #expect(mixed.assignments.map(\.worker) == ["b"])
  }
}

struct SparingTests {
  /// A worker that spares its machine gets small jobs or none, and the reason says so.
  @Test
  func heedsWhatAWorkerTakes() {
    var big = job(1)
    big.isSmall = false
    var offer = worker(slots: 4)
    offer.accepts = .small
    offer.why = "laptop_battery_low"
    let some = schedule(ready: [big, job(2)], workers: [offer], now: 0)
    #expect(some.order == [jobID(2)])
    #expect(some.waiting == [jobID(1): .workersSpare("laptop_battery_low")])
    offer.accepts = .nothing
    #expect(schedule(ready: [big, job(2)], workers: [offer], now: 0).order.isEmpty)
    let other = schedule(ready: [big, job(2)], workers: [offer, worker("x", slots: 4)], now: 0)
    #expect(other.assignments.map(\.worker) == ["x", "x"])
  }
}

struct WaitingTests {
  private func reason(_ job: ReadyJob, _ offers: [WorkerOffer], now: Int64 = 0) -> WaitReason? {
    schedule(ready: [job], workers: offers, now: now).waiting[job.job]
  }

  @Test
  func namesWhatIsMissing() {
    let needy = job(1, language: "python", requirements: ["program:git", "python:numpy"])
    #expect(reason(needy, []) == .noWorkers)
    #expect(reason(needy, [worker()]) == .noWorkerOffers("language:python"))
    #expect(
      reason(needy, [worker(provides: ["language:python"])]) == .noWorkerOffers("program:git"))
    let halves = [
      worker("a", provides: ["language:python", "program:git"]),
      worker("b", provides: ["language:python", "python:numpy"]),
    ]
    #expect(
      reason(needy, halves)
        == .noWorkerOffersAll(["profile:p", "language:python", "program:git", "python:numpy"]))
    let whole = worker("c", slots: 0, provides: ["language:python", "program:git", "python:numpy"])
    #expect(reason(needy, halves + [whole]) == .allWorkersBusy)
    #expect(reason(job(1, profile: "q"), [worker()]) == .noWorkerOffers("profile:q"))
  }

  @Test
  func waitsForTimeAndDependencies() {
    var early = job(1)
    early.notBefore = 100
    #expect(reason(early, [worker()], now: 99) == .notBefore(100))
    #expect(reason(early, [worker()], now: 100) == nil)
    var dependent = early
    dependent.waitsFor = [after(9), after(8)]
    #expect(reason(dependent, [worker()], now: 100) == .dependencies([jobID(8), jobID(9)]))
  }

  @Test
  func endsWhatCanNoLongerStart() {
    var late = job(1)
    late.notAfter = 100
    #expect(schedule(ready: [late], workers: [worker()], now: 100).order == [jobID(1)])
    let expired = schedule(ready: [late], workers: [worker()], now: 101)
    #expect(expired.expired == [jobID(1)])
    #expect(expired.waiting.isEmpty && expired.assignments.isEmpty)
    // Also while it waits for something else.
    late.waitsFor = [after(9)]
    #expect(schedule(ready: [late], workers: [], now: 101).expired == [jobID(1)])
    late.failedDependency = jobID(8)
    let failed = schedule(ready: [late], workers: [worker()], now: 101)
    #expect(failed.dependencyFailed.map(\.job) == [jobID(1)])
    #expect(failed.dependencyFailed.map(\.because) == [jobID(8)])
    #expect(failed.expired.isEmpty)
  }

  @Test
  func saysItInOneLine() {
    let reasons: [WaitReason] = [
      .notBefore(0), .dependencies([jobID(1)]), .dependencies([jobID(1), jobID(2)]),
      .noWorkerOffers("program:git"), .noWorkerOffersAll(["a", "b"]), .workersDraining,
      .allWorkersBusy, .noWorkers, .capped("queue q", 1),
      .workersSpare("hot"),
    ]
    #expect(Set(reasons.map(\.text)).count == reasons.count)
    for reason in reasons { #expect(!reason.text.isEmpty && !reason.text.contains("\n")) }
    #expect(WaitReason.notBefore(0).text == "waits until 1970-01-01T00:00:00.000Z")
    #expect(reasons.filter(\.needsSomebody).count == 3)
  }

  @Test
  func refusesTwoOffersOfOneWorker() async {
    await #expect(processExitsWith: .failure) {
      _ = schedule(ready: [], workers: [worker("a"), worker("a")], now: 0)
    }
  }
}
