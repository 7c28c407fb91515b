import EdgeJob
import EdgeSandbox
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// Copies of a warm interpreter behave as the interpreter does that is executed.
@Suite(.enabled(if: WarmBox.isAvailable, "needs root and /usr/bin/python3"))
struct WarmTests {
  @Test func theSecondOfAKindIsACopy() throws {
    let box = try WarmBox()
    #expect(try box.run(["-c", "print(1)"]).enforced["start"] == "executed")
    for count in 2..<5 {
      let report = try box.run(["-c", "print(\(count))"])
      #expect(report.enforced["start"] == "copy of a warm interpreter")
      #expect(report.out == "\(count)")
      #expect(report.verdict() == .passed)
    }
  }

  @Test(arguments: [
    ["-c", "import sys; print(sys.argv, sys.path[:1], sys.orig_argv, __name__)", "a", "b c"],
    ["-c", "raise ValueError('so')"], ["-c", "def f(): return 1 / 0\nf()"], ["-c", "x ="],
    ["-c", "import sys; sys.exit(7)"], ["-c", "import sys; sys.exit('a text')"],
    ["-c", "import os; os.kill(os.getpid(), 15)"], ["-c", "import os; os.abort()"],
    ["-c", "import atexit; atexit.register(print, 'end'); print('begin')"],
    [
      "-c", "f = open('/tmp/x', 'w'); f.write('kept'); import os; print(os.stat('/tmp/x').st_size)",
    ],
    ["-c", "class A:\n  def __del__(self): print('gone')\na = A()\nb = [A()]; b.append(b)"],
    ["-c", "import threading as t; t.Timer(0.05, print, ['late']).start()"],
    ["-c", "import sys; sys.stdout.write('no end'); sys.stderr.write('here, too')"],
    ["-c", "print(sorted(map(hash, 'abc')), hash('abcdef'))"],
    ["-c", "import os; print(sorted(os.environ.items()), os.getcwd(), os.umask(0))"],
    ["-c", "import signal; print([signal.getsignal(n) for n in range(1, 32)])"],
    ["-c", "import subprocess as s; print(s.run(['echo', 'hi'], capture_output=True))"],
    ["-c", "import multiprocessing as m\nif m.get_context('fork'): print(m.current_process())"],
    ["-c", "import os\nif not os.fork(): print('child'); os._exit(3)\nprint(os.wait()[1])"],
    ["-c", "import sys; print(sys.stdin.read(), sys.flags, sys.executable, sys.version)"],
    ["-c", "print(__file__)"], ["-c", "import resource as r; print(r.getrlimit(r.RLIMIT_NOFILE))"],
    ["-m", "platform", "x"], ["-m", "no_such_module"], ["missing.py"], ["main.py", "one"],
    ["./main.py"], ["/proc/self/cwd/main.py"], ["-P", "main.py"], ["-S", "-B", "main.py"],
    [
      "-c",
      "import os; print(sorted(os.listdir('/proc/self/fd')), {*os.listdir('/')} == {'.warm'})",
    ],
    ["-c", "import os; print(os.getpid() > 1, os.getsid(0) == os.getpid())"],
    ["-c", "print([line.split()[4:6] for line in open('/proc/self/mountinfo')])"],
    ["-c", "print(open('/proc/self/cgroup').read())"],
  ])
  func aCopyDoesWhatTheInterpreterDoes(arguments: [String]) throws {
    let cold = try WarmBox.cold().run(arguments)
    let warm = try WarmBox().second(arguments)
    #expect(warm.enforced["start"] == "copy of a warm interpreter")
    #expect(warm.termination == cold.termination)
    #expect(warm.out == cold.out)
    #expect(warm.err == cold.err)
    #expect(warm.verdict() == cold.verdict())
    #expect(warm.denied == cold.denied)
  }

  private static let confinement = """
    import os
    for line in open("/proc/self/status"):
        if line.split(":")[0] in ("Uid", "Gid", "Groups", "NoNewPrivs", "Seccomp", "CapInh",
            "CapPrm", "CapEff", "CapBnd", "CapAmb", "Seccomp_filters", "SigBlk", "Threads"):
            print(line.strip())
    print(open("/proc/self/oom_score_adj").read(), os.readlink("/proc/self/cwd"))
    print(open("/proc/self/limits").read())
    print([part for part in open("/proc/self/maps").read().split() if "memfd" in part])
    """

  @Test func aCopyIsConfinedAsAProgramIs() throws {
    let arguments = ["-c", WarmTests.confinement]
    let cold = try WarmBox.cold().run(arguments)
    let box = try WarmBox()
    let warm = try box.second(arguments)
    func shown(_ report: RunReport, _ user: UInt32) -> String {
      report.out.replacing("\(user)", with: "USER")
    }
    #expect(shown(warm, box.box.user).contains("NoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t2"))
    #expect(shown(warm, box.box.user).hasSuffix("[]"))
    #expect(cold.out.contains("CapEff:\t0000000000000000"))
    let other = try #require(cold.out.split(separator: "\t").dropFirst().first)
    #expect(
      shown(warm, box.box.user) == cold.out.replacing(String(other), with: "USER"))
  }

  @Test func theSeedIsTheManifestsAndRandomIsFresh() throws {
    let box = try WarmBox()
    let script = ["-c", "import random; print(hash('abc'), random.random())"]
    let runs = try (0..<5).map { _ in try box.run(script).out.split(separator: " ") }
    #expect(Set(runs.map { $0[0] }).count == 1)
    #expect(Set(runs.map { $0[1] }).count == 5)
    let other = try WarmBox(seed: "8").second(script).out.split(separator: " ")
    #expect(other[0] != runs[0][0])
    // Nobody shares a seed that nobody chose.
    let free = try WarmBox(seed: "random")
    #expect(try free.second(script).enforced["start"] == "executed")
    for option in ["-I", "-E"] {
      let blind = try WarmBox().second([option] + script)
      #expect(blind.enforced["start"] == "executed", "\(option) overlooks the seed")
    }
  }

  @Test func limitsAreTheRunsOwn() throws {
    let box = try WarmBox(limits: smallLimits)
    _ = try box.second(["-c", "pass"])
    // As much as without the interpreter that waits beside it.
    #expect(try box.run(["-c", "x = b'x' * (70 << 20)"]).verdict() == .passed)
    let over = try box.run(["-c", "x = b'x' * (200 << 20)\nprint('has it')"])
    #expect(over.verdict() != .passed)
    let forks = """
      import os, time
      n = 0
      try:
          while n < 60:
              if os.fork() == 0: time.sleep(30)
              n += 1
      except OSError: pass
      print(n + 1)
      """
    #expect(try box.run(["-c", forks]).out == "32")
    let report = try box.run(["-c", "pass"])
    #expect(report.enforced["start"] == "copy of a warm interpreter")
    #expect(report.limitsHit == RunReport.LimitsHit())
    #expect(report.usage.memoryPeakBytes < 16 << 20)
    #expect(report.usage.orphans == 0)
    #expect(try box.run(["-c", "while True: pass"]).verdict() == .timedOut(.cpu))
    #expect(try box.run(["-c", forks]).usage.orphans == 31)
  }
}

/// A box whose programs are copies, from the second on.
struct WarmBox {
  static let isAvailable = isRoot && access("/usr/bin/python3", X_OK) == 0

  let box: Box
  private let profile: SandboxProfile
  private let seed: String

  init(
    limits: Limits? = nil, seed: String = "7", profile: String = "python-warm",
    without: Set<Layer> = []
  ) throws {
    box = try Box(limits: limits, without: without)
    self.profile = try SandboxProfile.load(profile, directory: Box.profiles)
    self.seed = seed
  }

  /// The same, always executed.
  static func cold() throws -> WarmBox { try WarmBox(profile: "python") }

  func launch(_ arguments: [String]) throws -> Launch {
    var launch = try box.launch(["/usr/bin/python3"] + arguments)
    launch.profile = profile
    launch.environment["PYTHONHASHSEED"] = seed
    launch.input = Array("from outside".utf8)
    return launch
  }

  func run(_ arguments: [String]) throws -> RunReport {
    let launch = try launch(arguments)
    let workspace = try box.sandbox.makeWorkspace(limits: launch.limits, profile: profile)
    try workspace.directory.publish(
      "main.py", Array("import sys\nprint(__file__, sys.argv, sys.path[:2])\n1 / 0\n".utf8),
      mode: 0o644, durable: false)
    return try box.sandbox.run(launch, in: workspace)
  }

  /// The report of a copy.
  func second(_ arguments: [String]) throws -> RunReport {
    _ = try run(arguments)
    return try run(arguments)
  }
}
