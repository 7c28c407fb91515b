import EdgeJob
import EdgeSystem
import EdgeTestSupport
import EdgeWorker
import Testing

/// A worker's view of its machine over time.
@Suite struct HostPowerWatchTests {
  private let folder = TemporaryDirectory()
  private var reader: TelemetryReader { TelemetryReader(root: folder.path) }

  /// A desktop whose processors have spent this many ticks.
  private func spend(busy: Int, idle: Int) throws {
    for path in ["sys", "sys/class", "proc"] { try folder.open().ensureDirectory(path) }
    try folder.write("proc/stat", text: "cpu  \(busy) 0 0 \(idle)\ncpu0 \(busy) 0 0 \(idle)\n")
  }

  @Test func `others' use of the processors delays a claim, and never refuses it`() throws {
    try spend(busy: 0, idle: 0)
    var watch = HostWatch(HostPolicy(), reader)
    #expect(watch.decision.reason == .externalPower)
    let first = [watch.mayClaim(isWaiting: true), watch.mayClaim(isWaiting: false)]
    #expect(first == [true, false])
    try spend(busy: 100, idle: 0)
    watch.look(oldest: 0, isWorking: false)
    #expect(watch.decision.reason == .highCPUDefer && watch.decision.accepts == .all)
    let began = Clocks.bootNanoseconds()
    while !watch.mayClaim(isWaiting: true) {
      #expect(watch.isDeferring)
      _ = Poll.readable([], milliseconds: 50)
    }
    let waited = (Clocks.bootNanoseconds() - began) / 1_000_000
    #expect((5_000...8_000).contains(waited))
    // The next job waits as long; when there is none any more, nothing waits.
    let next = [watch.mayClaim(isWaiting: true), watch.isDeferring]
    #expect(next == [false, true])
    let nobody = [watch.mayClaim(isWaiting: false), watch.isDeferring]
    #expect(nobody == [false, false])
  }

  @Test func `what the processors did for our own jobs is not others' use`() throws {
    try spend(busy: 0, idle: 0)
    var watch = HostWatch(HostPolicy(), reader)
    watch.look(oldest: 1_000_000, isWorking: true)
    try spend(busy: 100, idle: 0)
    // The job has ended, but it ran since the last reading.
    watch.look(oldest: 0, isWorking: false)
    #expect(watch.decision.reason == .externalPower)
    try spend(busy: 200, idle: 0)
    watch.look(oldest: 0, isWorking: false)
    #expect(watch.decision.reason == .highCPUDefer)
    try spend(busy: 200, idle: 100)
    watch.look(oldest: 0, isWorking: false)
    #expect(watch.decision.reason == .externalPower)
  }

  @Test func `what was read lately is not read again`() throws {
    try spend(busy: 0, idle: 0)
    var watch = HostWatch(HostPolicy(), reader)
    try spend(busy: 100, idle: 0)
    watch.look(oldest: HostWatch.period, isWorking: false)
    #expect(watch.decision.reason == .externalPower)
    watch.look(oldest: 0, isWorking: false)
    #expect(watch.decision.reason == .highCPUDefer)
  }

  @Test func `a machine that does not tell is left alone`() throws {
    var watch = HostWatch(HostPolicy(), reader)
    let before = watch.mayClaim(isWaiting: true)
    #expect(!watch.decision.mayTakeJobs && !before)
    try spend(busy: 0, idle: 0)
    watch.look(oldest: 0, isWorking: false)
    let after = watch.mayClaim(isWaiting: true)
    #expect(after)
  }
}
