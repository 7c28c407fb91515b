internal import ArgumentParser
internal import EdgeJob
internal import EdgeReport
internal import EdgeSandbox
internal import EdgeSystem
internal import EdgeWorker

/// `edgecoder sandbox run`.
struct SandboxRun: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Runs one command in a sandbox, without spool or ledger.",
    discussion: """
      Example: edgecoder sandbox run --profile shell --report json -- /bin/echo hello

      Ends with the command's own code, with 128 and the number of a signal, or
      with 1 where a limit or a forbidden call ended it; a sandbox that could not
      be made is 69 and runs nothing.
      """)

  @Option(help: "The sandbox profile, or the path of one.")
  var profile = "shell"

  @Option(help: "Writes a report to standard error: json.")
  var report: String?

  @OptionGroup var options: SandboxOptions

  @Option(
    help: ArgumentHelp(
      "Copies what the command leaves in the work directory to a new directory.",
      valueName: "directory"))
  var output: String?

  @Option(
    help: ArgumentHelp(
      "Shows a directory of the machine, read-only; once for each.", valueName: "directory=inside"))
  var readOnly: [String] = []

  @Option(help: ArgumentHelp("Sets a variable that the profile allows.", valueName: "name=value"))
  var env: [String] = []

  @Flag(help: "Gives the command our standard input, at most 16 MiB; else it has none.")
  var stdin = false

  @Option(help: "Runs it this often, each time in a new workspace; the report has the times.")
  var `repeat` = 1

  /// A worker in its prime, for `scripts/bench sandbox`.
  @Option(
    help: ArgumentHelp("Holds so much memory meanwhile.", valueName: "MiB", visibility: .hidden))
  var ballast: Int64 = 0

  @Argument(parsing: .captureForPassthrough, help: "The program and its arguments, after --.")
  var command: [String]

  func run() throws {
    let arguments = try SandboxOptions.arguments(command, of: SandboxRun.self)
    if let report, report != "json" {
      throw CommandFailure(.usage, "no report \(report)", next: "there is: json")
    }
    guard (0...4096).contains(ballast) else {
      throw CommandFailure(.usage, "--ballast \(ballast)", next: "choose 0 to 4096 MiB")
    }
    do { try run(arguments) } catch let failure as LaunchFailure {
      if report == "json" { try? write(SandboxReport.json(failure)) }
      throw failure
    }
  }

  private func run(_ arguments: [String]) throws {
    // Every byte is written, so that every page is there.
    let held = [UInt8](repeating: 1, count: Int(ballast) << 20)
    defer { withExtendedLifetime(held) {} }
    let profile = try wholeProfile()
    let slot = try SlotLease.take()
    let sandbox = Sandbox(host: try SandboxHost.probe(), slot: slot.number)
    var launch = Launch(
      profile: profile, limits: try options.limits(profile), arguments: arguments,
      environment: try pairs(env).reduce(into: [:]) { $0[$1.0] = $1.1 })
    if stdin { launch.input = try EdgeSystem.read(0, atMost: 16 << 20) }
    var shown: [Int32] = []
    defer { for raw in shown { _ = Descriptor(owning: raw) } }
    for (source, inside) in try pairs(readOnly) {
      shown.append(try Directory(path: source).descriptor.duplicate().release())
      launch.readOnly.append(.init(descriptor: shown[shown.count - 1], path: inside))
    }
    var times: [Int64] = []
    var last: RunReport?
    let snapshot = try options.snapshot(sandbox, launch.limits)
    for _ in 0..<max(1, `repeat`) {
      let started = Clocks.bootNanoseconds()
      let workspace = try options.workspace(sandbox, launch, over: snapshot)
      last = try sandbox.run(launch, in: workspace)
      times.append(Clocks.bootNanoseconds() - started)
      if let output { try keep(workspace.directory, output, launch.limits) }
    }
    if let last { try finish(last, times) }
  }

  /// A profile that cannot be read is reported, too: nothing ran.
  private func wholeProfile() throws -> SandboxProfile {
    do { return try NamedPolicy.named(profile).whole() } catch {
      if report == "json" {
        try? write(
          SandboxReport.json(LaunchFailure(stage: "profile", errno: 0, subject: profile)))
      }
      throw error
    }
  }

  private func pairs(_ texts: [String]) throws -> [(String, String)] {
    try texts.map { text in
      guard let cut = text.firstIndex(of: "="), cut != text.startIndex else {
        throw CommandFailure(.usage, "\(text) has no =", next: "see edgecoder sandbox run --help")
      }
      return (String(text[..<cut]), String(text[text.index(after: cut)...]))
    }
  }

  private func keep(_ workspace: borrowing Directory, _ path: String, _ limits: Limits) throws {
    let cut = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
    let parent = try Directory(path: cut == path.startIndex ? "." : String(path[..<cut]))
    let name = String(path[cut...])
    try parent.makeDirectory(name, mode: 0o755)
    let left = try CopyTree.copy(
      from: workspace, to: try parent.directory(name), owner: nil,
      limits: .init(entries: Int(limits.files), bytes: limits.diskBytes)
    ) { _ in false }
    for line in left { Console.note("edgecoder: not copied: \(line)") }
  }

  private func finish(_ result: RunReport, _ times: [Int64]) throws {
    Console.pass(result.stdout, to: 1)
    Console.pass(result.stderr, to: 2)
    let verdict = result.verdict()
    if report == "json" {
      // On a line of its own, whatever the command wrote last.
      if let last = result.stderr.last, last != 0x0A { try? EdgeSystem.write([0x0A], to: 2) }
      try? write(SandboxReport.json(result, times: times))
    } else if verdict != .passed {
      Console.note("edgecoder: \(verdict.summary)")
      for call in result.denied { Console.note("edgecoder: denied \(SandboxReport.line(call))") }
    }
    switch verdict {
    case .passed: return
    case .failed(let status): throw ArgumentParser.ExitCode(status)
    case .signalled(let signal): throw ArgumentParser.ExitCode(128 + signal)
    default: throw ArgumentParser.ExitCode(EdgeJob.ExitCode.notPassed.rawValue)
    }
  }

  private func write(_ report: JSON) throws {
    try EdgeSystem.write(report.canonical + [0x0A], to: 2)
  }
}
