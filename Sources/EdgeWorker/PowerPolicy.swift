package import EdgeJob

/// Whether a worker takes jobs, and why.
package struct PowerDecision: Hashable, Sendable {
  package let accepts: Acceptance
  /// Waits this long before it takes the next job; milliseconds.
  package let deferMilliseconds: Int64
  package let reason: Reason

  /// It takes some jobs.
  package var mayTakeJobs: Bool { accepts != .nothing }
  /// It takes only jobs with short wall limits, `Acceptance.small`.
  package var smallJobsOnly: Bool { accepts == .small }

  /// The row of the table that decided.
  package enum Reason: String, CaseIterable, Hashable, Sendable {
    case modeOff = "mode_off"
    case outsideHours = "outside_hours"
    case telemetryStale = "telemetry_stale"
    case hostBusy = "host_busy"
    case serverUnlimited = "server_unlimited"
    case thermalThrottle = "thermal_throttle"
    case thermalUnknown = "thermal_unknown"
    case batteryUnknown = "battery_unknown"
    case batteryCritical = "laptop_battery_critical"
    case batteryLow = "laptop_battery_low"
    case highCPUDefer = "high_cpu_defer"
    case externalPower = "desktop_ac_power"
    case batteryHigh = "laptop_battery_high"
    case phoneLowPower = "ios_low_power_mode"
    case phoneLowPowerUnknown = "ios_low_power_unknown"
    case phoneExternalPower = "ios_external_power"
    case phoneBatteryCritical = "ios_battery_critical"
    case phoneThrottled = "ios_on_battery_throttled"
    case phoneLiteMode = "ios_on_battery_lite_mode"
  }
}

/// Decides from telemetry, the owner's wishes and the time, and from nothing else: the first row
/// that applies.
///
/// What wears out or empties a machine comes before what only slows it: heat and battery are asked
/// before the processors. What is unknown never permits more than the worst that it could be.
package enum PowerPolicy {
  /// Telemetry that is older tells nothing; milliseconds.
  package static let oldest: Int64 = 120_000
  /// How long a worker waits where others use the processors; milliseconds.
  package static let deferral: Int64 = 5_000

  /// Decides.
  /// - Parameter now: milliseconds UTC.
  package static func decide(_ telemetry: Telemetry, _ policy: HostPolicy, now: Int64)
    -> PowerDecision
  {
    let moment = Moment(telemetry: telemetry, policy: policy, now: now)
    let rows = host + (telemetry.device == .phone ? phone : machine)
    guard let row = rows.first(where: { $0.applies(moment) }) else {
      preconditionFailure("the last row of each table applies always")
    }
    return PowerDecision(
      accepts: row.accepts, deferMilliseconds: row.defers && moment.isBusy ? deferral : 0,
      reason: row.reason)
  }

  private struct Row: Sendable {
    let reason: PowerDecision.Reason
    let accepts: Acceptance
    let defers: Bool
    let applies: @Sendable (Moment) -> Bool

    init(
      _ reason: PowerDecision.Reason, _ accepts: Acceptance, defers: Bool = false,
      _ applies: @escaping @Sendable (Moment) -> Bool
    ) {
      self.reason = reason
      self.accepts = accepts
      self.defers = defers
      self.applies = applies
    }
  }

  private static let host = [
    Row(.modeOff, .nothing) { $0.policy.mode == .off },
    Row(.outsideHours, .nothing) { !($0.policy.hours?.contains($0.now) ?? true) },
    Row(.telemetryStale, .nothing) { !(0...oldest).contains($0.now - $0.telemetry.readAt) },
    Row(.hostBusy, .nothing) { $0.policy.idleOnly && !$0.isIdle },
  ]

  private static let machine = [
    Row(.serverUnlimited, .all) { $0.telemetry.device == .server },
    Row(.thermalThrottle, .nothing) { $0.telemetry.thermalState.map { $0 >= .serious } ?? false },
    Row(.thermalUnknown, .nothing) { $0.telemetry.temperature == .unknown },
    Row(.batteryUnknown, .nothing) { $0.isOnBattery && $0.battery == nil },
    Row(.batteryCritical, .nothing) { $0.isOnBattery && $0.isBattery(below: 15_000) },
    Row(.batteryLow, .small, defers: true) { $0.isOnBattery && $0.isBattery(below: 40_001) },
    Row(.highCPUDefer, .all, defers: true) { $0.isBusy },
    Row(.externalPower, .all) { !$0.isOnBattery },
    Row(.batteryHigh, .all) { _ in true },
  ]

  private static let phone = [
    Row(.phoneLowPower, .nothing) { $0.telemetry.lowPowerMode == true },
    Row(.phoneLowPowerUnknown, .nothing) { $0.telemetry.lowPowerMode == nil },
    Row(.phoneExternalPower, .all) { $0.telemetry.externalPower == true },
    Row(.batteryUnknown, .nothing) { $0.telemetry.battery != .absent && $0.battery == nil },
    Row(.phoneBatteryCritical, .nothing) { $0.isBattery(below: $0.policy.batteryStop + 1) },
    Row(.phoneThrottled, .nothing) { moment in
      moment.policy.lastTaken.map { moment.now - $0 < moment.policy.batteryInterval } ?? false
    },
    Row(.phoneLiteMode, .all) { _ in true },
  ]
}

/// What the rows ask.
private struct Moment {
  let telemetry: Telemetry
  let policy: HostPolicy
  /// Milliseconds UTC.
  let now: Int64

  /// Thousandths of a percent; nil where it is not known, or no such share.
  var battery: Int64? {
    guard case .known(let level) = telemetry.battery, (0...100_000).contains(level) else {
      return nil
    }
    return level
  }

  func isBattery(below level: Int64) -> Bool { battery.map { $0 < level } ?? false }

  /// Not surely on external power. A machine without a battery is on it.
  var isOnBattery: Bool {
    telemetry.device != .desktop && telemetry.externalPower != true && telemetry.battery != .absent
  }

  var isBusy: Bool { telemetry.busy.map { $0 > 85_000 } ?? false }

  /// A load below one half for each processor, and tasks wait for a processor for less than a tenth
  /// of the time.
  var isIdle: Bool {
    guard let load = telemetry.load, let processors = telemetry.processors,
      let pressure = telemetry.pressure
    else { return false }
    return load < 500 * processors && pressure < 10_000
  }
}
