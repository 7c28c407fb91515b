internal import ArgumentParser
internal import EdgeJob
internal import EdgeSandbox
internal import EdgeSystem
internal import EdgeWorker

/// `edgecoder sandbox learn`.
struct SandboxLearn: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "learn", abstract: "Writes a profile that allows what a command calls.",
    discussion: """
      Example: edgecoder sandbox learn --base python --name mytool -- python3 -c 'print(1)'

      Runs the command several times in the sandbox of the base profile, with its limits, view and
      network, but lets its system calls through and notes them; what the base ends a run for, and
      what no profile should open, fails as ever and is named. Then the command runs once more under
      the new profile. Where a call is denied there, or it ends otherwise, the exit code is 1, and
      the profile is not put in place but kept as NAME.failed.json.
      """)

  @Option(help: "The profile that says everything but the calls.")
  var base = "base"

  @Option(help: "How often the command runs.")
  var runs = 3

  @Option(help: "The name of the new profile: letters and hyphens.")
  var name = "learned"

  @Option(name: [.short, .long], help: "The file to write; else NAME.json.")
  var output: String?

  @OptionGroup var options: SandboxOptions

  @Flag(help: "One JSON object with a versioned schema on standard output.")
  var json = false

  @Argument(parsing: .captureForPassthrough, help: "The program and its arguments, after --.")
  var command: [String]

  func run() throws {
    let arguments = try SandboxOptions.arguments(command, of: SandboxLearn.self)
    try check()
    let path = output ?? "\(name).json"
    guard path.hasSuffix(".json"), let parent = try? Directory(path: LearnedFile.folder(path))
    else { throw CommandFailure(.cannotCreate, "\(path) is no place for a .json file") }
    let base = try NamedPolicy.named(base)
    let profile = try base.whole()
    let learning: Learning
    do throws(LaunchFailure) { learning = try Learning(base: profile) } catch {
      throw CommandFailure(policy: error)
    }
    let slot = try SlotLease.take()
    let sandbox = Sandbox(host: try SandboxHost.probe(), slot: slot.number)
    var launch = Launch(profile: profile, limits: try options.limits(profile), arguments: arguments)
    launch.learning = learning
    let snapshot = try options.snapshot(sandbox, launch.limits)
    func once(_ launch: Launch) throws -> RunReport {
      let workspace = try options.workspace(sandbox, launch, over: snapshot)
      return try sandbox.run(launch, in: workspace)
    }
    var calls = LearnedCalls(learning)
    for _ in 0..<runs { calls.add(try completed(try once(launch))) }
    let learned: LearnedProfile
    do throws(LaunchFailure) {
      learned = try LearnedProfile(calls, base: profile, name: name, command: arguments)
    } catch { throw CommandFailure(policy: error) }
    let problems = calls.problems(of: try once(try replay(learned.policy, launch)))
    let file = LearnedFile.name(path, hasFailed: !problems.isEmpty)
    try parent.overwrite(file, Array(learned.text.utf8), mode: 0o644)
    let report = LearnReport(
      name: name, base: self.base, calls: calls, problems: problems,
      path: problems.isEmpty ? path : "\(LearnedFile.folder(path))/\(file)",
      differences: try base.differences(learned.policy))
    if json { Console.write(report.json.canonicalText + "\n") }
    for line in report.lines { Console.note(line) }
    if !problems.isEmpty {
      throw CommandFailure(
        .notPassed, "the learned profile does not do for the command", place: report.path,
        why: problems.joined(separator: "; "), next: hint(calls))
    }
  }

  private func hint(_ calls: LearnedCalls) -> String {
    let killed = calls.killed
    return killed.isEmpty
      ? "learn from more runs, with --runs"
      : "\(base) ends a run that makes \(killed.joined(separator: " or ")); take another base"
  }

  private func check() throws {
    guard (1...1000).contains(runs) else {
      throw CommandFailure(.usage, "\(runs) runs", next: "choose 1 to 1000")
    }
    let isPlain = name.utf8.allSatisfy { (0x61...0x7A).contains($0) || $0 == 0x2D }
    guard isPlain, !name.isEmpty else {
      throw CommandFailure(.usage, "\(name) is no name of a profile", next: "choose a-z and -")
    }
  }

  /// A run that there is something to learn from.
  private func completed(_ report: RunReport) throws -> RunReport {
    switch report.verdict() {
    case .passed: break
    case .failed, .signalled:
      Console.note("edgecoder: the command ended with \(report.verdict().summary); that is learned")
      Console.note(String(decoding: report.stderr.suffix(500), as: UTF8.self))
    default:
      throw CommandFailure(
        .notPassed, "the command did not come to its end", why: report.verdict().summary,
        next: "give it more time with --wall and --cpu, or take a base with other limits")
    }
    return report
  }

  /// The same launch under the new profile.
  private func replay(_ policy: NamedPolicy, _ launch: Launch) throws -> Launch {
    let findings = policy.lint().filter { $0.severity == .error }
    guard findings.isEmpty, let profile = policy.profile else {
      throw CommandFailure(
        .notPassed, "what was learned is no profile",
        why: findings.map(\.text).joined(separator: "; "))
    }
    var launch = launch
    launch.profile = profile
    launch.learning = nil
    return launch
  }
}

/// Where a learned profile goes.
private enum LearnedFile {
  static func folder(_ path: String) -> String {
    guard let cut = path.lastIndex(of: "/") else { return "." }
    return cut == path.startIndex ? "/" : String(path[..<cut])
  }

  static func name(_ path: String, hasFailed: Bool) -> String {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    return hasFailed ? "\(name.dropLast(".json".count)).failed.json" : name
  }
}
