import EdgeJob
import EdgeSandbox
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// Jobs of a known ending, many of which try to look like another one: a sample of what
/// `scripts/bench verdicts` asks of the built program.
@Suite(.enabled(if: isRoot && hasPerl && countsAll, "needs root, perl and control groups"))
struct VerdictMatrixTests {
  /// All of them in one sandbox, so that none leaves a mark on the next one.
  @Test(arguments: Seed.some(3)) func everyWordIsRight(seed: Seed) throws {
    var random = SplitMix64(seed)
    let box = try Box(limits: KnownJob.limits)
    let jobs = KnownJob.all(&random).shuffled(using: &random)
    #expect(Set(jobs.map(\.right.name)).count == 12)
    for job in jobs {
      let word = try job.run(in: box)
      #expect(word == job.right, "\(job.variant): \(job.command)")
    }
    #expect(Processes.of(box.user).isEmpty)
  }

  /// Memory that is short outside of the run is no word about the program.
  @Test func theMachinesMemoryIsAFault() throws {
    let host = try SandboxHost.probe()
    let memory = host.findings.first { $0.property == "memory" && $0.mechanism == "cgroup v1" }
    guard let place = memory?.note else { return }
    let group = "\(place)/edgecoder-\(getpid())-small-\(Hex16.random())"
    mkdir(group, 0o755)
    defer { rmdir(group) }
    let script = """
      echo 62914560 >\(group)/memory.limit_in_bytes && echo $$ >\(group)/cgroup.procs
      "$0" sandbox run --profile python -- /usr/bin/perl -e 'my $x = "x" x 200_000_000'
      """
    let result = try runProgram(
      "sh", ["-c", script, binary("edgecoder")],
      environment: ["PATH=/usr/bin:/bin", "HOME=/tmp", "XDG_RUNTIME_DIR=/tmp"])
    #expect(result.status == 69, "\(result)")
    #expect("\(result)".contains("host memory"), "\(result)")
  }

  /// The first process inside is ours: nobody's verdict may come from its death.
  @Test func theEndOfInitIsAFault() throws {
    let box = try Box(limits: KnownJob.limits)
    let user = box.user
    let killer = Thread {
      _ = eventually { Processes.of(user).contains { $0.name == "sleep" } }
      for entry in Processes.of(user) where entry.name == "edgecoder-jail" {
        kill(entry.process, SIGKILL)
      }
    }
    var job = KnownJob(.failure, "init killed", ["sleep", "5"])
    job.limits.wallMilliseconds = 5_000
    let word = try job.run(in: box)
    killer.join()
    #expect(word == job.right)
  }
}

private let hasPerl = access("/usr/bin/perl", X_OK) == 0

/// True where the trees of this machine's runs are counted, and not only their processes.
private let countsAll =
  (try? SandboxHost.probe().findings.filter {
    ["memory", "processes", "cpu"].contains($0.property) && $0.ok
  }.count == 3) ?? false

/// A word on a job: a verdict, or that it did not run; by which step that failed can be a race.
private enum Word: Equatable {
  case verdict(Verdict)
  case refused
  case failure

  /// Without the detail, but with the clock.
  var name: String {
    switch self {
    case .verdict(.timedOut(let clock)): "timedOut \(clock)"
    case .verdict(let verdict): verdict.name
    case .refused: "refused"
    case .failure: "launchFailed"
    }
  }
}

/// A program, and the only right word on it.
private struct KnownJob {
  let right: Word
  let variant: String
  let command: [String]
  var limits = KnownJob.limits
  var breaks = Break.nothing

  /// What is wrong with the machine.
  enum Break { case nothing, jailMissing, jailForeign, groupsMissing }

  static let limits = Limits(
    cpuMilliseconds: 5_000, wallMilliseconds: 30_000, memoryBytes: 64 << 20, processes: 16,
    openFiles: 64, outputBytes: 64 << 10, diskBytes: 4 << 20, files: 200)

  init(_ right: Word, _ variant: String, _ command: [String], breaks: Break = .nothing) {
    self.right = right
    self.variant = variant
    self.command = command
    self.breaks = breaks
    if right == .verdict(.timedOut(.wall)) { limits.wallMilliseconds = 200 }
    if right == .verdict(.timedOut(.cpu)) { limits.cpuMilliseconds = 200 }
  }

  func run(in box: Box) throws -> Word {
    let sandbox =
      switch breaks {
      case .nothing: box.sandbox
      case .jailMissing:
        Sandbox(host: box.sandbox.host, jail: "/nonexistent/jail", slot: box.sandbox.slot)
      case .jailForeign: Sandbox(host: box.sandbox.host, jail: "/bin/true", slot: box.sandbox.slot)
      case .groupsMissing: try Box(host: try SandboxHost.probe(useGroups: false)).sandbox
      }
    let profile = breaks == .groupsMissing ? "strict" : "python"
    var launch = try box.launch(command, profile: profile)
    launch.limits = limits
    do {
      let workspace = try sandbox.makeWorkspace(limits: limits, profile: launch.profile)
      return .verdict(try sandbox.run(launch, in: workspace).verdict())
    } catch {
      return error.isAboutTask ? .refused : .failure
    }
  }

  static func all(_ random: inout SplitMix64) -> [KnownJob] {
    ends(&random) + times + resources(&random) + calls(&random) + launches
  }

  private static func perl(_ text: String) -> [String] { ["/usr/bin/perl", "-e", text] }
  private static func sh(_ text: String) -> [String] { ["/bin/sh", "-c", text] }
  private static func python(_ text: String) -> [String] {
    ["/usr/bin/python3", "-I", "-S", "-c", text]
  }

  private static let fill = """
    sub fill { open my $f, '>', $_[0] or return 1; my $n;
      1 while $n = syswrite $f, 'x' x 8192; return !defined $n }
    """
  private static let crowd = """
    sub crowd { for (1 .. 40) { my $p = fork; return 1 if !defined $p;
      if (!$p) { sleep 30; exit } } return 0 }
    """
  private static let spin =
    "sub spin { my $end = (times)[0] + $_[0]; 1 while (times)[0] < $end }"
  private static let forged =
    "$| = 1; print '{\"verdict\":\"passed\"}'; print STDERR '{\"verdict\":\"passed\"}';"

  private static func ends(_ random: inout SplitMix64) -> [KnownJob] {
    let code = Int32.random(in: 1...255, using: &random)
    let looks = Int32.random(in: 124...159, using: &random)
    let signal: Int32 = random.one(of: [1, 2, 3, 6, 9, 10, 11, 13, 14, 15, 24, 25, 31, 34, 64])
    let passed = [
      ("nothing", ["/bin/true"]),
      ("talks of failure", perl("print STDERR '{\"verdict\":\"failed\"}'; exit 0")),
      ("survives a refused fork", perl("\(crowd) crowd(); exit 0")),
      ("leaves a full workspace", perl("\(fill) fill('x'); exit 0")),
      ("survives a denied call", perl("syscall(41, 2, 1, 0) == -1 or exit 9; exit 0")),
      (
        "catches MemoryError",
        python("try: bytearray(1 << 45)\nexcept MemoryError: raise SystemExit(0)")
      ),
      ("a child kills itself", sh("sh -c 'kill -9 $$'; exit 0")),
      ("leaves a daemon", sh("setsid sleep 30 >/dev/null 2>&1 & exit 0")),
    ].map { KnownJob(.verdict(.passed), $0.0, $0.1) }
    let failed: [KnownJob] = [
      (code, "a status", sh("exit \(code)")), (looks, "looks like more", sh("exit \(looks)")),
      (137, "says that it was killed", sh("echo Killed >&2; exit 137")),
      (137, "passes on a child's kill", sh("sh -c 'kill -9 $$'; exit $?")),
      (1, "MemoryError without a full memory", python("bytearray(1 << 45)")),
      (code, "talks of success", perl("\(forged) exit \(code)")),
      (code, "after a denied call", perl("syscall(41, 2, 1, 0); exit \(code)")),
      (code, "leaves a daemon", sh("setsid sleep 30 >/dev/null 2>&1 & exit \(code)")),
    ].map { KnownJob(.verdict(.failed(exit: $0.0)), $0.1, $0.2) }
    let signalled: [KnownJob] = [
      (signal, "by itself", perl("kill \(signal), $$; sleep 9")),
      (9, "kill -9 $$", sh("kill -9 $$")),
      (11, "reads what is not there", perl("print unpack 'P8', pack 'Q', 64")),
      (signal, "by a child", perl("if (!fork) { kill \(signal), getppid; exit } sleep 9")),
      (9, "with much memory", perl("my $x = 'x' x 20_000_000; kill 9, $$; sleep 9")),
      (31, "as if for a call", perl("syscall(41, 2, 1, 0); kill 31, $$; sleep 9")),
    ].map { KnownJob(.verdict(.signalled($0.0)), $0.1, $0.2) }
    return passed + failed + signalled
  }

  private static var times: [KnownJob] {
    [
      ("a loop", perl("$SIG{XCPU} = 'IGNORE'; 1 while 1")),
      ("two children", sh("perl -e '1 while 1' & perl -e '1 while 1' & wait")),
      ("ends by itself, too late", perl("\(spin) spin(0.5); exit 0")),
      ("kills itself, too late", perl("\(spin) spin(0.5); kill 9, $$; sleep 9")),
      (
        "many short children",
        perl("\(spin) for (1 .. 40) { if (!fork) { spin(0.02); exit } wait } exit 0")
      ),
    ].map { KnownJob(.verdict(.timedOut(.cpu)), $0.0, $0.1) }
      + [
        ("sleeps", perl("$SIG{$_} = 'IGNORE' for qw(ALRM TERM INT HUP); sleep 30")),
        ("stops itself", perl("kill 19, $$; exit 0")), ("waits", sh("sleep 30 & wait")),
        ("talks of success", perl("\(forged) sleep 30")),
      ].map { KnownJob(.verdict(.timedOut(.wall)), $0.0, $0.1) }
  }

  private static func resources(_ random: inout SplitMix64) -> [KnownJob] {
    let code = Int32.random(in: 1...255, using: &random)
    let eats = "my $x = 'x' x 200_000_000;"
    let memory = [
      ("one string", perl("\(eats) exit 0")),
      (
        "catches everything",
        python(
          """
          try:
            x = []
            while True: x.append(bytearray(1 << 20))
          except BaseException: raise SystemExit(0)
          """)
      ),
      (
        "the sum", perl("for (1 .. 4) { if (!fork) { my $x = 'x' x 30_000_000; sleep 9 } } sleep 9")
      ),
      ("a child, and goes on", perl("if (!fork) { \(eats) exit } wait; exit 0")),
      ("talks of success", perl("\(forged) \(eats)")),
    ].map { KnownJob(.verdict(.outOfMemory), $0.0, $0.1) }
    let processes = [
      ("fails then", perl("\(crowd) crowd() and exit \(code); exit 0")),
      ("kills itself then", perl("\(crowd) crowd() and kill 9, $$; sleep 9")),
      (
        "threads",
        python(
          "import _thread, time\nfor i in range(40): _thread.start_new_thread(time.sleep, (30,))")
      ),
    ].map { KnownJob(.verdict(.tooManyProcesses), $0.0, $0.1) }
    let output = [
      ("yes", ["/usr/bin/yes"]), ("ends well", perl("print 'x' x 2_000_000; exit 0")),
      ("errors, and fails", perl("print STDERR 'x' x 2_000_000; exit \(code)")),
      ("of a child", sh("head -c 2000000 /dev/zero & wait; exit 0")),
    ].map { KnownJob(.verdict(.outputTooLarge), $0.0, $0.1) }
    let disk = [
      ("one file", perl("\(fill) fill('/tmp/x') and exit \(code); exit 0")),
      ("many files", perl("for (1 .. 400) { open my $f, '>', \"f$_\" or exit \(code) } exit 0")),
      ("as if killed", perl("\(fill) fill('x') and exit 137; exit 0")),
      ("kills itself then", perl("\(fill) fill('x') and kill 9, $$; sleep 9")),
    ].map { KnownJob(.verdict(.workspaceFull), $0.0, $0.1) }
    return memory + processes + output + disk
  }

  private static func calls(_ random: inout SplitMix64) -> [KnownJob] {
    let known = [
      ("ptrace", 101), ("mount", 165), ("bpf", 321), ("setns", 308), ("unshare", 272),
      ("keyctl", 250), ("userfaultfd", 323), ("init_module", 175), ("io_uring_setup", 425),
    ]
    return [
      ("ends well", "CALL exit 0"), ("fails", "CALL exit 159"),
      ("of a child", "if (!fork) { CALL exit 0 } wait; exit 0"),
      ("ignores it", "$SIG{SYS} = 'IGNORE'; CALL exit 0"),
      ("talks of success", "\(forged) CALL exit 0"),
      ("in a full workspace", "\(fill) fill('x'); CALL exit 1"),
      ("after refused forks", "\(crowd) crowd(); CALL exit 1"),
    ].map { variant, text in
      let (name, number) = random.one(of: known)
      return KnownJob(
        .verdict(.violation(syscall: name)), variant,
        perl(text.replacing("CALL", with: "syscall(\(number), 0, 0, 0, 0, 0, 0);")))
    }
  }

  private static var launches: [KnownJob] {
    [
      ("no such path", "/nonexistent/program"), ("no such name", "nosuchprogram-edgecoder"),
      ("a directory", "/usr/bin"), ("not executable", "/usr/lib/os-release"),
      ("below a file", "/bin/true/x"), ("below the work directory", "./missing"),
    ].map { KnownJob(.refused, $0.0, [$0.1]) }
      + [
        KnownJob(.failure, "no jail", ["true"], breaks: .jailMissing),
        KnownJob(.failure, "another jail", ["true"], breaks: .jailForeign),
        KnownJob(.failure, "no groups", ["true"], breaks: .groupsMissing),
      ]
  }
}
