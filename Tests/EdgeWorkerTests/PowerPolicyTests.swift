import EdgeJob
import EdgeTestSupport
import EdgeWorker
import Testing

/// Whether a worker takes jobs: every row of the table, its edges, and that ignorance permits
/// nothing.
@Suite struct PowerPolicyTests {
  /// 2023-11-14 22:13 UTC.
  static let now: Int64 = 1_700_000_000_000

  /// A laptop without a plug; what is not named is well.
  static func laptop(
    battery: Int64? = nil, temperature: Int64 = 50_000, busy: Int64? = nil
  ) -> Telemetry {
    var telemetry = Telemetry(
      readAt: now, device: .laptop, externalPower: false,
      battery: battery.map { .known($0) } ?? .unknown, temperature: .known(temperature))
    telemetry.busy = busy
    return telemetry
  }

  static func machine(_ device: Telemetry.Device, _ change: (inout Telemetry) -> Void = { _ in })
    -> Telemetry
  {
    var telemetry = Telemetry(
      readAt: now, device: device, battery: .absent, temperature: .known(50_000))
    telemetry.lowPowerMode = device == .phone ? false : nil
    change(&telemetry)
    return telemetry
  }

  typealias Row = (Telemetry, Acceptance, PowerDecision.Reason, Int64)

  static let rows: [Row] = [
    (machine(.server), .all, .serverUnlimited, 0),
    // A server is never deferred.
    (machine(.server) { $0.busy = 100_000 }, .all, .serverUnlimited, 0),
    (laptop(battery: 90_000, temperature: 75_000), .all, .batteryHigh, 0),
    (laptop(battery: 90_000, temperature: 75_001), .nothing, .thermalThrottle, 0),
    (laptop(battery: 5_000, temperature: 91_000, busy: 99_000), .nothing, .thermalThrottle, 0),
    (machine(.desktop) { $0.temperature = .known(90_001) }, .nothing, .thermalThrottle, 0),
    (machine(.desktop) { $0.temperature = .unknown }, .nothing, .thermalUnknown, 0),
    (machine(.desktop) { $0.temperature = .absent }, .all, .externalPower, 0),
    (laptop(), .nothing, .batteryUnknown, 0),
    (laptop(battery: -1), .nothing, .batteryUnknown, 0),
    (laptop(battery: 100_001), .nothing, .batteryUnknown, 0),
    (laptop(battery: 0), .nothing, .batteryCritical, 0),
    (laptop(battery: 14_999), .nothing, .batteryCritical, 0),
    (laptop(battery: 14_999, busy: 99_000), .nothing, .batteryCritical, 0),
    (laptop(battery: 15_000), .small, .batteryLow, 0),
    (laptop(battery: 40_000), .small, .batteryLow, 0),
    (laptop(battery: 40_000, busy: 85_001), .small, .batteryLow, 5_000),
    (laptop(battery: 40_001), .all, .batteryHigh, 0),
    (laptop(battery: 40_001, busy: 85_000), .all, .batteryHigh, 0),
    (laptop(battery: 40_001, busy: 85_001), .all, .highCPUDefer, 5_000),
    (machine(.desktop) { $0.busy = 85_001 }, .all, .highCPUDefer, 5_000),
    (machine(.desktop), .all, .externalPower, 0),
    (machine(.desktop) { $0.battery = .known(1_000) }, .all, .externalPower, 0),
    (machine(.laptop) { $0.battery = .known(1_000) }, .nothing, .batteryCritical, 0),
    (
      machine(.laptop) {
        $0.battery = .known(1_000)
        $0.externalPower = true
      }, .all, .externalPower, 0
    ),
    // Nothing is known but the time.
    (Telemetry(readAt: now), .nothing, .thermalUnknown, 0),
    (machine(.phone) { $0.lowPowerMode = true }, .nothing, .phoneLowPower, 0),
    (machine(.phone) { $0.lowPowerMode = nil }, .nothing, .phoneLowPowerUnknown, 0),
    (machine(.phone) { $0.externalPower = true }, .all, .phoneExternalPower, 0),
    (machine(.phone) { $0.battery = .unknown }, .nothing, .batteryUnknown, 0),
    (machine(.phone) { $0.battery = .known(20_000) }, .nothing, .phoneBatteryCritical, 0),
    (machine(.phone) { $0.battery = .known(20_001) }, .all, .phoneLiteMode, 0),
  ]

  @Test(arguments: rows.indices) func everyRow(index: Int) {
    let (telemetry, accepts, reason, wait) = Self.rows[index]
    let decision = PowerPolicy.decide(telemetry, HostPolicy(), now: Self.now)
    #expect(decision.accepts == accepts)
    #expect(decision.reason == reason)
    #expect(decision.deferMilliseconds == wait)
  }

  @Test func `no reason is without a test`() {
    let elsewhere: Set<PowerDecision.Reason> = [
      .modeOff, .outsideHours, .telemetryStale, .hostBusy, .phoneThrottled,
    ]
    #expect(elsewhere.union(Self.rows.map(\.2)) == Set(PowerDecision.Reason.allCases))
  }

  @Test func `a phone on battery takes one job after another, not two at once`() {
    let phone = Self.machine(.phone) { $0.battery = .known(80_000) }
    for (passed, reason) in [
      (44_999, .phoneThrottled), (45_000, .phoneLiteMode),
    ] as [(Int64, PowerDecision.Reason)] {
      let policy = HostPolicy(lastTaken: Self.now - passed)
      #expect(PowerPolicy.decide(phone, policy, now: Self.now).reason == reason)
    }
  }

  @Test func `telemetry counts for two minutes`() {
    for (age, isFresh) in [
      (0, true), (120_000, true), (120_001, false), (1 << 50, false),
      // Read in the future: nobody knows when.
      (-1, false),
    ] as [(Int64, Bool)] {
      for device in Telemetry.Device.allCases {
        let decision = PowerPolicy.decide(
          Self.machine(device), HostPolicy(), now: Self.now + age)
        #expect(decision.mayTakeJobs == isFresh, "\(device) \(age)")
        #expect((decision.reason == .telemetryStale) != isFresh)
      }
    }
  }

  @Test func modes() {
    let server = Self.machine(.server)
    for (mode, accepts) in [
      (.on, .all), (.off, .nothing), (.offline, .all),
    ] as [(WorkerMode, Acceptance)] {
      let decision = PowerPolicy.decide(server, HostPolicy(mode: mode), now: Self.now)
      #expect(decision.accepts == accepts)
      #expect((decision.reason == .modeOff) == (mode == .off))
    }
  }

  @Test(
    arguments: [
      ("22:00-06:00", "22:00", true), ("22:00-06:00", "21:59", false),
      ("22:00-06:00", "00:00", true), ("22:00-06:00", "05:59", true),
      ("22:00-06:00", "06:00", false), ("09:00-17:30", "09:00", true),
      ("09:00-17:30", "17:29", true), ("09:00-17:30", "17:30", false),
      ("09:00-17:30", "08:59", false), ("18:00-00:00", "23:59", true),
      ("18:00-00:00", "00:00", false), ("00:00-23:59", "23:59", false),
    ])
  func `hours of a day`(window: String, time: String, isInside: Bool) throws {
    let hours = try #require(HoursWindow(window))
    #expect(hours.description == window)
    let parts = time.split(separator: ":").compactMap { Int64($0) }
    // 1970-01-01 and a day of ours, first and last millisecond of the minute.
    for day in [0, 19_675] as [Int64] {
      let minute = (day * 24 * 60 + parts[0] * 60 + parts[1]) * 60_000
      #expect(hours.contains(minute) == isInside && hours.contains(minute + 59_999) == isInside)
    }
    let policy = HostPolicy(hours: hours)
    let now = 19_675 * 86_400_000 + (parts[0] * 60 + parts[1]) * 60_000
    var server = Self.machine(.server)
    server.readAt = now
    let decision = PowerPolicy.decide(server, policy, now: now)
    #expect(decision.mayTakeJobs == isInside)
    #expect((decision.reason == .outsideHours) != isInside)
  }

  @Test(
    arguments: [
      "", "22:00", "22-06", "22:00-22:00", "24:00-06:00", "22:60-06:00", "2:00-06:00",
      "22:00-06:00-07:00", "22:00 - 06:00", "+2:00-06:00", "22:00–06:00", "２２:00-06:00", "-",
    ])
  func `what is no part of a day`(text: String) { #expect(HoursWindow(text) == nil) }

  @Test func `only while nobody else needs the machine`() {
    let policy = HostPolicy(idleOnly: true)
    for (load, processors, pressure, isIdle) in [
      (999, 2, 9_999, true), (1_000, 2, 0, false), (0, 2, 10_000, false), (499, 1, 0, true),
      (500, 1, 0, false), (nil, 2, 0, false), (0, nil, 0, false), (0, 2, nil, false),
    ] as [(Int64?, Int64?, Int64?, Bool)] {
      let server = Self.machine(.server) {
        $0.load = load
        $0.processors = processors
        $0.pressure = pressure
      }
      let decision = PowerPolicy.decide(server, policy, now: Self.now)
      #expect(decision.mayTakeJobs == isIdle)
      #expect(decision.reason == (isIdle ? .serverUnlimited : .hostBusy))
      #expect(PowerPolicy.decide(server, HostPolicy(), now: Self.now).mayTakeJobs)
    }
  }

  /// Any telemetry; half of all numbers are near an edge.
  private func some(_ random: inout SplitMix64) -> Telemetry {
    func level(_ edges: [Int64]) -> Int64 {
      random.once(in: 2)
        ? random.one(of: edges) + random.number(-1...1 as ClosedRange<Int64>)
        : random.number(0...100_000 as ClosedRange<Int64>)
    }
    var telemetry = Telemetry(
      readAt: Self.now, device: random.one(of: Telemetry.Device.allCases),
      externalPower: random.once(in: 2),
      battery: random.once(in: 5) ? .absent : .known(level([15_000, 20_000, 40_000])),
      temperature: random.once(in: 5) ? .absent : .known(level([60_000, 75_000, 90_000])))
    telemetry.busy = level([85_000])
    telemetry.pressure = level([10_000])
    telemetry.load = level([1_000])
    telemetry.processors = 2
    telemetry.lowPowerMode = random.once(in: 3)
    return telemetry
  }

  @Test(arguments: Seed.some(20)) func `what is not known permits no more`(seed: Seed) {
    var random = SplitMix64(seed)
    // Which table is used is known: a phone tells us so itself, nothing here reads one.
    let forget: [@Sendable (inout Telemetry) -> Void] = [
      { if $0.device != .phone { $0.device = nil } }, { $0.externalPower = nil },
      { $0.battery = .unknown }, { $0.temperature = .unknown }, { $0.busy = nil },
      { $0.pressure = nil }, { $0.load = nil }, { $0.processors = nil }, { $0.lowPowerMode = nil },
      { $0.readAt = Self.now - 120_001 }, { $0.readAt = Self.now + 1 },
    ]
    for _ in 0..<500 {
      let policy = HostPolicy(idleOnly: random.once(in: 2))
      var telemetry = some(&random)
      var before = PowerPolicy.decide(telemetry, policy, now: Self.now).accepts
      // One after another, until nothing is known.
      for change in forget.shuffled(using: &random) {
        change(&telemetry)
        let after = PowerPolicy.decide(telemetry, policy, now: Self.now).accepts
        #expect(after <= before, "\(telemetry)")
        before = after
      }
      #expect(before == .nothing)
    }
  }

  @Test func `a small job is one of ten seconds in both phases together`() {
    var task = TaskManifest(name: "t", kind: .run, language: "shell", profile: "p", command: ["x"])
    for (wall, accepts) in [(10_000, true), (10_001, false)] as [(Int64, Bool)] {
      task.limits.wallMilliseconds = wall
      #expect(Acceptance.small.takes(task) == accepts)
      #expect(Acceptance.all.takes(task) && !Acceptance.nothing.takes(task))
    }
    task.limits.wallMilliseconds = 6_000
    task.verifier = TaskManifest.Verifier(runner: .shell, files: [], expected: [])
    task.verifier?.limits.wallMilliseconds = 4_000
    #expect(Acceptance.small.takes(task))
    task.verifier?.limits.wallMilliseconds = 4_001
    #expect(!Acceptance.small.takes(task))
    task.verifier?.limits.wallMilliseconds = .max
    #expect(!Acceptance.small.takes(task))
  }
}
