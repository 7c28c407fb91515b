internal import EdgeSystem

/// Reads telemetry from `/sys` and `/proc`. What is missing or malformed there is unknown.
package struct TelemetryReader: Sendable {
  /// The directory that has them, `/` except in tests.
  package let root: String
  /// Another system's guest, as far as the processor says so: the flag `hypervisor` of x86. A guest
  /// that does not show counts as a desktop, for which the table is stricter.
  private let isVirtual: Bool

  /// Looks at the processors once.
  package init(root: String = "/") {
    self.root = root
    let flags = TelemetryReader.text("\(root)/proc", "cpuinfo", atMost: 4 << 20)?.split(
      separator: "\n"
    ).first { $0.hasPrefix("flags") }
    isVirtual = flags?.split(separator: " ").contains("hypervisor") ?? false
  }

  /// Reads everything but `busy`, which takes two moments.
  package func read() -> Telemetry {
    let power = PowerSupplies(self)
    var telemetry = Telemetry(
      readAt: Clocks.milliseconds(), device: device(power), externalPower: power.isExternal,
      battery: power.battery, temperature: temperature())
    telemetry.pressure = pressure()
    telemetry.load = load()
    telemetry.processors = processors()
    return telemetry
  }

  private func device(_ power: PowerSupplies) -> Telemetry.Device? {
    switch power.battery {
    case .absent: isVirtual ? .server : .desktop
    case .known: .laptop
    case .unknown: power.batteries.isEmpty ? nil : .laptop
    }
  }

  /// The hottest zone. A sensor that is switched off, such as that of a radio, answers with an
  /// error, so one that answers is enough.
  private func temperature() -> Telemetry.Reading {
    guard let entries = entries(of: "thermal") else { return .unknown }
    let zones = entries.filter { $0.hasPrefix("thermal_zone") }
    if zones.isEmpty { return .absent }
    let readings = zones.compactMap {
      attribute("temp", of: $0, in: "thermal").flatMap { Int64($0) }
    }
    .filter { (-50_000...200_000).contains($0) }
    return readings.max().map { .known($0) } ?? .unknown
  }

  /// `some avg10=0.12 avg60=…`, Documentation/accounting/psi.rst of the kernel.
  private func pressure() -> Int64? {
    let line = file("proc/pressure", "cpu")?.split(separator: "\n").first?.split(separator: " ")
    guard let line, line.count > 1, line[0] == "some", line[1].hasPrefix("avg10=") else {
      return nil
    }
    return TelemetryReader.thousandths(line[1].dropFirst(6))
  }

  /// `0.20 0.18 0.12 1/80 11206`, proc_loadavg(5).
  private func load() -> Int64? {
    let fields = file("proc", "loadavg")?.split { $0 == " " || $0 == "\n" } ?? []
    return fields.count < 3 ? nil : TelemetryReader.thousandths(fields[0])
  }

  private func processors() -> Int64? {
    let lines = file("proc", "stat")?.split(separator: "\n") ?? []
    let count = lines.count { $0.hasPrefix("cpu") && $0.dropFirst(3).first?.isNumber == true }
    return count > 0 ? Int64(count) : nil
  }

  /// The processors' time since boot; nil where it is not known. Two of them give `busy`.
  package func processorTimes() -> ProcessorTimes? {
    file("proc", "stat").flatMap { ProcessorTimes($0) }
  }

  /// The names in a class of devices; none where the kernel has no such class, nil where that is
  /// not known.
  func entries(of name: String) -> [String]? {
    guard let classes = try? Directory(path: "\(root)/sys/class").entries() else { return nil }
    if !classes.contains(name) { return [] }
    return try? Directory(path: "\(root)/sys/class/\(name)").entries()
  }

  /// An attribute of a device, without the end of its line.
  ///
  /// Each device in a class is a link to where it stands in the tree of devices, sysfs(5), so
  /// its directory is opened by its whole path, links and all; only the kernel puts links there.
  /// The attribute itself is opened below it, where no link is followed.
  func attribute(_ attribute: String, of device: String, in name: String) -> String? {
    guard let text = file("sys/class/\(name)/\(device)", attribute) else { return nil }
    let line = text.split(separator: "\n", omittingEmptySubsequences: false).first ?? ""
    return line.isEmpty ? nil : String(line)
  }

  private func file(_ directory: String, _ name: String) -> String? {
    TelemetryReader.text("\(root)/\(directory)", name, atMost: 1 << 20)
  }

  private static func text(_ directory: String, _ name: String, atMost most: Int) -> String? {
    guard let bytes = try? Directory(path: directory).read(name, atMost: most) else { return nil }
    return String(validating: bytes, as: UTF8.self)
  }

  /// `12.34` → 12340; nil for anything but digits with at most three after a point.
  static func thousandths(_ text: some StringProtocol) -> Int64? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), parts.allSatisfy({ $0.utf8.allSatisfy(isDigit) }),
      let whole = Int64(parts[0]), whole < 1 << 40
    else { return nil }
    guard parts.count == 2 else { return whole * 1000 }
    guard (1...3).contains(parts[1].count) else { return nil }
    let digits = parts[1] + String(repeating: "0", count: 3 - parts[1].count)
    return Int64(digits).map { whole * 1000 + $0 }
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}

/// How the processors of a machine spent their time since boot, proc_stat(5).
package struct ProcessorTimes: Hashable, Sendable {
  /// Ticks in which they worked.
  package let busy: Int64
  /// All ticks.
  package let total: Int64

  /// From the text of `/proc/stat`.
  package init?(_ text: String) {
    guard let line = text.split(separator: "\n").first, line.hasPrefix("cpu ") else { return nil }
    // user nice system idle iowait irq softirq steal; guests are in user and nice already.
    let fields = line.split(separator: " ").dropFirst().prefix(8).map { Int64($0) ?? -1 }
    guard fields.count >= 4, fields.allSatisfy({ (0..<1 << 48).contains($0) }) else { return nil }
    total = fields.reduce(0, +)
    busy = total - fields[3] - (fields.count > 4 ? fields[4] : 0)
  }

  /// The busy share since an earlier reading, thousandths of a percent; nil where no time has
  /// passed or the counters went back.
  package func share(since earlier: ProcessorTimes) -> Int64? {
    let all = total - earlier.total
    let work = busy - earlier.busy
    return all > 0 && (0...all).contains(work) ? work * 100_000 / all : nil
  }
}
