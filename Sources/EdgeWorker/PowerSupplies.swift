/// What `/sys/class/power_supply` says, sysfs-class-power of the kernel's ABI documentation.
struct PowerSupplies {
  /// A battery of this machine.
  struct Battery {
    /// Such as `Charging`; nil where it does not say.
    let status: String?
    /// Percent; nil where it does not say.
    let capacity: Int64?
  }

  private(set) var batteries: [Battery] = []
  /// Whether each plug has power; nil where it does not say.
  private var plugs: [Bool?] = []
  /// All supplies could be listed and say what they are.
  private var isComplete = true

  private static let plugTypes: Set<String> = [
    "Mains", "USB", "USB_DCP", "USB_CDP", "USB_ACA", "USB_C", "USB_PD", "USB_PD_DRP", "BrickID",
    "Wireless",
  ]

  init(_ reader: TelemetryReader) {
    guard let names = reader.entries(of: "power_supply") else {
      isComplete = false
      return
    }
    for name in names {
      let attribute = { reader.attribute($0, of: name, in: "power_supply") }
      // The battery of a mouse, and a slot without a battery in it.
      if attribute("scope") == "Device" || attribute("present") == "0" { continue }
      switch attribute("type") {
      case "Battery"?, "UPS"?:
        let capacity = attribute("capacity").flatMap { Int64($0) }
        batteries.append(
          Battery(
            status: attribute("status"),
            capacity: capacity.flatMap { (0...100).contains($0) ? $0 : nil }))
      case let type? where PowerSupplies.plugTypes.contains(type):
        // 2 is a plug that can choose its voltage.
        plugs.append(attribute("online").flatMap { ["0": false, "1": true, "2": true][$0] })
      default: isComplete = false
      }
    }
  }

  /// The mean of all batteries, thousandths of a percent.
  var battery: Telemetry.Reading {
    if !isComplete { return .unknown }
    if batteries.isEmpty { return .absent }
    let levels = batteries.compactMap(\.capacity)
    guard levels.count == batteries.count else { return .unknown }
    return .known(levels.reduce(0, +) * 1000 / Int64(levels.count))
  }

  /// False where a battery empties, even where a plug that is too weak has power.
  var isExternal: Bool? {
    let states = batteries.map(\.status)
    if states.contains("Discharging") { return false }
    if plugs.contains(true) { return true }
    if states.contains(where: { ["Charging", "Full", "Not charging"].contains($0) }) {
      return true
    }
    return isComplete && !plugs.isEmpty && plugs.allSatisfy { $0 == false } ? false : nil
  }
}
