package import EdgeJob

extension Telemetry {
  /// The members of its JSON object. What is unknown is left out; null says that the machine has
  /// no such part.
  package var json: JSON {
    .members([
      ("readAt", .int(readAt)), ("device", device.map { .string($0.rawValue) }),
      ("externalPower", externalPower.map { .bool($0) }),
      ("batteryMilliPercent", battery.json), ("temperatureMilliCelsius", temperature.json),
      ("cpuBusyMilliPercent", busy.map { .int($0) }),
      ("cpuPressureMilliPercent", pressure.map { .int($0) }), ("loadMilli", load.map { .int($0) }),
      ("processors", processors.map { .int($0) }), ("lowPowerMode", lowPowerMode.map { .bool($0) }),
    ])
  }

  /// - Throws: where a member is none of these, or no such value.
  package init(json: JSON) throws(JSONError) {
    var fields = try Fields(json, of: "the telemetry")
    self.init(readAt: try fields.integer("readAt"))
    if let name = try fields.optionalText("device") {
      guard let device = Device(rawValue: name) else {
        throw JSONError("\"device\" is none of \(Device.allCases.map(\.rawValue))")
      }
      self.device = device
    }
    externalPower = try Telemetry.flag(fields.take("externalPower"), "externalPower")
    battery = try Telemetry.reading(&fields, "batteryMilliPercent")
    temperature = try Telemetry.reading(&fields, "temperatureMilliCelsius")
    busy = try fields.optionalInteger("cpuBusyMilliPercent")
    pressure = try fields.optionalInteger("cpuPressureMilliPercent")
    load = try fields.optionalInteger("loadMilli")
    processors = try fields.optionalInteger("processors")
    lowPowerMode = try Telemetry.flag(fields.take("lowPowerMode"), "lowPowerMode")
    try fields.end()
  }

  private static func flag(_ value: JSON?, _ name: String) throws(JSONError) -> Bool? {
    guard let value else { return nil }
    guard let flag = value.flag else { throw JSONError("\"\(name)\" is neither true nor false") }
    return flag
  }

  private static func reading(_ fields: inout Fields, _ name: String) throws(JSONError) -> Reading {
    switch fields.take(name) {
    case nil: return .unknown
    case .null?: return .absent
    case .int(let number)? where number.magnitude < 1 << 53: return .known(number)
    default: throw JSONError("\"\(name)\" is neither an integer nor null")
    }
  }
}

extension Telemetry.Reading {
  fileprivate var json: JSON? {
    switch self {
    case .absent: .null
    case .unknown: nil
    case .known(let number): .int(number)
    }
  }
}

/// Telemetry and what was decided from it: what `power` answers, and what it reads.
package struct PowerDocument: Hashable, Sendable {
  package static let schema = "edgecoder.power/1"

  /// When it was decided, milliseconds UTC; nil in a recording that leaves that to its reader.
  package var at: Int64?
  package var telemetry: Telemetry

  package init(at: Int64?, telemetry: Telemetry) {
    self.at = at
    self.telemetry = telemetry
  }

  /// From a recording. A decision in it is not believed but made anew.
  package init(json: JSON) throws(JSONError) {
    var fields = try Fields(json, of: "the recording")
    try fields.schema(PowerDocument.schema)
    at = try fields.optionalInteger("at")
    telemetry = try Telemetry(json: try fields.value("telemetry"))
    _ = fields.take("policy")
    _ = fields.take("decision")
    try fields.end()
  }
}

extension PowerDecision {
  /// The members of its JSON object.
  package var json: JSON {
    .members([
      ("accepts", .string(accepts.rawValue)), ("deferMs", .int(deferMilliseconds)),
      ("reason", .string(reason.rawValue)),
    ])
  }
}

extension HostPolicy {
  /// The members of its JSON object that an owner sets.
  package var json: JSON {
    .members([
      ("mode", .string(mode.rawValue)), ("hours", hours.map { .string($0.description) }),
      ("idleOnly", .bool(idleOnly)),
    ])
  }
}
