import EdgeJob
import EdgeSystem
import EdgeTestSupport
import EdgeWorker
import Testing

/// The recorded answers of the program that EdgeCoder replaces: what it said is known to the bit,
/// and where we say something else a rule says why.
@Suite(.sharedData("economy-vectors.json")) struct PowerVectorTests {
  /// A recorded call.
  struct Recorded {
    let id: String
    let input: LegacyPowerPolicy
    let output: JSON

    /// What it let the coordinator send; its peers are none of ours.
    var answer: Answer {
      let isSmall = output["allowSmallTasksOnly"]?.flag == true
      let isAllowed = output["allowCoordinatorTasks"]?.flag == true
      return Answer(
        isAllowed ? isSmall ? .small : .all : .nothing, output["reason"]?.text ?? "",
        wait: output["deferMs"]?.integer ?? 0)
    }
  }

  struct Answer: Hashable, Sendable {
    let accepts: Acceptance
    let wait: Int64
    let reason: String

    init(_ accepts: Acceptance, _ reason: String, wait: Int64 = 0) {
      self.accepts = accepts
      self.reason = reason
      self.wait = wait
    }

    init(_ decision: PowerDecision) {
      self.init(
        decision.accepts, decision.reason.rawValue, wait: decision.deferMilliseconds)
    }
  }

  /// How a member that is missing in a recording is read.
  enum Missing {
    /// The machine has no such part.
    case absent
    case unknown
  }

  /// Why our answer is another one, and which.
  struct Rule: Sendable {
    let name: String
    let answer: @Sendable (LegacyPowerPolicy) -> Answer?
  }

  private func recorded() throws -> [Recorded] {
    let path = try #require(SharedData.folder("economy-vectors.json"))
    let parts = path.split(separator: "/")
    let folder = try Directory(path: "/" + parts.dropLast().joined(separator: "/"))
    let cases = try JSON.parse(try folder.read(String(parts[parts.count - 1]), atMost: 64 << 20))
    let calls = try #require(cases["cases"]?.elements).filter {
      $0["fn"]?.text == "evaluateAgentPowerPolicy"
    }
    return try calls.map { call in
      Recorded(
        id: try #require(call["id"]?.text),
        input: LegacyPowerPolicy(try #require(call["args"]?.elements?.first)),
        output: try #require(call["out"]))
    }
  }

  private func ours(_ old: LegacyPowerPolicy, missing: Missing, age: Int64 = 0) -> Answer {
    let none: Telemetry.Reading = missing == .absent ? .absent : .unknown
    var telemetry = Telemetry(readAt: old.now - age, battery: none, temperature: none)
    telemetry.device =
      old.isPhone ? .phone : old.isServer ? .server : old.isDesktop ? .desktop : nil
    telemetry.externalPower = old.isPhone ? old.onExternalPower : old.onACPower
    if let battery = old.battery { telemetry.battery = .known(Int64((battery * 1000).rounded())) }
    let heat: [String: Int64] = ["nominal": 60, "fair": 75, "serious": 90, "critical": 91]
    if let state = old.thermalState.flatMap({ heat[$0] }) {
      telemetry.temperature = .known(state * 1000)
    }
    telemetry.busy = old.cpu.map { Int64(($0 * 1000).rounded()) }
    telemetry.lowPowerMode = old.lowPowerMode ?? (missing == .absent ? false : nil)
    let policy = HostPolicy(
      batteryStop: Int64(old.stopLevel * 1000), batteryInterval: old.interval,
      lastTaken: old.lastTask)
    return Answer(PowerPolicy.decide(telemetry, policy, now: old.now))
  }

  @Test func `the twin says what was recorded`() throws {
    let cases = try recorded()
    #expect(cases.count == 224)
    for one in cases { #expect(one.input.answer.canonical == one.output.canonical, "\(one.id)") }
  }

  /// Whether the rows about the battery are reached by a machine that is no phone.
  private static func asksBattery(_ old: LegacyPowerPolicy) -> Bool {
    !old.isPhone && !old.isServer && !old.isDesktop && old.onACPower != true && !isHot(old)
  }

  private static func isHot(_ old: LegacyPowerPolicy) -> Bool {
    ["serious", "critical"].contains(old.thermalState)
  }

  private static func isBusy(_ old: LegacyPowerPolicy) -> Bool { old.cpu.map { $0 > 85 } ?? false }

  private static func asksPhoneBattery(_ old: LegacyPowerPolicy) -> Bool {
    old.isPhone && old.lowPowerMode != true && old.onExternalPower != true
  }

  private static let order = [
    Rule(name: "heat before processors") { old in
      guard !old.isPhone, !old.isServer, isHot(old), isBusy(old) else { return nil }
      return Answer(.nothing, "thermal_throttle")
    },
    Rule(name: "a level outside 0 … 100 is no level") { old in
      guard let battery = old.battery, !(0...100).contains(battery),
        asksBattery(old) || asksPhoneBattery(old)
      else { return nil }
      return Answer(.nothing, "battery_unknown")
    },
    Rule(name: "battery before processors") { old in
      guard let battery = old.battery, asksBattery(old), isBusy(old), battery <= 40 else {
        return nil
      }
      return battery < 15
        ? Answer(.nothing, "laptop_battery_critical")
        : Answer(.small, "laptop_battery_low", wait: 5000)
    },
    Rule(name: "without a battery it is on external power") { old in
      guard asksBattery(old), old.onACPower == false, old.battery == nil, !isBusy(old) else {
        return nil
      }
      return Answer(.all, "desktop_ac_power")
    },
  ]

  private static let unknowns = [
    Rule(name: "heat that is not known") { old in
      guard !old.isPhone, !old.isServer, old.thermalState == nil else { return nil }
      return Answer(.nothing, "thermal_unknown")
    },
    Rule(name: "a battery that is not known") { old in
      guard asksBattery(old), old.battery == nil else { return nil }
      return Answer(.nothing, "battery_unknown")
    },
    Rule(name: "a phone's wish to save power that is not known") { old in
      guard old.isPhone, old.lowPowerMode == nil else { return nil }
      return Answer(.nothing, "ios_low_power_unknown")
    },
    Rule(name: "a phone's battery that is not known") { old in
      guard asksPhoneBattery(old), old.battery == nil else { return nil }
      return Answer(.nothing, "battery_unknown")
    },
  ]

  /// Holds every case against the recording and the rules: a case differs exactly where a rule
  /// says so, and then as that rule says.
  /// - Returns: how often each rule was the reason.
  private func differences(_ rules: [Rule], missing: Missing) throws -> [String: Int] {
    var counts: [String: Int] = [:]
    for one in try recorded() {
      let ours = ours(one.input, missing: missing)
      let rule = rules.first { $0.answer(one.input) != nil }
      #expect(
        ours == rule?.answer(one.input) ?? one.answer, "\(one.id), \(rule?.name ?? "no rule")")
      #expect(rule == nil || ours != one.answer, "\(one.id): \(rule?.name ?? "") changes nothing")
      #expect(ours.accepts <= one.answer.accepts, "\(one.id) takes more than the original")
      if let rule { counts[rule.name, default: 0] += 1 }
    }
    return counts
  }

  @Test func `what a recording leaves out is not there`() throws {
    let counts = try differences(Self.order, missing: .absent)
    #expect(
      counts == [
        "heat before processors": 2, "a level outside 0 … 100 is no level": 16,
        "battery before processors": 8, "without a battery it is on external power": 7,
      ])
  }

  @Test func `what a recording leaves out is unknown`() throws {
    let counts = try differences(Self.unknowns + Self.order, missing: .unknown)
    #expect(
      counts == [
        "heat that is not known": 93, "a battery that is not known": 4,
        "a phone's wish to save power that is not known": 28,
        "a phone's battery that is not known": 2, "heat before processors": 2,
        "a level outside 0 … 100 is no level": 10, "battery before processors": 3,
      ])
  }

  @Test func `what was recorded too long ago permits nothing`() throws {
    for one in try recorded() {
      let stale = ours(one.input, missing: .absent, age: 120_001)
      #expect(stale == Answer(.nothing, "telemetry_stale"), "\(one.id)")
      let old = ours(one.input, missing: .absent, age: 120_000)
      #expect(old == ours(one.input, missing: .absent), "\(one.id)")
    }
  }
}
