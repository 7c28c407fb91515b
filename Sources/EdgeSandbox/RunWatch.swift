internal import CJailPlan
internal import CLinux
internal import EdgeJob
internal import EdgeSystem
internal import Glibc

/// Watches one run from outside: takes what it writes, keeps the time, and ends it.
struct RunWatch: ~Copyable {
  private let launch: Launch
  private let launcher: Launcher
  private let mark: RunGroups.Mark
  private var records = Records()
  /// The program's until it executes: its proof comes out, and one byte goes in. Closed unsent, it
  /// ends the program.
  private var channel: MessageSocket?
  private var stdout: OutputCapture
  private var stderr: OutputCapture
  private var report: OutputCapture
  private var hit = RunReport.LimitsHit()
  private var cancelled = false
  /// When that was seen; 0 before.
  private var asked: Int64 = 0
  /// When the program was let go; 0 before.
  private var released: Int64 = 0
  /// When it was killed; 0 where it was not.
  private var killed: Int64 = 0
  /// When the counters are looked at next.
  private var nextLook: Int64 = 0
  /// When a workspace without a quota is looked at next.
  private var nextMeasure: Int64 = 0
  /// What our own preparations cost inside the groups; nobody is charged for it.
  private var ownCPU: Int64 = 0
  private var problem: LaunchFailure?

  /// Nanoseconds for everything before the program is let go.
  private static let setupMax: Int64 = 20_000_000_000
  /// Nanoseconds from the kill to the end of the tree.
  private static let dyingMax: Int64 = 20_000_000_000
  private static let processors = Int64(max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))

  init(launch: Launch, launcher: Launcher, mark: RunGroups.Mark) throws(LaunchFailure) {
    self.launch = launch
    self.launcher = launcher
    self.mark = mark
    stdout = OutputCapture(kept: launch.limits.outputBytes)
    stderr = OutputCapture(kept: launch.limits.outputBytes)
    report = OutputCapture(kept: Int64(Launch.reportBytesMax))
  }

  deinit {
    // A run that is not over when its watch goes must not go on.
    if !records.isOver { launcher.jail.end() }
  }

  /// Hands the plan to the jail.
  /// - Parameter owner: who has to own the pipes, so that /dev/stdout can be opened again.
  mutating func start(_ plan: borrowing RunPlan, owner: UInt32?) throws(LaunchFailure) {
    do {
      let output = try Descriptor.pipe()
      let errors = try Descriptor.pipe()
      let input = try inputFile()
      let ends = try MessageSocket.pair()
      channel = MessageSocket(owning: Descriptor(owning: ends.near))
      let far = Descriptor(owning: ends.far)
      let reports = try Descriptor.pipe()
      var owned = [output.writing.raw, errors.writing.raw, reports.writing.raw]
      if !launch.input.isEmpty { owned.append(input.raw) }
      for raw in owned {
        if let owner, fchown(raw, owner, owner) != 0 { throw SystemError("chown", "pipe") }
      }
      try launcher.jail.order(
        plan.bytes,
        [input.raw, output.writing.raw, errors.writing.raw, reports.writing.raw, far.raw]
          + plan.mounts.descriptors)
      stdout.ear.take(output.closeWriting())
      stderr.ear.take(errors.closeWriting())
      report.ear.take(reports.closeWriting())
    } catch let error as SystemError {
      throw LaunchFailure(stage: error.call, errno: error.errno, subject: error.subject)
    } catch let error as LaunchFailure {
      throw error
    } catch {
      throw LaunchFailure(stage: "start", errno: 0, subject: "\(error)")
    }
  }

  private func inputFile() throws(SystemError) -> Descriptor {
    if launch.input.isEmpty {
      let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
      guard null >= 0 else { throw SystemError("open", "/dev/null") }
      return Descriptor(owning: null)
    }
    let raw = ec_memfd_sealable("input")
    guard raw >= 0 else { throw SystemError("memfd_create", "input") }
    let file = Descriptor(owning: raw)
    try file.write(launch.input)
    guard ec_seal(raw) == 0 else { throw SystemError("seal", "input") }
    lseek(raw, 0, SEEK_SET)
    return file
  }

  /// Watches until everything is dead, and says what happened.
  mutating func follow(
    proof: Proof, workspace: borrowing Workspace, started: Int64, enforced: Enforced
  ) throws(LaunchFailure) -> RunReport {
    var setup: Int64 = 0
    while !records.isOver {
      wait(milliseconds: pause())
      if released == 0, problem == nil, killed == 0, let shown = records.proof {
        ownCPU = (launcher.groups.cpuNanoseconds ?? 0) - (mark.cpuNanoseconds ?? 0)
        release(proof.difference(shown))
        setup = released - started
      }
      let now = Clocks.bootNanoseconds()
      if released > 0 { launch.live?(stdout.bytes, stderr.bytes) }
      if killed == 0 {
        if cancelled, now - asked >= grace * 1_000_000 { kill() }
        if now >= nextLook { judge(workspace, now: now, started: started) }
      } else if now - killed > RunWatch.dyingMax {
        throw LaunchFailure(
          stage: "kill", errno: ETIMEDOUT, subject: "processes of the run do not die",
          hint: "A process hangs in the kernel; restart this machine if it stays.")
      }
    }
    let finished = Clocks.bootNanoseconds()
    drain()
    if released > 0 { launch.live?(stdout.bytes, stderr.bytes) }
    return try conclude(
      workspace, setup: setup, wall: released == 0 ? 0 : finished - released, enforced)
  }

  /// How long to sleep at most, milliseconds.
  private func pause() -> Int32 {
    let left = (nextLook - Clocks.bootNanoseconds()) / 1_000_000
    return killed == 0 ? Int32(min(50, max(1, left))) : 50
  }

  /// When the counters have to be looked at again: before the next limit can be met, and never so
  /// late that one of those is missed which give no sign.
  private func look(after now: Int64, used: Int64?) -> Int64 {
    let limits = launch.limits
    var left = min(50_000_000, released + limits.wallMilliseconds * 1_000_000 - now)
    if let used {
      left = min(left, (limits.cpuMilliseconds * 1_000_000 - used) / RunWatch.processors)
    }
    return now + max(1_000_000, left)
  }

  /// Waits for bytes, and takes them.
  private mutating func wait(milliseconds: Int32) {
    let cancel = cancelled ? -1 : launch.cancel ?? -1
    let all = [
      launcher.jail.descriptor, stdout.ear.raw, stderr.ear.raw, report.ear.raw, cancel, waiting,
    ]
    var waits = all.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    guard poll(&waits, UInt(waits.count), milliseconds) > 0 else { return }
    if waits[0].revents != 0 { launcher.jail.receive(&records) }
    if waits[5].revents != 0 { takeProof() }
    if waits[1].revents != 0 { stdout.hear() }
    if waits[2].revents != 0 { stderr.hear() }
    if waits[3].revents != 0 { report.hear() }
    if waits[4].revents != 0, killed == 0 {
      cancelled = true
      asked = Clocks.bootNanoseconds()
      if grace > 0 { ProcessTree.signal(SIGTERM, below: launcher.jail.process) } else { kill() }
    }
    if released > 0, killed == 0, isFlood {
      hit.output = !launch.without.contains(.watch)
      if hit.output { kill() }
    }
  }

  /// Milliseconds that the program may go on after SIGTERM.
  private var grace: Int64 {
    released > 0 && launch.profile.warm.isEmpty ? launch.grace?() ?? 0 : 0
  }

  /// The number of the channel, −1 where nothing more comes from it.
  private var waiting: Int32 {
    switch channel {
    case .some(let channel) where records.proof == nil: channel.descriptor
    default: -1
    }
  }

  private mutating func takeProof() {
    let message = channel?.receive(atMost: Int(EC_MESSAGE_BYTES_MAX)).bytes ?? []
    // Where it ends without a proof, the jail says why.
    if message.isEmpty { channel = nil } else { records.take(message, -1) }
  }

  /// Lets the program go where the proof is as planned.
  private mutating func release(_ difference: String?) {
    if let difference {
      problem = LaunchFailure(
        stage: "proof", errno: 0, subject: difference,
        hint: "What was asked for is not what holds; nothing was run.")
      kill()
      return
    }
    released = Clocks.bootNanoseconds()
    nextLook = launch.without.contains(.watch) ? .max : look(after: released, used: 0)
    do { try channel?.send([0x67]) } catch { kill() }
    channel = nil
  }

  /// Ends the run where a limit is met.
  private mutating func judge(_ workspace: borrowing Workspace, now: Int64, started: Int64) {
    guard released > 0 else {
      if now - started > RunWatch.setupMax {
        problem = LaunchFailure(stage: "start", errno: ETIMEDOUT, subject: "the jail is not ready")
          .explained()
        kill()
      }
      return
    }
    if launch.without.contains(.watch) { return }
    if workspace.place == nil {
      if workspace.isFull { hit.workspaceFull = true }
    } else if now >= nextMeasure {
      hit.workspaceFull = workspace.isFull
      // Looking is not to cost more than a twentieth of the time.
      let after = Clocks.bootNanoseconds()
      nextMeasure = after + max(50_000_000, 20 * (after - now))
      // Nothing else would stop it.
      hit.workspaceExceeded = hit.workspaceFull
      if hit.workspaceFull { kill() }
    }
    if now - released > launch.limits.wallMilliseconds * 1_000_000 { hit.wall = true }
    let used = usedCPU
    if let used, used >= launch.limits.cpuMilliseconds * 1_000_000 { hit.cpu = true }
    let isOut = launcher.groups.outOfMemoryKills > mark.outOfMemoryKills
    if hit.wall || hit.cpu || isOut { kill() }
    nextLook = look(after: now, used: used)
  }

  /// Nanoseconds since the program was let go.
  private var usedCPU: Int64? {
    guard let now = launcher.groups.cpuNanoseconds, let before = mark.cpuNanoseconds else {
      return nil
    }
    return max(0, now - before - ownCPU)
  }

  private var isFlood: Bool { stdout.isFlood || stderr.isFlood || report.isFlood }

  private mutating func kill() {
    if killed == 0 { killed = Clocks.bootNanoseconds() }
    channel = nil
    launcher.jail.kill()
  }

  /// What is still in the pipes; nobody is left to write more. The jail has them open, so that
  /// their ends wake nobody: the last record does.
  private mutating func drain() {
    while stdout.ear.isWaiting { stdout.hear() }
    while stderr.ear.isWaiting { stderr.hear() }
    while report.ear.isWaiting { report.hear() }
  }

  private mutating func conclude(
    _ workspace: borrowing Workspace, setup: Int64, wall: Int64, _ enforced: Enforced
  ) throws(LaunchFailure) -> RunReport {
    if let problem { throw problem }
    if let failure = records.failure { throw failure.explained() }
    guard !records.isGarbled, let end = records.ending, released > 0 || cancelled else {
      throw LaunchFailure(
        stage: "supervise", errno: ECHILD, subject: "the jail ended without a report"
      ).explained()
    }
    if end.exec_error != 0 {
      throw LaunchFailure(
        stage: "exec", errno: end.exec_error, subject: launch.arguments.first ?? "",
        hint: "The program is looked up inside the sandbox, not on the machine.")
    }
    hit.outOfMemoryKills = launcher.groups.outOfMemoryKills - mark.outOfMemoryKills
    let peak = launcher.groups.memoryPeakBytes
    let limit = launch.limits.memoryBytes
    if hit.outOfMemoryKills > 0, let peak, peak < limit - max(1 << 20, limit / 16) {
      throw LaunchFailure(
        stage: LaunchFailure.hostMemory, errno: ENOMEM,
        subject: "the machine, or a group above this worker's, had no memory left",
        hint: "Give the worker's slots no more memory together than there is.")
    }
    if end.status < 0, hit.outOfMemoryKills == 0 {
      throw LaunchFailure(
        stage: "supervise", errno: ECHILD, subject: "process 1 of the run was killed from outside"
      ).explained()
    }
    var result = RunReport(
      termination: Termination(status: end.status < 0 ? SIGKILL : end.status),
      profileDigest: launch.profile.digest)
    let cpu = usedCPU ?? (end.user_microseconds + end.system_microseconds) * 1000
    if !launch.without.contains(.watch) {
      if cpu >= launch.limits.cpuMilliseconds * 1_000_000 { hit.cpu = true }
      if isFlood { hit.output = true }
    }
    hit.processRefusals = launcher.groups.processRefusals - mark.processRefusals
    if workspace.isFull {
      hit.workspaceFull = true
      hit.workspaceExceeded = workspace.place != nil
    }
    if end.violation_architecture != 0 {
      hit.violation =
        end.violation_architecture == EC_ARCHITECTURE && end.violation < 0x4000_0000
        ? SeccompFilter.name(of: end.violation) : "foreign architecture"
    }
    hit.outputBytesDropped = stdout.dropped + stderr.dropped
    hit.report = report.dropped > 0
    result.limitsHit = hit
    result.cancelled = cancelled
    result.usage = Usage(
      cpuMilliseconds: (cpu + 999_999) / 1_000_000, wallMilliseconds: wall / 1_000_000,
      memoryPeakBytes: peak ?? end.resident_kibibytes * 1024,
      outputBytes: stdout.total + stderr.total, orphans: Int64(end.orphans))
    result.denied = records.denied.filter { $0.granted == 0 }.map { NotedCall($0) }
    result.seen = records.denied.filter { $0.granted != 0 }.map { NotedCall($0) }
    result.lostCalls = Int64(clamping: end.lost)
    // Blocks of 512 bytes.
    result.activity.bytesRead = end.blocks_read * 512
    result.activity.bytesWritten = end.blocks_written * 512
    result.activity.voluntarySwitches = end.voluntary_switches
    result.activity.involuntarySwitches = end.involuntary_switches
    result.enforced = enforced
    result.stdout = stdout.bytes
    result.stderr = stderr.bytes
    result.report = report.bytes
    result.setupNanoseconds = setup
    return result
  }
}
