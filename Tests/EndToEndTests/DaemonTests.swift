import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

extension EndToEnd {
  /// `daemon`: two children that are kept running, and what signals do.
  @Suite struct DaemonTests {}
}

extension EndToEnd.DaemonTests {
  private func start(_ place: Workplace, _ more: String...) throws -> RunningProgram {
    let daemon = try place.start("daemon", "daemon", "--slots", "1", more: more)
    try eventually("the daemon is ready") { place.log("daemon").contains("ready: ") }
    return daemon
  }

  /// The process id of a child, by its subcommand.
  private func child(_ place: Workplace, _ command: String) throws -> Int32 {
    let found = place.processes.first { process in
      let bytes = try? Directory(path: "/proc/\(process)").read("cmdline", atMost: 1 << 16)
      let words = (bytes ?? []).split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
      return words.first == Workplace.program && words.dropFirst().first == command
    }
    guard let found else { throw Unexpected("no child \(command): \(place.log("daemon"))") }
    return found
  }

  private func ended(_ place: Workplace, _ jobs: [String]) throws {
    try eventually("all have ended", seconds: 60) {
      try jobs.allSatisfy { try place.ending($0) != nil }
    }
  }

  @Test func whatIsSubmittedRuns() throws {
    let place = try Workplace()
    let daemon = try start(place)
    let jobs = try place.submit(try place.task("ok", "echo fine"), "--count", "3")
    expect(try place.edgecoder("wait", jobs[0], jobs[1], jobs[2], "--timeout", "40s"), 0)
    daemon.signal(SIGTERM)
    expectEnd(of: daemon, .exited(0), within: 10)
    #expect(place.processes.isEmpty)
    #expect(try place.ledgerIsClean())
  }

  /// Each child is killed while a job runs; the job ends, and is paid once.
  @Test(arguments: ["worker", "schedule"]) func aKilledChildIsStartedAgain(command: String) throws {
    let place = try Workplace()
    let daemon = try start(place)
    // It runs until it is let go.
    let gate = try place.task("slow", "sleep 3; echo done")
    let job = try place.submitOne(gate)
    try place.wait(job, for: "running")
    let first = try child(place, command)
    kill(first, SIGKILL)
    try eventually("the \(command) is back") {
      (try? child(place, command)).map { $0 != first } ?? false
    }
    try ended(place, [job])
    #expect(try place.ending(job) == "passed")
    let lines = try place.edgecoder("ledger", "statement", "--limit", "1000", "--json")
      .json["lines"]?.elements
    #expect(lines?.count { $0["kind"]?.text == "spend" } == 1, "it was paid once")
    #expect(place.log("daemon").contains("ended with signal 9, starting again in 500 ms"))
    daemon.signal(SIGTERM)
    expectEnd(of: daemon, .exited(0), within: 10)
    #expect(try place.ledgerIsClean())
  }

  /// SIGTERM: what runs is finished and settled, what waits stays.
  @Test func aSignalDrains() throws {
    let place = try Workplace()
    let daemon = try start(place)
    let jobs = try place.submit(try place.task("slow", "sleep 2; echo done"), "--count", "2")
    try eventually("one runs") { try jobs.contains { try place.state($0) == "running" } }
    daemon.signal(SIGTERM)
    expectEnd(of: daemon, .exited(0), within: 20)
    let endings = try jobs.map { try place.ending($0) }
    #expect(endings.count { $0 == "passed" } == 1 && endings.count { $0 == nil } == 1)
    #expect(place.processes.isEmpty)
    // What waited is nobody's any more, and starts with the next one.
    let next = try start(place)
    try ended(place, jobs)
    next.signal(SIGTERM)
    #expect(next.wait() == .exited(0))
  }

  @Test func aDeadlineOrASecondSignalCutsOff() throws {
    let place = try Workplace()
    let job = try place.submitOne(try place.task("slow", "sleep 100"))
    let patient = try start(place, "--deadline", "1s")
    try place.wait(job, for: "running")
    patient.signal(SIGTERM)
    expectEnd(of: patient, .exited(143), within: 15)
    #expect(try ["ready", "inbox"].contains(place.state(job)), "it was put back")
    #expect(place.processes.isEmpty)
    let second = try start(place)
    try place.wait(job, for: "running")
    second.signal(SIGINT)
    _ = Poll.readable([], milliseconds: 300)
    #expect(second.isRunning, "it finishes what it has")
    second.signal(SIGINT)
    expectEnd(of: second, .exited(130), within: 5)
    try eventually("all are gone") { place.processes.isEmpty }
  }

  /// Killed without a word it leaves a worker that finishes, and a next one takes over.
  @Test func aKilledDaemonLeavesNobodyBehind() throws {
    let place = try Workplace()
    let daemon = try start(place)
    let job = try place.submitOne(try place.task("slow", "sleep 2; echo done"))
    try place.wait(job, for: "running")
    daemon.signal(SIGKILL)
    #expect(daemon.wait() == .signalled(SIGKILL))
    try eventually("all are gone") { place.processes.isEmpty }
    expect(try place.edgecoder("settle", "--once"), 0)
    #expect(try place.ending(job) == "passed")
  }

  @Test func hangupStartsTheCoordinatorAnew() throws {
    let place = try Workplace()
    let daemon = try start(place)
    let coordinator = try child(place, "schedule")
    let worker = try child(place, "worker")
    daemon.signal(SIGHUP)
    try eventually("there is another coordinator") {
      (try? child(place, "schedule")).map { $0 != coordinator } ?? false
    }
    #expect(try child(place, "worker") == worker)
    let job = try place.submitOne(try place.task("ok", "true"))
    expect(try place.edgecoder("wait", job, "--timeout", "40s"), 0)
    daemon.signal(SIGTERM)
    #expect(daemon.wait() == .exited(0))
  }

  /// Each mode alone, from the flag or the environment, and together they do what one does.
  @Test func twoDaemonsShareTheWork() throws {
    let place = try Workplace()
    let coordinator = try place.start("coordinator", "daemon", "--mode", "coordinator")
    let script = "EDGE_RUNTIME_MODE=worker exec \"$0\" daemon --id other --slots 1 2>\"$1\""
    let worker = try RunningProgram(
      "/bin/bash", ["-c", script, Workplace.program, place.folder.path("log/worker")],
      environment: place.environment)
    for name in ["coordinator", "worker"] {
      try eventually("it is ready") { place.log(name).contains("ready: \(name) ") }
      #expect(!place.log(name).contains(", "), "\(place.log(name))")
    }
    let job = try place.submitOne(try place.task("ok", "true"))
    expect(try place.edgecoder("wait", job, "--timeout", "40s"), 0)
    for daemon in [worker, coordinator] {
      daemon.signal(SIGTERM)
      #expect(daemon.wait() == .exited(0))
    }
  }

  @Test func otherModesAreRefused() throws {
    let place = try Workplace()
    let flag = expect(try place.edgecoder("daemon", "--mode", "inference"), 64)
    #expect(flag.errors.contains("coordinator, worker, all-in-one"))
    let variable = expect(try place.shell("EDGE_RUNTIME_MODE=ide-provider edgecoder daemon"), 78)
    #expect(variable.errors.contains("coordinator, worker, all-in-one"))
    #expect(variable.errors.contains("EDGE_RUNTIME_MODE"))
    // The flag wins over the environment; a worker that is refused is not started again.
    let wrong = expect(
      try place.shell("EDGE_RUNTIME_MODE=seed edgecoder daemon --mode worker -- --no-such"), 64)
    #expect(wrong.errors.contains("not started again"))
  }

  /// Ready, the watchdog, and the end, as systemd hears them; also in the abstract name space.
  @Test(.program("python3"), arguments: ["@edgecoder-test", "notify"])
  func systemdIsTold(socket: String) throws {
    let place = try Workplace()
    let name = socket.hasPrefix("@") ? "\(socket)-\(getpid())" : place.folder.path(socket)
    let manager = try RunningProgram("python3", ["-c", Self.manager, name])
    try manager.waitFor("bound")
    let script = """
      NOTIFY_SOCKET='\(name)' WATCHDOG_USEC=2000000 exec "$0" daemon --slots 1 2>"$1"
      """
    let daemon = try RunningProgram(
      "/bin/bash", ["-c", script, Workplace.program, place.folder.path("log/daemon")],
      environment: place.environment)
    try manager.waitFor("READY=1\nSTATUS=coordinator ")
    try manager.waitFor("WATCHDOG=1\n")
    // A coordinator that makes no rounds any more is not vouched for: two more at most come.
    let coordinator = try child(place, "schedule")
    kill(coordinator, SIGSTOP)
    #expect(throws: ProgramError.self) {
      try manager.waitFor(String(repeating: "WATCHDOG=1\n", count: 8), seconds: 8)
    }
    kill(coordinator, SIGCONT)
    daemon.signal(SIGTERM)
    try manager.waitFor("STOPPING=1\n")
    #expect(daemon.wait() == .exited(0))
    // The twin: without a hang they go on coming, a second apart.
    let second = try RunningProgram(
      "/bin/bash", ["-c", script, Workplace.program, place.folder.path("log/second")],
      environment: place.environment)
    try manager.waitFor(String(repeating: "WATCHDOG=1\n", count: 5), seconds: 20)
    second.signal(SIGTERM)
    #expect(second.wait() == .exited(0))
  }

  private static let manager = """
    import socket, sys
    name = sys.argv[1]
    one = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    one.bind('\\0' + name[1:] if name[0] == '@' else name)
    print('bound', flush=True)
    while True:
        print(one.recv(4096).decode(), flush=True)
    """

  /// In a group of version 2 that systemd has handed over, the daemon makes room for its jobs.
  @Test(.enabled(if: ServiceGroupPlace.canMake, "no control groups of version 2 can be made here"))
  func itLeavesItsGroupToTheJobs() throws {
    let place = try Workplace()
    let group = try ServiceGroupPlace()
    let script = """
      echo $$ >'\(group.path)/cgroup.procs' && SYSTEMD_EXEC_PID=$$ exec "$0" daemon 2>"$1"
      """
    let daemon = try RunningProgram(
      "/bin/bash", ["-c", script, Workplace.program, place.folder.path("log/daemon")],
      environment: place.environment)
    try eventually("the daemon is ready") { place.log("daemon").contains("ready: ") }
    #expect(group.members("daemon").contains(daemon.process))
    #expect(group.members("daemon").contains(try child(place, "worker")))
    #expect(group.members("").isEmpty)
    daemon.signal(SIGTERM)
    #expect(daemon.wait() == .exited(0))
  }
}

/// A control group of version 2, as systemd makes one for a service.
private final class ServiceGroupPlace {
  private static let mount = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].first {
    access("\($0)/cgroup.procs", W_OK) == 0 && access("\($0)/cgroup.subtree_control", F_OK) == 0
  }
  static let canMake = getuid() == 0 && mount != nil
  let path: String

  init() throws {
    path = "\(Self.mount ?? "")/edgecoder-test-\(getpid())"
    guard mkdir(path, 0o755) == 0 else { throw Unexpected("no group \(path)") }
  }

  deinit {
    for name in ["/daemon", ""] { rmdir(path + name) }
  }

  func members(_ name: String) -> [Int32] {
    let bytes = try? Directory(path: "\(path)/\(name)").read("cgroup.procs", atMost: 1 << 16)
    return String(decoding: bytes ?? [], as: UTF8.self).split(separator: "\n")
      .compactMap { Int32($0) }
  }
}
