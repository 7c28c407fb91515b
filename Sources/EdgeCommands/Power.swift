internal import ArgumentParser
internal import EdgeJob
internal import EdgeReport
internal import EdgeSystem
internal import EdgeWorker

/// `edgecoder power`.
struct Power: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "power",
    abstract: "Shows whether a worker here would take jobs now, and why.",
    discussion: """
      Example: edgecoder power --hours 22:00-06:00 --idle-only

      Its JSON can be kept and given to --telemetry: it is judged as of its member "at", or as of \
      now where it has none.
      """)

  @Option(help: "Judges a recording instead of this machine; - is standard input.")
  var telemetry: String?

  @OptionGroup var host: HostOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let policy = try host.policy()
    let document = try telemetry.map(recording) ?? Power.reading()
    let at = document.at ?? Clocks.milliseconds()
    let decision = PowerPolicy.decide(document.telemetry, policy, now: at)
    let rows = properties(document.telemetry) + properties(policy) + properties(decision)
    var answer = Document(schema: PowerDocument.schema, properties: rows)
    answer.facts = [
      JSON.Member("at", .int(at)), JSON.Member("telemetry", document.telemetry.json),
      JSON.Member("policy", policy.json), JSON.Member("decision", decision.json),
    ]
    try output.render(answer)
  }

  /// This machine; its processors are looked at twice, half a second apart.
  private static func reading() -> PowerDocument {
    let reader = TelemetryReader()
    let before = reader.processorTimes()
    _ = Poll.readable([], milliseconds: 500)
    var telemetry = reader.read()
    if let before { telemetry.busy = reader.processorTimes()?.share(since: before) }
    return PowerDocument(at: Clocks.milliseconds(), telemetry: telemetry)
  }

  private func recording(_ path: String) throws -> PowerDocument {
    let bytes: [UInt8]
    do throws(SystemError) {
      bytes = try path == "-" ? EdgeSystem.read(0, atMost: 1 << 20) : Power.file(path)
    } catch {
      throw CommandFailure(
        error.isNotFound ? .notFound : .badInput, "the recording cannot be read", place: path,
        why: error.description)
    }
    do throws(JSONError) {
      return try PowerDocument(json: try JSON.parse(bytes))
    } catch {
      throw CommandFailure(
        .badInput, "this is no recording", place: path, why: error.description,
        next: "edgecoder power --json makes one")
    }
  }

  private static func file(_ path: String) throws(SystemError) -> [UInt8] {
    let parts = path.split(separator: "/")
    let parent = (path.hasPrefix("/") ? "/" : "./") + parts.dropLast().joined(separator: "/")
    return try Directory(path: parent).read(String(parts.last ?? "."), atMost: 1 << 20)
  }

  private func properties(_ telemetry: Telemetry) -> [Property] {
    let isExternal = telemetry.battery == .absent ? true : telemetry.externalPower
    let power = isExternal.map { $0 ? "external" : "battery" }
    let load = telemetry.load.map { "\(Power.decimal($0, places: 2))" }
    let processors = telemetry.processors.map { " on \(Amount.count(Int($0), "processor"))" }
    let heat = telemetry.thermalState.map { " °C, \($0.rawValue)" } ?? ""
    return [
      Property("device", Power.cell(telemetry.device?.rawValue)),
      Property("power", Power.cell(power)),
      Property("battery", Power.cell(telemetry.battery, unit: " %")),
      Property("temperature", Power.cell(telemetry.temperature, unit: heat)),
      Property("cpuBusy", title: "cpu busy", Power.cell(telemetry.busy.map(Power.percent))),
      Property(
        "cpuPressure", title: "cpu pressure", Power.cell(telemetry.pressure.map(Power.percent))),
      Property("load", Power.cell(load.map { $0 + (processors ?? "") })),
    ]
  }

  private func properties(_ policy: HostPolicy) -> [Property] {
    [
      Property("mode", Cell(policy.mode.rawValue)),
      Property("hours", Cell(policy.hours.map { "\($0) UTC" } ?? "any")),
      Property("idleOnly", title: "only while idle", Cell(policy.idleOnly ? "yes" : "no")),
    ]
  }

  private func properties(_ decision: PowerDecision) -> [Property] {
    let tone: Tone = decision.accepts == .all ? .good : .warning
    let wait = decision.deferMilliseconds
    return [
      Property("accepts", Cell(decision.accepts.rawValue, tone)),
      Property("wait", Cell(wait == 0 ? "none" : Amount.duration(wait))),
      Property("reason", Cell(decision.reason.rawValue)),
    ]
  }

  private static func cell(_ text: String?) -> Cell { text.map { Cell($0) } ?? unknown }

  private static func cell(_ reading: Telemetry.Reading, unit: String) -> Cell {
    switch reading {
    case .absent: Cell("there is none")
    case .unknown: unknown
    case .known(let number): Cell(decimal(number, places: 1) + unit)
    }
  }

  private static let unknown = Cell("unknown", .warning)

  private static func percent(_ thousandths: Int64) -> String {
    decimal(thousandths, places: 1) + " %"
  }

  /// Thousandths as a decimal number, cut after 0 … 3 places.
  private static func decimal(_ thousandths: Int64, places: Int) -> String {
    let digits = String(thousandths.magnitude % 1000 + 1000).dropFirst().prefix(places)
    return "\(thousandths < 0 ? "-" : "")\(thousandths.magnitude / 1000).\(digits)"
  }
}

/// What the owner of a machine allows its worker.
struct HostOptions: ParsableArguments {
  @Option(
    help: "on; off takes nothing new and finishes what it has; offline is on and says offline.")
  var mode = WorkerMode.on

  @Option(help: "Takes jobs only then, in UTC, such as 22:00-06:00.")
  var hours: String?

  @Flag(help: "Takes jobs only while the load and the pressure on the processors are low.")
  var idleOnly = false

  func policy() throws -> HostPolicy {
    let window = hours.flatMap { HoursWindow($0) }
    if let hours, window == nil {
      throw CommandFailure(
        .usage, "\(hours) is no part of a day", next: "write 22:00-06:00; leave it out for all day")
    }
    return HostPolicy(mode: mode, hours: window, idleOnly: idleOnly)
  }
}

extension WorkerMode: ExpressibleByArgument {}
