import EdgeJob
import EdgeScheduler
import EdgeTestSupport
import Glibc
import Testing

/// What must hold whatever the jobs and workers are.
struct PropertyTests {
  private struct World {
    var jobs: [ReadyJob] = []
    var workers: [WorkerOffer] = []
    var now: Int64 = 1000
  }

  private func world(_ random: inout SplitMix64) -> World {
    var world = World()
    let things = ["program:a", "program:b", "python:c", "language:x", "language:y"]
    for number in 0..<random.number(0...6) {
      world.workers.append(
        WorkerOffer(
          id: "w\(number)", freeSlots: random.number(0...5),
          onlySession: random.once(in: 3) ? "s\(random.number(0...2))" : nil,
          profiles: Set(["p", "q"].filter { _ in random.once(in: 2) }),
          provides: Set(things.filter { _ in random.once(in: 2) }),
          draining: random.once(in: 5)))
    }
    for number in 0..<random.number(0...60) {
      var job = job(
        number, "a\(random.number(0...4))", priority: random.number(-1...1),
        admitted: random.number(0...20), profile: random.once(in: 4) ? "q" : "p",
        language: random.once(in: 3) ? "x" : "",
        requirements: things.prefix(3).filter { _ in random.once(in: 4) },
        session: random.once(in: 3) ? "s\(random.number(0...2))" : nil)
      if random.once(in: 5) { job.notBefore = random.number(900...1100) }
      if random.once(in: 5) { job.notAfter = random.number(900...1100) }
      if random.once(in: 8) { job.waitsFor = [after(1000)] }
      if random.once(in: 12) { job.failedDependency = jobID(1001) }
      world.jobs.append(job)
    }
    return world
  }

  private func canRun(_ job: ReadyJob, on worker: WorkerOffer) -> Bool {
    let language = job.language.isEmpty || worker.provides.contains("language:\(job.language)")
    return !worker.draining && (worker.onlySession ?? job.session) == job.session
      && worker.profiles.contains(job.profile) && language
      && worker.provides.isSuperset(of: job.requirements)
  }

  @Test(arguments: Seed.some(300))
  func holds(seed: Seed) throws {
    var random = SplitMix64(seed)
    let world = world(&random)
    let schedule = schedule(ready: world.jobs, workers: world.workers, now: world.now)
    let jobs = Dictionary(uniqueKeysWithValues: world.jobs.map { ($0.job, $0) })
    let workers = Dictionary(uniqueKeysWithValues: world.workers.map { ($0.id, $0) })

    // Every job is in exactly one part of the answer.
    let all =
      schedule.order + schedule.waiting.keys + schedule.expired
      + schedule.dependencyFailed.map(\.job)
    #expect(all.sorted() == world.jobs.map(\.job).sorted())

    var left = workers.mapValues(\.freeSlots)
    for (id, workerID) in schedule.assignments {
      let job = try #require(jobs[id])
      let worker = try #require(workers[workerID])
      #expect(canRun(job, on: worker))
      #expect(job.notBefore <= world.now && world.now <= job.notAfter ?? .max)
      #expect(job.waitsFor.isEmpty && job.failedDependency == nil)
      left[workerID, default: 0] -= 1
    }
    // No slot is given twice.
    #expect(left.values.allSatisfy { $0 >= 0 }, "\(left)")

    // No job waits that could run: a free slot is left to nobody who could use it.
    for (id, reason) in schedule.waiting {
      let job = try #require(jobs[id])
      let able = world.workers.filter { canRun(job, on: $0) }
      switch reason {
      case .allWorkersBusy:
        #expect(!able.isEmpty && able.allSatisfy { left[$0.id] == 0 })
      case .noWorkerOffers, .noWorkerOffersAll, .noWorkers, .workersDraining:
        #expect(able.isEmpty)
      case .notBefore(let time): #expect(time > world.now)
      case .dependencies(let jobs): #expect(!jobs.isEmpty)
      case .capped, .workersSpare, .workersDrained: Issue.record("nothing is capped here")
      }
    }
    checkOrder(schedule, jobs, workers)
  }

  /// A job that got no worker was not passed over by one of lower priority on a worker that it
  /// could have used, nor by a younger one of its own account.
  private func checkOrder(
    _ schedule: Schedule, _ jobs: [JobID: ReadyJob], _ workers: [String: WorkerOffer]
  ) {
    for (id, reason) in schedule.waiting where reason == .allWorkersBusy {
      guard let waiting = jobs[id] else { continue }
      for (otherID, workerID) in schedule.assignments {
        guard let other = jobs[otherID], let worker = workers[workerID] else { continue }
        if !canRun(waiting, on: worker) { continue }
        #expect(other.priority >= waiting.priority)
        if other.account == waiting.account, other.priority == waiting.priority {
          #expect((other.admitted, other.job) < (waiting.admitted, waiting.job))
        }
      }
    }
  }

  @Test(arguments: Seed.some(100))
  func doesNotDependOnTheOrderOfItsArguments(seed: Seed) {
    var random = SplitMix64(seed)
    let world = world(&random)
    var shares = Shares(weights: ["a1": random.number(1...4)])
    shares.restore(use: random.number(0...9), of: "a0", now: world.now)
    let first = schedule(
      ready: world.jobs, workers: world.workers, now: world.now, shares: shares)
    for _ in 0..<3 {
      let again = schedule(
        ready: world.jobs.shuffled(using: &random), workers: world.workers.shuffled(using: &random),
        now: world.now, shares: shares)
      #expect(again.assignments.map(\.job) == first.assignments.map(\.job))
      #expect(again.assignments.map(\.worker) == first.assignments.map(\.worker))
      #expect(again.waiting == first.waiting)
      #expect(again.expired == first.expired)
      #expect(again.dependencyFailed.map(\.job) == first.dependencyFailed.map(\.job))
    }
  }

  /// Accounts that could use the same slots get the same number of them, give or take one.
  @Test(arguments: Seed.some(50))
  func sharesEqually(seed: Seed) {
    var random = SplitMix64(seed)
    var jobs: [ReadyJob] = []
    let accounts = random.number(2...6)
    for number in 0..<300 {
      jobs.append(
        job(number, "a\(number % accounts)", admitted: random.number(0...1000)))
    }
    let slots = random.number(1...200)
    let schedule = schedule(ready: jobs, workers: [worker(slots: slots)], now: 0)
    let accountOf = Dictionary(uniqueKeysWithValues: jobs.map { ($0.job, $0.account) })
    let counts = Dictionary(grouping: schedule.order) { accountOf[$0] }.mapValues(\.count)
    let most = counts.values.max() ?? 0
    let least = counts.count < accounts ? 0 : counts.values.min() ?? 0
    #expect(most - least <= 1, "\(counts)")
  }

  /// CPU time of this thread: other tests run at the same time.
  private func threadNanoseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  /// Four times the jobs take about four times as long; quadratic work would take sixteen times.
  @Test(arguments: [1, 1000])
  func growsWithItsInput(workerCount: Int) {
    let slots = 60_000 / workerCount
    let workers = (0..<workerCount).map { worker("w\($0)", slots: slots) }
    let time = { (count: Int) -> Int64 in
      let jobs = (0..<count).map { number in
        job(
          number, "a\(number % 97)", priority: Int64(number % 3),
          requirements: number % 5 == 0 ? ["program:rare"] : [])
      }
      return (0..<3).map { _ -> Int64 in
        let start = threadNanoseconds()
        _ = schedule(ready: jobs, workers: workers, now: 0)
        return threadNanoseconds() - start
      }.min() ?? 0
    }
    let small = time(2_000)
    let large = time(8_000)
    #expect(large < small * 10, "\(small), then \(large)")
  }
}
