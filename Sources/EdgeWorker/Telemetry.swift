/// What a machine tells of its state. Numbers are whole thousandths.
package struct Telemetry: Hashable, Sendable {
  /// When it was read, milliseconds UTC.
  package var readAt: Int64
  /// Nil where it is not known.
  package var device: Device?
  /// True where it does not run from its battery; nil where it is not known.
  package var externalPower: Bool?
  /// The charge, thousandths of a percent.
  package var battery: Reading
  /// The hottest sensor, thousandths of a degree Celsius.
  package var temperature: Reading
  /// Share of the processors' time that others used, thousandths of a percent; nil where it is not
  /// known.
  package var busy: Int64?
  /// Share of the last ten seconds in which some task waited for a processor, thousandths of a
  /// percent; nil where it is not known.
  package var pressure: Int64?
  /// The load of the last minute, thousandths; nil where it is not known.
  package var load: Int64?
  /// The processors that the load is spread over; nil where they are not known.
  package var processors: Int64?
  /// A phone's owner saves power; nil where it is not known.
  package var lowPowerMode: Bool?

  /// What is not named is unknown.
  package init(
    readAt: Int64, device: Device? = nil, externalPower: Bool? = nil, battery: Reading = .unknown,
    temperature: Reading = .unknown
  ) {
    self.readAt = readAt
    self.device = device
    self.externalPower = externalPower
    self.battery = battery
    self.temperature = temperature
  }

  /// The kind of machine.
  package enum Device: String, CaseIterable, Hashable, Sendable {
    /// A virtual machine without a battery.
    case server
    /// No battery.
    case desktop
    /// With a battery, of its own or of a UPS.
    case laptop
    /// Never read here, but known to the table.
    case phone
  }

  /// A number, or why there is none. A machine without a battery knows that it has none; that
  /// is something else than one whose battery does not answer.
  package enum Reading: Hashable, Sendable {
    case absent
    case unknown
    case known(Int64)
  }

  /// How hot a machine is.
  package enum ThermalState: String, CaseIterable, Comparable, Hashable, Sendable {
    case nominal, fair, serious, critical

    package static func < (left: ThermalState, right: ThermalState) -> Bool {
      (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
    }
  }

  /// Up to 60 °C nominal, up to 75 °C fair, up to 90 °C serious; nil without a temperature.
  package var thermalState: ThermalState? {
    guard case .known(let temperature) = temperature else { return nil }
    return switch temperature {
    case ...60_000: .nominal
    case ...75_000: .fair
    case ...90_000: .serious
    default: .critical
    }
  }
}
