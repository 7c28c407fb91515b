internal import EdgeArchive
internal import EdgeJob
internal import EdgeSandbox
internal import EdgeSpool
internal import EdgeSystem

/// Runs one claimed job: unpack, confine, verify, collect. Used by one thread, with one slot's
/// sandbox.
struct RunAttempt {
  let spool: Spool
  let sandbox: Sandbox
  let preparation: Preparation
  /// Of the job: milliseconds from SIGTERM to SIGKILL when it is stopped.
  var grace: (@Sendable () -> Int64)?
  /// Of the job: gets what its command has written so far.
  var live: (@Sendable (_ stdout: [UInt8], _ stderr: [UInt8]) -> Void)?

  /// - Parameter cancel: a borrowed descriptor; the job is stopped when it becomes readable.
  func run(_ ticket: Ticket, cancel: Int32) -> Attempt {
    do {
      return try attempt(ticket, cancel: cancel)
    } catch let fault as Fault {
      return Attempt(outcome: .fault(fault))
    } catch let failure as LaunchFailure {
      if failure.isAboutTask {
        return Attempt(outcome: .verdict(.refused(reason: failure.description)))
      }
      if failure.stage == LaunchFailure.hostMemory {
        return Attempt(outcome: .fault(.hostOutOfMemory))
      }
      return Attempt(
        outcome: .fault(.launchFailed(stage: failure.stage, errno: failure.errno)))
    } catch let error as UnpackError {
      // The coordinator has inspected these bytes: what does not fit now is our copy of them.
      if case .system(let error) = error, error.isFull { return full("snapshot") }
      return Attempt(outcome: .fault(.archiveCorrupt))
    } catch let error as SystemError where error.isFull {
      return full("workspace")
    } catch let error as SystemError {
      return Attempt(
        outcome: .fault(.launchFailed(stage: error.call, errno: error.errno)))
    } catch {
      return Attempt(outcome: .fault(.launchFailed(stage: "\(error)", errno: 0)))
    }
  }

  private func full(_ what: String) -> Attempt {
    Attempt(outcome: .verdict(.refused(reason: "the \(what) does not fit the disk limit")))
  }

  private func attempt(_ ticket: Ticket, cancel: Int32) throws -> Attempt {
    let manifest = ticket.manifest
    let profile = try preparation.profile(manifest.profile)
    let archive: Descriptor
    do { archive = try spool.openBlob(ticket.blob) } catch { throw Fault.archiveCorrupt }
    var attempt = Attempt(outcome: .verdict(.passed), budget: Budget(ticket))
    let job = JobFiles(ticket: ticket, archive: archive.raw, preparation: preparation)
    guard !manifest.command.isEmpty else {
      var workspace = try sandbox.makeWorkspace(
        limits: manifest.verifier?.limits ?? manifest.limits, profile: profile)
      _ = try job.unpack(into: &workspace, of: sandbox, withTests: true)
      try verify(job, workspace, profile, cancel: cancel, &attempt)
      return attempt
    }
    var workspace = try sandbox.makeWorkspace(limits: manifest.limits, profile: profile)
    let snapshot = try job.unpack(into: &workspace, of: sandbox, withTests: false)
    let own = manifest.limits
    var launch = launch(ticket, profile, cancel: cancel)
    launch.limits = attempt.budget.limits(own)
    launch.grace = grace
    launch.live = live
    let report = try sandbox.run(launch, in: workspace)
    let verdict = attempt.budget.take(report.usage, report.verdict(), own: own)
    attempt.add("run", report, verdict: verdict)
    attempt.outcome = report.cancelled ? .cancelled : .verdict(verdict)
    if verdict == .passed, !report.cancelled, manifest.kind == .verify {
      try verifyAfterRun(job, workspace, profile, cancel: cancel, &attempt)
    }
    try Collect(job: job, workspace: workspace.directory, snapshot: snapshot).collect(
      &attempt, upper: try workspace.changes())
    return attempt
  }

  /// The second phase after a first one: a clean sandbox gets a copy of what the job left, with
  /// the protected files as they were.
  private func verifyAfterRun(
    _ job: JobFiles, _ workspace: borrowing Workspace, _ profile: SandboxProfile, cancel: Int32,
    _ attempt: inout Attempt
  ) throws {
    let manifest = job.ticket.manifest
    guard let verifier = manifest.verifier else { return }
    if attempt.budget.isEmpty {
      attempt.outcome = .verdict(.budgetExhausted)
      return
    }
    let clean = try sandbox.makeWorkspace(limits: verifier.limits, profile: profile)
    let protected = job.protected
    attempt.notices += try CopyTree.copy(
      from: workspace.directory, to: clean.directory, owner: nil,
      limits: .init(entries: Int(verifier.limits.files), bytes: verifier.limits.diskBytes)
    ) { path in protected.contains { $0.matches(path) } }
    try job.unpackTests(into: clean)
    try verify(job, clean, profile, cancel: cancel, &attempt)
  }

  /// Runs the hidden tests in a workspace that no job process has seen.
  private func verify(
    _ job: JobFiles, _ workspace: borrowing Workspace, _ profile: SandboxProfile, cancel: Int32,
    _ attempt: inout Attempt
  ) throws {
    let manifest = job.ticket.manifest
    guard let verifier = manifest.verifier else {
      attempt.outcome = .verdict(.refused(reason: "the task has neither a command nor a verifier"))
      return
    }
    let isOurs = verifier.runner != .exit && verifier.runner != .reward
    let tests = try workspace.area("tests")
    let runner = try workspace.area("runner")
    let places = Dictionary(
      ["/tests", "/runner", manifest.insideWorkDirectory].map {
        ($0, sandbox.place(of: $0, in: workspace))
      }, uniquingKeysWith: { first, _ in first })
    let plan = RunnerPlan(
      manifest: manifest, verifier: verifier, nonce: Hex16.random(),
      compiled: isOurs ? preparation.compiledRunners : nil
    ) { places[$0] ?? $0 }
    if verifier.runner == .reward, sandbox.host.isolation == .landlock {
      // Its scripts find everything at fixed places.
      throw LaunchFailure(
        stage: "require fileSystem", errno: 0, subject: "the runner reward needs /logs/verifier",
        hint: "Nothing can be mounted here: allow namespaces on this machine.")
    }
    for file in plan.files { try runner.write(file.name, file.bytes, mode: 0o644) }
    var launch = Launch(
      profile: profile, limits: verifier.limits, arguments: plan.arguments,
      environment: plan.environment, mountPoint: manifest.mountPoint,
      workDirectory: manifest.insideWorkDirectory, input: plan.input,
      readOnly: [
        .init(descriptor: tests.raw, path: "/tests"),
        .init(descriptor: runner.raw, path: "/runner"),
      ],
      writableDirectories: plan.writableDirectories, reportChannel: true, cancel: cancel)
    launch.limits = attempt.budget.limits(verifier.limits)
    launch.limits.openFiles = max(launch.limits.openFiles, 64)
    launch.preload = plan.preload
    launch.grace = grace
    let report = try sandbox.run(launch, in: workspace)
    if report.cancelled {
      attempt.add("verify", report, verdict: report.verdict())
      attempt.outcome = .cancelled
      return
    }
    let reward =
      verifier.runner == .reward
      ? try? workspace.writable("/logs/verifier").read("reward.txt", atMost: 4096) : nil
    let judged = plan.judge(report, reward: reward)
    let verdict = attempt.budget.take(report.usage, judged.verdict, own: verifier.limits)
    attempt.add("verify", report, verdict: verdict)
    attempt.tests = judged.tests
    attempt.notices += judged.notices
    attempt.outcome = .verdict(verdict)
  }

  private func launch(
    _ ticket: Ticket, _ profile: SandboxProfile, cancel: Int32
  ) -> Launch {
    let manifest = ticket.manifest
    var environment = manifest.environment
    for (name, value) in ticket.request.parameters { environment["EDGECODER_\(name)"] = value }
    if manifest.language == "python" {
      environment["PYTHONHASHSEED"] = environment["PYTHONHASHSEED"] ?? String(manifest.seed)
    }
    return Launch(
      profile: profile, limits: manifest.limits, arguments: manifest.command,
      environment: environment, mountPoint: manifest.mountPoint,
      workDirectory: manifest.insideWorkDirectory, input: Array(manifest.input.utf8),
      cancel: cancel)
  }
}

extension TaskManifest {
  /// Where the command starts, inside the sandbox.
  var insideWorkDirectory: String {
    workDirectory.isEmpty ? mountPoint : "\(mountPoint)/\(workDirectory)"
  }
}
