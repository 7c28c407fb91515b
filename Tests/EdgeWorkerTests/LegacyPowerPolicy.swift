import EdgeJob

/// The power policy of the program that EdgeCoder replaces, as its recorded answers show it. It is
/// here to be compared with, and nowhere else.
struct LegacyPowerPolicy {
  let os: String
  let now: Int64
  let interval: Int64
  let stopLevel: Double
  let lastTask: Int64?
  let isServer: Bool
  let isDesktop: Bool
  let thermalState: String?
  let cpu: Double?
  let onACPower: Bool?
  let onExternalPower: Bool?
  let lowPowerMode: Bool?
  /// The one of its table: phones report it under another name.
  let battery: Double?

  /// From the arguments of a recorded call.
  init(_ arguments: JSON) {
    let telemetry = arguments["telemetry"] ?? .object([])
    os = arguments["os"]?.text ?? ""
    now = arguments["nowMs"]?.integer ?? 0
    interval = arguments["batteryPullMinIntervalMs"]?.integer ?? 0
    stopLevel = arguments["batteryTaskStopLevelPct"]?.double ?? 0
    lastTask = arguments["lastTaskAssignedAtMs"]?.integer
    isServer = telemetry["deviceType"]?.text == "server"
    isDesktop = telemetry["deviceType"]?.text == "desktop"
    thermalState = telemetry["thermalState"]?.text
    cpu = telemetry["cpuUsagePct"]?.double
    onACPower = telemetry["onACPower"]?.flag
    onExternalPower = telemetry["onExternalPower"]?.flag
    lowPowerMode = telemetry["lowPowerMode"]?.flag
    battery = telemetry[os == "ios" ? "batteryLevelPct" : "batteryPct"]?.double
  }

  var isPhone: Bool { os == "ios" }

  /// What it answered, with the members in the order of the recording.
  var answer: JSON { isPhone ? phone : machine }

  private var phone: JSON {
    if lowPowerMode == true { return Self.answer(false, false, "ios_low_power_mode") }
    if onExternalPower == true { return Self.answer(true, true, "ios_external_power") }
    if let battery, battery <= stopLevel {
      return Self.answer(false, false, "ios_battery_critical")
    }
    if let lastTask, now - lastTask < interval {
      return Self.answer(false, false, "ios_on_battery_throttled")
    }
    return Self.answer(true, false, "ios_on_battery_lite_mode")
  }

  private var machine: JSON {
    if isServer { return Self.answer(true, true, "server_unlimited") }
    if let cpu, cpu > 85 { return Self.answer(true, true, "high_cpu_defer", wait: 5000) }
    if ["serious", "critical"].contains(thermalState) {
      return Self.answer(false, false, "thermal_throttle")
    }
    if isDesktop || onACPower == true || onACPower == nil && battery == nil {
      return Self.answer(true, true, "desktop_ac_power")
    }
    guard let battery else { return Self.answer(true, false, "laptop_battery_high") }
    if battery < 15 { return Self.answer(false, false, "laptop_battery_critical") }
    if battery > 40 { return Self.answer(true, false, "laptop_battery_high") }
    return Self.answer(true, false, "laptop_battery_low", small: true)
  }

  private static func answer(
    _ coordinator: Bool, _ peers: Bool, _ reason: String, wait: Int64? = nil, small: Bool? = nil
  ) -> JSON {
    .members([
      ("allowCoordinatorTasks", .bool(coordinator)), ("allowPeerDirectWork", .bool(peers)),
      ("deferMs", wait.map { .int($0) }), ("allowSmallTasksOnly", small.map { .bool($0) }),
      ("reason", .string(reason)),
    ])
  }
}

extension JSON {
  /// A number of either form.
  var double: Double? {
    switch self {
    case .int(let number): Double(number)
    case .number(let number): number
    default: nil
    }
  }
}
