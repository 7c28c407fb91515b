internal import ArgumentParser
internal import EdgeJob
internal import EdgeReport
internal import EdgeSandbox
internal import EdgeSystem
internal import EdgeWorker

/// `edgecoder sandbox`.
struct SandboxCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sandbox", abstract: "The sandbox by itself.",
    discussion: "Example: edgecoder sandbox run --profile strict -- /bin/true",
    subcommands: [SandboxRun.self, SandboxProfileCommand.self])
}

struct SandboxRun: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Runs one command in a sandbox, without spool or ledger.",
    discussion: "Example: edgecoder sandbox run --profile shell --report json -- /bin/echo hello")

  @Option(help: "The sandbox profile.")
  var profile = "shell"

  @Option(help: "Writes a report to standard error: json.")
  var report: String?

  @Option(help: "Wall time: 90s, 15m.")
  var wall: String?

  @Option(help: "CPU time: 90s, 15m.")
  var cpu: String?

  @Option(help: "Memory of the tree, MiB.")
  var memory: Int64?

  @Option(help: "Runs it this often, each time in a new workspace; the report has the times.")
  var `repeat` = 1

  @Argument(parsing: .captureForPassthrough, help: "The program and its arguments, after --.")
  var command: [String]

  func run() throws {
    // The passthrough takes everything, also what is meant for us.
    if ["--help", "-h"].contains(command.first) {
      throw CleanExit.helpRequest(self)
    }
    let arguments = command.first == "--" ? Array(command.dropFirst()) : command
    guard !arguments.isEmpty else { throw CommandFailure(.usage, "no command is named") }
    let profile = try SandboxProfile.load(profile)
    var limits = profile.limits
    if let wall { limits.wallMilliseconds = try milliseconds(wall) }
    if let cpu { limits.cpuMilliseconds = try milliseconds(cpu) }
    if let memory { limits.memoryBytes = memory << 20 }
    let slot = try SlotLease.take()
    let sandbox = Sandbox(host: try SandboxHost.probe(), slot: slot.number)
    let launch = Launch(profile: profile, limits: limits, arguments: arguments)
    var times: [Int64] = []
    var last: RunReport?
    for _ in 0..<max(1, `repeat`) {
      let started = Clocks.bootNanoseconds()
      let workspace = try sandbox.makeWorkspace(limits: limits, profile: profile)
      last = try sandbox.run(launch, in: workspace)
      times.append(Clocks.bootNanoseconds() - started)
    }
    guard let result = last else { return }
    Console.write(result.stdout)
    try? EdgeSystem.write(result.stderr, to: 2)
    let verdict = result.verdict()
    if report == "json" {
      let json: JSON = [
        "schema": "edgecoder.sandbox/1", "outcome": verdict.json, "usage": result.usage.json,
        "enforced": .table(result.enforced), "setupNs": .int(result.setupNanoseconds),
        "profile": .string(result.profileDigest.hex), "timesNs": SandboxRun.times(times),
      ]
      try? EdgeSystem.write(json.canonical + [0x0A], to: 2)
    } else if verdict != .passed {
      Console.note("edgecoder: \(verdict.summary)")
    }
    switch verdict {
    case .passed: return
    case .failed(let status): throw ArgumentParser.ExitCode(status)
    case .signalled(let signal): throw ArgumentParser.ExitCode(128 + signal)
    default: throw ArgumentParser.ExitCode(EdgeJob.ExitCode.notPassed.rawValue)
    }
  }

  /// From the call to the end of everything, with the workspace: a distribution, nanoseconds.
  private static func times(_ all: [Int64]) -> JSON {
    let sorted = all.sorted()
    return [
      "count": .int(Int64(sorted.count)), "min": .int(sorted[0]),
      "p50": .int(sorted[sorted.count / 2]), "p95": .int(sorted[sorted.count * 95 / 100]),
    ]
  }
}
