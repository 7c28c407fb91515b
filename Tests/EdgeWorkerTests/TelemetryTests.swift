import EdgeJob
import EdgeSystem
import EdgeTestSupport
import EdgeWorker
import Glibc
import Testing

/// What the kernel says of power, heat and load, read from trees as it lays them out, and here.
@Suite struct TelemetryTests {
  /// A tree with links from classes to devices, as sysfs(5) has them.
  private final class Tree {
    let folder = TemporaryDirectory()

    /// A machine with a quiet `/proc` and no devices.
    init(flags: String = "fpu vme") throws {
      for path in [
        "proc", "proc/pressure", "sys", "sys/class", "sys/class/power_supply", "sys/class/thermal",
        "sys/devices",
      ] { try folder.open().makeDirectory(path) }
      try folder.write("proc/cpuinfo", text: "processor\t: 0\nflags\t\t: \(flags)\n")
      try folder.write("proc/loadavg", text: "0.20 0.18 0.12 1/80 11206\n")
      try folder.write(
        "proc/pressure/cpu", text: "some avg10=1.50 avg60=0.36 avg300=1.40 total=20819342443\n")
      try folder.write(
        "proc/stat", text: "cpu  10 0 10 70 10 0 0 0 0 0\ncpu0 1 0 1 1\ncpu1 1 0 1 1\nintr 1\n")
    }

    func device(_ name: String, in category: String, _ attributes: [String: String]) throws {
      try folder.open().makeDirectory("sys/devices/\(name)")
      for (attribute, text) in attributes {
        try folder.write("sys/devices/\(name)/\(attribute)", text: text + "\n")
      }
      let link = folder.path("sys/class/\(category)/\(name)")
      #expect(symlink("../../devices/\(name)", link) == 0)
    }

    func supply(_ name: String, _ attributes: [String: String]) throws {
      try device(name, in: "power_supply", attributes)
    }

    var telemetry: Telemetry { TelemetryReader(root: folder.path).read() }

    var decision: PowerDecision {
      PowerPolicy.decide(telemetry, HostPolicy(), now: Clocks.milliseconds())
    }
  }

  private func battery(_ capacity: String, _ status: String) -> [String: String] {
    ["type": "Battery", "present": "1", "capacity": capacity, "status": status]
  }

  @Test func `a laptop whose battery runs out`() throws {
    let tree = try Tree()
    try tree.supply("AC", ["type": "Mains", "online": "0"])
    try tree.supply("BAT0", battery("10", "Discharging"))
    try tree.device("thermal_zone0", in: "thermal", ["temp": "47000", "type": "x86_pkg_temp"])
    let telemetry = tree.telemetry
    #expect(telemetry.device == .laptop && telemetry.externalPower == false)
    #expect(telemetry.battery == .known(10_000))
    #expect(telemetry.temperature == .known(47_000) && telemetry.thermalState == .nominal)
    #expect(telemetry.load == 200 && telemetry.pressure == 1_500 && telemetry.processors == 2)
    #expect(tree.decision.accepts == .nothing && tree.decision.reason == .batteryCritical)
    // Its twin: the same battery with the plug in.
    try tree.folder.write("sys/devices/AC/online", text: "1\n")
    try tree.folder.write("sys/devices/BAT0/status", text: "Charging\n")
    #expect(tree.decision.accepts == .all && tree.decision.reason == .externalPower)
  }

  @Test(
    arguments: [
      (nil, "Discharging", false), (nil, "Charging", true), (nil, "Full", true),
      (nil, "Not charging", true), (nil, "Unknown", nil), ("1", "Unknown", true),
      ("2", "Unknown", true), ("0", "Unknown", false), ("0", "Charging", true),
      ("x", "Unknown", nil),
      // A plug that gives less than the machine needs.
      ("1", "Discharging", false),
    ] as [(String?, String, Bool?)])
  func `where the power comes from`(online: String?, status: String, expected: Bool?) throws {
    let tree = try Tree()
    if let online { try tree.supply("ADP1", ["type": "Mains", "online": online]) }
    try tree.supply("BAT1", battery("50", status))
    #expect(tree.telemetry.externalPower == expected)
    #expect(tree.telemetry.device == .laptop)
  }

  @Test func `several batteries, and those that are none of the machine's`() throws {
    let tree = try Tree()
    try tree.supply("BAT0", battery("80", "Not charging"))
    try tree.supply("BAT1", battery("21", "Discharging"))
    try tree.supply("BAT2", ["type": "Battery", "present": "0"])
    try tree.supply("hidpp_battery_0", ["type": "Battery", "scope": "Device", "capacity": "5"])
    #expect(tree.telemetry.battery == .known(50_500))
    #expect(tree.telemetry.externalPower == false)
  }

  @Test func `no battery: a desktop, and a server where it is virtual`() throws {
    let desktop = try Tree()
    #expect(desktop.telemetry.device == .desktop && desktop.telemetry.battery == .absent)
    #expect(desktop.decision.reason == .externalPower)
    let server = try Tree(flags: "fpu hypervisor vme")
    #expect(server.telemetry.device == .server)
    #expect(server.decision.reason == .serverUnlimited)
    try server.supply("BAT0", battery("10", "Discharging"))
    #expect(server.telemetry.device == .laptop)
    #expect(server.decision.reason == .batteryCritical)
  }

  @Test(
    arguments: [
      (["60000"], .known(60_000), .nominal), (["60001"], .known(60_001), .fair),
      (["20000", "75001", "-1000"], .known(75_001), .serious),
      (["90001"], .known(90_001), .critical), (["", "40000"], .known(40_000), .nominal),
      (["hot"], .unknown, nil), (["-274000"], .unknown, nil), (["2147483647"], .unknown, nil),
      ([], .absent, nil),
    ] as [([String], Telemetry.Reading, Telemetry.ThermalState?)])
  func heat(zones: [String], reading: Telemetry.Reading, state: Telemetry.ThermalState?) throws {
    let tree = try Tree()
    for (index, text) in zones.enumerated() {
      try tree.device("thermal_zone\(index)", in: "thermal", ["temp": text])
    }
    try tree.device("cooling_device0", in: "thermal", ["type": "Fan"])
    #expect(tree.telemetry.temperature == reading)
    #expect(tree.telemetry.thermalState == state)
    if reading == .unknown { #expect(tree.decision.reason == .thermalUnknown) }
  }

  @Test func `what is not there is unknown, and permits nothing`() throws {
    let nothing = TemporaryDirectory()
    let reader = TelemetryReader(root: nothing.path)
    var expected = Telemetry(readAt: 0)
    expected.readAt = reader.read().readAt
    let read = reader.read()
    expected.readAt = read.readAt
    #expect(read == expected)
    #expect(reader.processorTimes() == nil)
    let decision = PowerPolicy.decide(read, HostPolicy(), now: read.readAt)
    #expect(decision.accepts == .nothing)
    // A kernel without these classes has no such devices.
    try nothing.open().makeDirectory("sys")
    try nothing.open().makeDirectory("sys/class")
    #expect(reader.read().battery == .absent && reader.read().temperature == .absent)
  }

  @Test(arguments: Seed.some(20)) func `no bytes in the files break it`(seed: Seed) throws {
    var random = SplitMix64(seed)
    let texts = [
      "", "-", "-5", "101", "9223372036854775808", "1e3", "0x10", "ten", "\u{0}", "5\n6", " 5",
    ]
    let tree = try Tree()
    try tree.supply("BAT0", battery("10", "Discharging"))
    try tree.device("thermal_zone0", in: "thermal", ["temp": "47000"])
    let names = [
      "sys/devices/BAT0/capacity", "sys/devices/BAT0/status", "sys/devices/BAT0/type",
      "sys/devices/thermal_zone0/temp", "proc/pressure/cpu", "proc/loadavg", "proc/stat",
      "proc/cpuinfo",
    ]
    for _ in 0..<40 {
      let name = random.one(of: names)
      let bytes = random.once(in: 2) ? random.bytes(40) : Array(random.one(of: texts).utf8)
      try tree.folder.write(name, bytes)
      // Broken files never say more than the good ones did.
      #expect(tree.decision.accepts == .nothing, "\(name): \(bytes)")
      _ = TelemetryReader(root: tree.folder.path).processorTimes()
    }
  }

  @Test func `no FIFO, device or attribute that is a link is read`() throws {
    let tree = try Tree()
    try tree.supply("BAT0", ["type": "Battery", "status": "Discharging"])
    try tree.folder.write("elsewhere", text: "99\n")
    #expect(
      symlink(tree.folder.path("elsewhere"), tree.folder.path("sys/devices/BAT0/capacity")) == 0)
    #expect(tree.telemetry.battery == .unknown)
    try tree.folder.open().remove("proc/loadavg")
    #expect(mkfifo(tree.folder.path("proc/loadavg"), 0o600) == 0)
    #expect(tree.telemetry.load == nil)
  }

  @Test func `the processors between two readings`() throws {
    let first = try #require(ProcessorTimes("cpu  100 10 50 800 40 0 0 0 7 7\ncpu0 1 1 1 1\n"))
    #expect(first.total == 1_000 && first.busy == 160)
    let later = try #require(ProcessorTimes("cpu  160 10 80 850 60 5 5 10 7 7\n"))
    // 110 of 180 ticks.
    #expect(later.share(since: first) == 61_111)
    #expect(first.share(since: later) == nil && first.share(since: first) == nil)
    for text in ["", "cpu", "cpu0 1 2 3 4", "cpu  1 2 3", "cpu  1 2 -3 4", "cpu  1 x 3 4"] {
      #expect(ProcessorTimes(text) == nil, "\(text)")
    }
  }

  @Test func `this machine`() throws {
    let reader = TelemetryReader()
    let telemetry = reader.read()
    #expect(telemetry.processors == Int64(Processors.ofMachine))
    #expect(telemetry.load != nil && telemetry.device != nil)
    #expect(reader.processorTimes() != nil)
    let decision = PowerPolicy.decide(
      telemetry, HostPolicy(), now: Clocks.milliseconds())
    #expect(decision.reason != .telemetryStale)
  }

  @Test(arguments: Seed.some(20)) func `a recording is what was recorded`(seed: Seed) throws {
    var random = SplitMix64(seed)
    func reading() -> Telemetry.Reading {
      random.one(of: [.absent, .unknown, .known(random.number(0...1 << 52 as ClosedRange<Int64>))])
    }
    var telemetry = Telemetry(
      readAt: random.number(0...1 << 50 as ClosedRange<Int64>), battery: reading(),
      temperature: reading())
    if random.once(in: 2) { telemetry.device = random.one(of: Telemetry.Device.allCases) }
    if random.once(in: 2) { telemetry.externalPower = random.once(in: 2) }
    if random.once(in: 2) { telemetry.busy = 5 }
    if random.once(in: 2) { telemetry.load = 6 }
    if random.once(in: 2) { telemetry.lowPowerMode = random.once(in: 2) }
    let document = JSON.members([
      ("schema", .string(PowerDocument.schema)), ("at", 7), ("telemetry", telemetry.json),
      ("decision", ["accepts": "all"]),
    ])
    let read = try PowerDocument(json: try JSON.parse(document.canonical))
    #expect(read == PowerDocument(at: 7, telemetry: telemetry))
  }

  @Test(
    arguments: [
      "{}", "[]", #"{"schema":"edgecoder.power/2","telemetry":{"readAt":1}}"#,
      #"{"schema":"edgecoder.power/1"}"#, #"{"schema":"edgecoder.power/1","telemetry":{}}"#,
      #"{"schema":"edgecoder.power/1","telemetry":{"readAt":1,"device":"toaster"}}"#,
      #"{"schema":"edgecoder.power/1","telemetry":{"readAt":1,"externalPower":1}}"#,
      #"{"schema":"edgecoder.power/1","telemetry":{"readAt":1,"batteryMilliPercent":0.5}}"#,
      #"{"schema":"edgecoder.power/1","telemetry":{"readAt":1,"battery":5}}"#,
      #"{"schema":"edgecoder.power/1","more":1,"telemetry":{"readAt":1}}"#,
      #"{"schema":"edgecoder.power/1","telemetry":{"readAt":9007199254740992}}"#,
    ])
  func `what is no recording`(text: String) {
    #expect(throws: JSONError.self) {
      try PowerDocument(json: try JSON.parse(Array(text.utf8)))
    }
  }
}
