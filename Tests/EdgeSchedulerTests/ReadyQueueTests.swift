import EdgeJob
import EdgeScheduler
import EdgeTestSupport
import Testing

/// What the queue does as jobs come, go and end.
struct ReadyQueueTests {
  /// Runs jobs on a machine with `slots` for `rounds` jobs' ends; which accounts were served.
  private func serve(
    _ queue: inout ReadyQueue, _ accounts: [JobID: String], slots: Int, rounds: Int,
    cost: (String) -> Int64
  ) -> [String] {
    var served: [String] = []
    var running: [JobID] = []
    for round in 0..<rounds {
      let free = worker(slots: slots - running.count)
      for (job, _) in queue.assign(to: [free], now: Int64(round)) {
        served.append(accounts[job] ?? "")
        running.append(job)
      }
      if running.isEmpty { break }
      let ended = running.removeFirst()
      queue.finish(ended, cpuMilliseconds: cost(accounts[ended] ?? ""))
    }
    return served
  }

  private func queue(_ counts: [(String, Int)], weights: [String: Int64]) -> (
    ReadyQueue, [JobID: String]
  ) {
    var queue = ReadyQueue(shares: Shares(weights: weights))
    var accounts: [JobID: String] = [:]
    var number = 0
    for (account, count) in counts {
      for _ in 0..<count {
        number += 1
        queue.insert(job(number, account))
        accounts[jobID(number)] = account
      }
    }
    return (queue, accounts)
  }

  /// A thousand jobs that were there first do not keep ten others waiting.
  @Test
  func tenJobsPassBesideAThousand() {
    var (queue, accounts) = queue([("many", 1000), ("few", 10)], weights: [:])
    let served = serve(&queue, accounts, slots: 2, rounds: 24) { _ in 100 }
    #expect(served.filter { $0 == "few" }.count == 10)
  }

  /// What an account gets is its weight's part of what was measured, not of the number of jobs.
  @Test(arguments: [(1, 1), (3, 1), (1, 3)])
  func sharesFollowWeightsAndMeasuredUse(_ weights: (Int64, Int64)) {
    var (queue, accounts) = queue(
      [("a", 1000), ("b", 1000)], weights: ["a": weights.0, "b": weights.1])
    let cost: [String: Int64] = ["a": 40, "b": 200]
    let served = serve(&queue, accounts, slots: 2, rounds: 400) { cost[$0] ?? 0 }
    let used = Dictionary(grouping: served) { $0 }.mapValues { Int64($0.count) }
    let first = (used["a"] ?? 0) * 40
    let second = (used["b"] ?? 0) * 200
    let part = Double(first) / Double(first + second)
    let due = Double(weights.0) / Double(weights.0 + weights.1)
    #expect(abs(part - due) <= 0.1 * due, "\(part) of \(due)")
  }

  @Test
  func useFadesByHalfInAnHour() {
    var shares = Shares()
    shares.restore(use: 1_000_000, of: "a", now: 60_000)
    shares.fade(now: 60_000 + 3_600_000)
    #expect(abs((shares.accounts["a"]?.use ?? 0) - 500_000) <= 1)
    shares.fade(now: 60_000 + 3_600_000 + 1_800_000)
    #expect(abs((shares.accounts["a"]?.use ?? 0) - 353_553) <= 60)
    shares.fade(now: 60_000 + 1000 * 3_600_000)
    #expect(shares.accounts["a"]?.use == 0)
  }

  @Test
  func capsHoldAndSayWhy() {
    var queue = ReadyQueue(caps: .init(accounts: ["a": 2], queues: ["slow": 1]))
    for number in 1...4 { queue.insert(job(number, "a")) }
    var slow = job(5, "b")
    slow.queue = "slow"
    var second = job(6, "b")
    second.queue = "slow"
    let group = JobGroup(name: "g", most: 1)
    var grouped = [job(7, "c"), job(8, "c")]
    grouped[0].group = group
    grouped[1].group = group
    for job in [slow, second] + grouped { queue.insert(job) }
    let offers = [worker(slots: 20)]
    let first = queue.assign(to: offers, now: 0).map(\.job)
    #expect(Set(first) == Set([1, 2, 5, 7].map(jobID)))
    let reasons = queue.reasons(offers)
    #expect(reasons[jobID(3)] == .capped("account a", 2))
    #expect(reasons[jobID(6)] == .capped("queue slow", 1))
    #expect(reasons[jobID(8)] == .capped("group g", 1))
    queue.finish(jobID(5), cpuMilliseconds: nil)
    queue.finish(jobID(7), cpuMilliseconds: 1)
    #expect(Set(queue.assign(to: offers, now: 0).map(\.job)) == Set([6, 8].map(jobID)))
  }

  /// Waiting lifts a priority, by one for each ten minutes, and being served ends that.
  @Test
  func lowPrioritiesDoNotStarve() {
    var queue = ReadyQueue()
    queue.insert(job(1, "low", priority: -1, admitted: 0))
    queue.insert(job(2, "low", priority: -1, admitted: 0))
    for number in 3...6 { queue.insert(job(number, "high", admitted: 700_000)) }
    #expect(queue.assign(to: [worker()], now: 700_000).map(\.job) == [jobID(1)])
    #expect(queue.assign(to: [worker()], now: 700_000).map(\.job) == [jobID(3)])
    #expect(queue.assign(to: [worker()], now: 1_200_000).map(\.job) == [jobID(4)])
  }

  @Test
  func timesAndDependenciesPass() {
    var queue = ReadyQueue()
    var later = job(1)
    later.notBefore = 100
    var child = job(2)
    child.waitsFor = [after(1)]
    var grandchild = job(3)
    grandchild.waitsFor = [after(2)]
    for job in [grandchild, child, later] { queue.insert(job) }
    #expect(queue.nextTime == 100)
    _ = queue.advance(to: 99)
    #expect(queue.assign(to: [worker()], now: 99).isEmpty)
    _ = queue.advance(to: 100)
    #expect(queue.assign(to: [worker()], now: 100).map(\.job) == [jobID(1)])
    queue.ended(jobID(1), passed: true)
    #expect(queue.assign(to: [worker()], now: 100).map(\.job) == [jobID(2)])
    queue.ended(jobID(2), passed: false)
    let fallen = queue.advance(to: 100).dependencyFailed
    #expect(fallen.map(\.job) == [jobID(3)] && fallen.map(\.because) == [jobID(2)])
    #expect(queue.isEmpty)
  }

  /// Each condition with each end, and two conditions on the same job.
  @Test
  func dependenciesHaveConditions() {
    for passed in [true, false] {
      var queue = ReadyQueue()
      queue.insert(job(1))
      let all: [[Dependency.Condition]] = [
        [.passed], [.ended], [.notPassed], [.ended, .passed], [.passed, .notPassed],
      ]
      for (number, conditions) in all.enumerated() {
        var child = job(number + 2)
        child.waitsFor = conditions.map { after(1, $0) }
        queue.insert(child)
      }
      _ = queue.assign(to: [worker()], now: 0)
      queue.ended(jobID(1), passed: passed)
      let fallen = Set(queue.advance(to: 0).dependencyFailed.map(\.job))
      let right = passed ? [4, 6] : [2, 5, 6]
      #expect(fallen == Set(right.map { jobID($0) }))
      let given = queue.assign(to: [worker(slots: 9)], now: 0)
      #expect(given.count == 5 - right.count)
    }
  }

  /// Jobs that come, go, wait and end in any order leave the same queue as one made at once.
  @Test(arguments: Seed.some(100))
  func isTheSameAsOneMadeAnew(seed: Seed) {
    var random = SplitMix64(seed)
    var queue = ReadyQueue()
    var here: [JobID: ReadyJob] = [:]
    for _ in 0..<200 {
      let number = random.number(1...40)
      var new = job(
        number, "a\(random.number(0...2))", priority: random.number(0...1),
        admitted: random.number(0...9), profile: random.once(in: 4) ? "q" : "p")
      if random.once(in: 4) { new.notBefore = random.number(1...20) }
      if random.once(in: 2) {
        if here[new.job] == nil {
          here[new.job] = new
          queue.insert(new)
        }
      } else {
        #expect(queue.remove(new.job) == (here.removeValue(forKey: new.job) != nil))
      }
    }
    #expect(queue.count == here.count)
    _ = queue.advance(to: 10)
    let offers = [worker(slots: random.number(1...30))]
    let expected = schedule(ready: Array(here.values), workers: offers, now: 10)
    #expect(queue.assign(to: offers, now: 10).map(\.job) == expected.assignments.map(\.job))
    #expect(queue.reasons(offers) == expected.waiting)
  }
}
