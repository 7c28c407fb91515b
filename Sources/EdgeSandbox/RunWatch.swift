internal import CJailPlan
internal import CLinux
internal import EdgeJob
internal import EdgeSystem
internal import Glibc

/// Watches one run from outside: takes what it writes, keeps the time, and ends it.
struct RunWatch: ~Copyable {
  let launch: Launch
  private let user: UInt32?
  private var records = Records()
  private var stdout: OutputCapture
  private var stderr: OutputCapture
  private var report: OutputCapture
  private var status = Ear()
  /// Closing it makes the jail kill the tree.
  private var control: Int32 = -1
  /// One byte lets the program go; closing it unsent ends the program.
  private var go: Int32 = -1
  private(set) var hit = RunReport.LimitsHit()
  private(set) var cancelled = false
  private var released: Int64 = 0
  /// What our own preparations cost inside the groups; nobody is charged for it.
  private var ownCPU: Int64 = 0
  private var killed: Int64 = 0
  private var problem: LaunchFailure?

  /// Nanoseconds for everything before the program is let go.
  private static let setupMax: Int64 = 20_000_000_000
  /// Nanoseconds from the kill to the end of the tree.
  private static let dyingMax: Int64 = 20_000_000_000

  /// - Parameter user: who has to own the pipes, so that /dev/stdout can be opened again.
  init(launch: Launch, user: UInt32?) throws(LaunchFailure) {
    self.launch = launch
    self.user = user
    stdout = OutputCapture(kept: launch.limits.outputBytes)
    stderr = OutputCapture(kept: launch.limits.outputBytes)
    report = OutputCapture(kept: Int64(Launch.reportBytesMax))
  }

  deinit {
    if control >= 0 { close(control) }
    if go >= 0 { close(go) }
  }

  /// Starts the jail with its descriptors.
  mutating func start(jail: String, plan: borrowing RunPlan, groups: [Int32])
    throws(LaunchFailure) -> Child
  {
    do { return try spawn(jail, plan, groups) } catch {
      throw LaunchFailure(stage: error.call, errno: error.errno, subject: error.subject)
    }
  }

  private mutating func spawn(_ jail: String, _ plan: borrowing RunPlan, _ groups: [Int32])
    throws(SystemError) -> Child
  {
    let planFile = try Descriptor.memory("plan", plan.bytes)
    let controlPipe = try Descriptor.pipe()
    let statusPipe = try Descriptor.pipe()
    let output = try Descriptor.pipe()
    let errors = try Descriptor.pipe()
    let reports = try Descriptor.pipe()
    let sockets = try SocketPair()
    let input = try inputFile()
    for raw in [output.writing.raw, errors.writing.raw, reports.writing.raw, input.raw] {
      if let user, raw != input.raw || !launch.input.isEmpty, fchown(raw, user, user) != 0 {
        throw SystemError("chown", "pipe")
      }
    }
    var descriptors: [Int32: Int32] = [
      EC_FD_PLAN: planFile.raw, EC_FD_CONTROL: controlPipe.reading.raw, EC_FD_GO: sockets.far.raw,
      EC_FD_STATUS: statusPipe.writing.raw, EC_FD_STDIN: input.raw,
      EC_FD_STDOUT: output.writing.raw, EC_FD_STDERR: errors.writing.raw,
      EC_FD_REPORT: reports.writing.raw,
    ]
    for (index, raw) in (plan.root.mounts + groups).enumerated() {
      descriptors[EC_FD_MOUNTS + Int32(index)] = raw
    }
    let child = try Spawn(path: jail, arguments: [], descriptors: descriptors).start()
    status.take(try statusPipe.reading.duplicate())
    stdout.ear.take(try output.reading.duplicate())
    stderr.ear.take(try errors.reading.duplicate())
    report.ear.take(try reports.reading.duplicate())
    control = try controlPipe.writing.duplicate().release()
    go = try sockets.near.duplicate().release()
    return child
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
    _ child: consuming Child, proof: Proof, groups: borrowing RunGroups,
    workspace: borrowing Workspace, started: Int64, enforced: Enforced
  ) throws(LaunchFailure) -> RunReport {
    var setup: Int64 = 0
    while status.isOpen {
      let now = Clocks.bootNanoseconds()
      wait(milliseconds: control < 0 ? 50 : pause(groups, now: now))
      if setup == 0, problem == nil, records.isReady, control >= 0 {
        ownCPU = groups.cpuNanoseconds ?? 0
        release(proof)
        setup = released - started
      }
      let later = Clocks.bootNanoseconds()
      if control >= 0 {
        judge(groups, workspace, now: later, started: started)
      } else if later - killed > RunWatch.dyingMax {
        child.signal(SIGKILL)
        throw LaunchFailure(
          stage: "kill", errno: ETIMEDOUT, subject: "processes of the run do not die",
          hint: "A process hangs in the kernel; restart this machine if it stays.")
      }
    }
    let finished = Clocks.bootNanoseconds()
    kill()
    _ = child.wait()
    drain()
    return try conclude(
      groups, workspace, setup: setup, wall: released == 0 ? 0 : finished - released, enforced)
  }

  /// How long to sleep at most: until the next limit can be met, never long enough to miss one of
  /// the counters that give no sign.
  private func pause(_ groups: borrowing RunGroups, now: Int64) -> Int32 {
    guard released > 0, !launch.without.contains(.watch) else { return 50 }
    let limits = launch.limits
    var nanoseconds = released + limits.wallMilliseconds * 1_000_000 - now
    if let used = groups.cpuNanoseconds {
      let left = limits.cpuMilliseconds * 1_000_000 - (used - ownCPU)
      nanoseconds = min(nanoseconds, left / Int64(max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))))
    }
    return Int32(min(50, max(1, nanoseconds / 1_000_000)))
  }

  /// Waits for bytes, and takes them.
  private mutating func wait(milliseconds: Int32) {
    var waits: [pollfd] = [status.raw, stdout.ear.raw, stderr.ear.raw, report.ear.raw].map {
      pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
    }
    waits.append(
      pollfd(fd: cancelled ? -1 : launch.cancel ?? -1, events: Int16(POLLIN), revents: 0))
    guard poll(&waits, UInt(waits.count), milliseconds) > 0 else { return }
    if waits[0].revents != 0, let bytes = status.hear() { records.receive(bytes[...]) }
    if waits[1].revents != 0 { stdout.hear() }
    if waits[2].revents != 0 { stderr.hear() }
    if waits[3].revents != 0 { report.hear() }
    if waits[4].revents != 0, control >= 0 {
      cancelled = true
      kill()
    }
  }

  /// Lets the program go where the proof is as planned.
  private mutating func release(_ proof: Proof) {
    let difference =
      records.build == ec_plan_build()
      ? proof.difference(
        status: records.status, groups: records.groups, mounts: records.mounts)
      : "the jail is of another build"
    if let difference {
      problem = LaunchFailure(
        stage: "proof", errno: 0, subject: difference,
        hint: "What was asked for is not what holds; nothing was run.")
      kill()
      return
    }
    var byte: UInt8 = 0x67
    released = Clocks.bootNanoseconds()
    // A jail that has just died must not raise SIGPIPE here.
    if send(go, &byte, 1, Int32(MSG_NOSIGNAL)) != 1 { kill() }
  }

  /// Ends the run where a limit is met.
  private mutating func judge(
    _ groups: borrowing RunGroups, _ workspace: borrowing Workspace, now: Int64, started: Int64
  ) {
    if records.isGarbled { return kill() }
    guard released > 0 else {
      if now - started > RunWatch.setupMax {
        problem = LaunchFailure(stage: "start", errno: ETIMEDOUT, subject: "the jail is not ready")
        kill()
      }
      return
    }
    if launch.without.contains(.watch) { return }
    if workspace.isFull { hit.workspaceFull = true }
    if now - released > launch.limits.wallMilliseconds * 1_000_000 { hit.wall = true }
    if let used = groups.cpuNanoseconds, used - ownCPU >= launch.limits.cpuMilliseconds * 1_000_000
    {
      hit.cpu = true
    }
    if isFlood { hit.output = true }
    let isOut = groups.outOfMemoryKills > 0
    if hit.wall || hit.cpu || hit.output || isOut { kill() }
  }

  private var isFlood: Bool { stdout.isFlood || stderr.isFlood || report.isFlood }

  private mutating func kill() {
    if control >= 0 { killed = Clocks.bootNanoseconds() }
    if control >= 0 { close(control) }
    if go >= 0 { close(go) }
    control = -1
    go = -1
  }

  /// What is still in the pipes; nobody is left to write more.
  private mutating func drain() {
    while stdout.ear.isOpen { stdout.hear() }
    while stderr.ear.isOpen { stderr.hear() }
    while report.ear.isOpen { report.hear() }
  }

  private mutating func conclude(
    _ groups: borrowing RunGroups, _ workspace: borrowing Workspace, setup: Int64, wall: Int64,
    _ enforced: Enforced
  ) throws(LaunchFailure) -> RunReport {
    if let problem { throw problem }
    if let failure = records.failure { throw failure.explained() }
    if let ending = records.ending, ending.error != 0 {
      throw LaunchFailure(
        stage: "exec", errno: ending.error, subject: launch.arguments.first ?? "",
        hint: "The program is looked up inside the sandbox, not on the machine.")
    }
    guard !records.isGarbled, let end = records.end, released > 0 || cancelled else {
      throw LaunchFailure(
        stage: "supervise", errno: ECHILD, subject: "the jail ended without a report")
    }
    var result = RunReport(
      termination: records.ending.map { Termination(status: $0.ending.status) } ?? .signalled(9),
      profileDigest: launch.profile.digest)
    let microseconds = end.user_microseconds + end.system_microseconds
    let cpu = groups.cpuNanoseconds.map { max(0, $0 - ownCPU) } ?? microseconds * 1000
    if !launch.without.contains(.watch) {
      if cpu >= launch.limits.cpuMilliseconds * 1_000_000 { hit.cpu = true }
      if isFlood { hit.output = true }
    }
    hit.outOfMemoryKills = groups.outOfMemoryKills
    hit.processRefusals = groups.processRefusals
    if workspace.isFull { hit.workspaceFull = true }
    hit.violation = records.violation.map { SeccompFilter.name(of: $0.number) }
    hit.outputBytesDropped = stdout.dropped + stderr.dropped
    hit.report = report.dropped > 0
    result.limitsHit = hit
    result.cancelled = cancelled
    result.usage = Usage(
      cpuMilliseconds: (cpu + 999_999) / 1_000_000, wallMilliseconds: wall / 1_000_000,
      memoryPeakBytes: groups.memoryPeakBytes ?? end.resident_kibibytes * 1024,
      outputBytes: stdout.total + stderr.total,
      orphans: Int64(records.ending?.ending.orphans ?? 0))
    result.enforced = enforced
    result.stdout = stdout.bytes
    result.stderr = stderr.bytes
    result.report = report.bytes
    result.setupNanoseconds = setup
    return result
  }
}
