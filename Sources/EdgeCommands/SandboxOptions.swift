internal import ArgumentParser
internal import EdgeJob
internal import EdgeSandbox
internal import EdgeSystem
internal import EdgeWorker

/// What `sandbox run` and `sandbox learn` let one choose for a run.
struct SandboxOptions: ParsableArguments {
  @Option(help: "Wall time: 90s, 15m.")
  var wall: String?

  @Option(help: "CPU time: 90s, 15m.")
  var cpu: String?

  @Option(help: "Memory of the tree, MiB.")
  var memory: Int64?

  @Option(help: "Processes and threads at once.")
  var processes: Int64?

  @Option(help: "Processors to run on; all of them where nothing is said.")
  var cpus: Int64?

  @Option(help: ArgumentHelp("Copies a directory into the work directory.", valueName: "directory"))
  var input: String?

  /// The limits of a profile with what was chosen.
  func limits(_ profile: SandboxProfile) throws -> Limits {
    var limits = profile.limits
    if let wall { limits.wallMilliseconds = try milliseconds(wall) }
    if let cpu { limits.cpuMilliseconds = try milliseconds(cpu) }
    if let memory { limits.memoryBytes = memory << 20 }
    if let processes { limits.processes = processes }
    limits.processors = cpus ?? Int64(Processors.available())
    let chosen: [(String, Int64?, Int64)] = [
      ("--memory", memory, 1 << 24), ("--processes", processes, 1_000_000), ("--cpus", cpus, 1024),
    ]
    for (name, value, most) in chosen {
      guard let value, !(1...most).contains(value) else { continue }
      throw CommandFailure(.usage, "\(name) \(value)", next: "choose 1 to \(most)")
    }
    return limits
  }

  /// The input, taken once for all runs; nil where there is none, or where each run has to have a
  /// copy of its own.
  func snapshot(_ sandbox: Sandbox, _ limits: Limits) throws -> Snapshot? {
    guard input != nil, sandbox.hasSnapshots else { return nil }
    let snapshot = try Snapshot(limits: limits)
    try fill(snapshot.directory, limits)
    return snapshot
  }

  /// A workspace with the input in it.
  func workspace(_ sandbox: Sandbox, _ launch: Launch, over snapshot: Snapshot?) throws -> Workspace
  {
    var workspace = try sandbox.makeWorkspace(limits: launch.limits, profile: launch.profile)
    if let snapshot {
      try sandbox.lay(&workspace, over: snapshot)
    } else {
      try fill(workspace.directory, launch.limits)
    }
    return workspace
  }

  private func fill(_ directory: borrowing Directory, _ limits: Limits) throws {
    guard let input else { return }
    let left = try CopyTree.copy(
      from: try Directory(path: input), to: directory, owner: nil,
      limits: .init(entries: Int(limits.files), bytes: limits.diskBytes)
    ) { _ in false }
    if let first = left.first {
      throw CommandFailure(
        .badInput, "the input does not fit", place: input, why: first,
        next: "leave it out, or take a profile with higher limits")
    }
  }

  /// What follows the `--`; asks for help where that is what was meant, since a passthrough takes
  /// everything.
  static func arguments(_ command: [String], of type: any ParsableCommand.Type) throws -> [String] {
    if ["--help", "-h"].contains(command.first) { throw CleanExit.helpRequest(type) }
    let arguments = command.first == "--" ? Array(command.dropFirst()) : command
    guard !arguments.isEmpty else {
      throw CommandFailure(.usage, "no command is named", next: "put it behind --")
    }
    return arguments
  }
}
