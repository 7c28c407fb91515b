import EdgeJob
import EdgeSystem
import EdgeTestSupport
import EdgeWorker
import Glibc

/// A sandbox in two phases made of bubblewrap, for tests of the runners alone: the product's own
/// sandbox has its own tests.
struct RunnerHarness {
  /// What this stand-in for the sandbox leaves away, to show what it is good for.
  enum Gap: Hashable {
    /// One writable tests folder in both phases.
    case testsInRunPhase
    /// One `/logs` in both phases.
    case sharedLogs
    /// The verify phase's processes go on after its end, and the reward is read late.
    case survivors
  }

  /// The workspace's files.
  var files: [String: [UInt8]]
  /// The hidden tests.
  var tests: [String: [UInt8]]
  var verifier: TaskManifest.Verifier
  var without: Set<RunnerPlan.Defence> = []
  var gaps: Set<Gap> = []
  /// What the candidate itself runs first, in the first sandbox; empty for none.
  var command: [String] = []
  var compiled: [UInt8]?

  func run(seconds: Int = 60) throws -> Judgement {
    let place = TemporaryDirectory()
    let folder = try place.open()
    for name in ["work", "tests", "runner", "logs1", "logs2"] { try folder.makeDirectory(name) }
    try write(files, into: "work", of: folder)
    try write(tests, into: "tests", of: folder)
    let manifest = TaskManifest(name: "t", kind: .verify, language: "", profile: "", seed: 7)
    let plan = RunnerPlan(
      manifest: manifest, verifier: verifier, nonce: Hex16.random() + Hex16.random(),
      compiled: compiled, without: without)
    for file in plan.files { try folder.overwrite("runner/\(file.name)", file.bytes) }
    // The programs run as another uid.
    _ = try runProgram("chmod", ["-R", "a+rwX", place.path])
    let logs = gaps.contains(.sharedLogs) ? "logs1" : "logs2"
    if !command.isEmpty {
      var first = ["--bind", place.path("work"), "/work", "--bind", place.path("logs1"), "/logs"]
      if gaps.contains(.testsInRunPhase) { first += ["--bind", place.path("tests"), "/tests"] }
      _ = try start(first, command, input: [], seconds: seconds)
    }
    let binds = [
      "--bind", place.path("work"), "/work", "--ro-bind", place.path("tests"), "/tests",
      "--ro-bind", place.path("runner"), "/runner", "--bind", place.path(logs), "/logs",
    ]
    var environment: [String] = []
    for (name, value) in plan.environment { environment += ["--setenv", name, value] }
    let result = try start(
      binds + environment, plan.arguments, input: plan.input, seconds: seconds)
    if gaps.contains(.survivors) { usleep(2_000_000) }
    return plan.judge(
      result.stdout, ended: result.status == 0 ? .passed : .failed(exit: result.status),
      reward: try? folder.read("\(logs)/verifier/reward.txt", atMost: 4096))
  }

  private func write(_ files: [String: [UInt8]], into name: String, of folder: borrowing Directory)
    throws
  {
    for (file, bytes) in files {
      var parent = name
      for part in file.split(separator: "/").dropLast() {
        parent += "/\(part)"
        try folder.ensureDirectory(parent)
      }
      try folder.overwrite("\(name)/\(file)", bytes)
    }
  }

  /// Runs a program as nobody in new namespaces; the report comes back as standard output.
  private func start(_ binds: [String], _ command: [String], input: [UInt8], seconds: Int) throws
    -> ProgramResult
  {
    var box = ["--unshare-user", "--unshare-ipc", "--unshare-net", "--unshare-uts"]
    if !gaps.contains(.survivors) { box += ["--unshare-pid", "--die-with-parent"] }
    box += [
      "--ro-bind", "/usr", "/usr", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64",
      "/lib64", "--symlink", "usr/bin", "/bin", "--dev", "/dev", "--tmpfs", "/tmp",
    ]
    // A new /proc needs a new process namespace.
    box += gaps.contains(.survivors) ? ["--ro-bind", "/proc", "/proc"] : ["--proc", "/proc"]
    box += [
      "--dir", "/logs", "--clearenv", "--setenv", "PATH", "/usr/bin:/bin", "--setenv", "HOME",
      "/tmp", "--setenv", "LANG", "C.UTF-8", "--setenv", "TEST_DIR", "/tests",
    ]
    let user =
      geteuid() == 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : []
    let prepare = [
      "bash", "-c", "mkdir -p /logs/verifier 2>/dev/null; cd /work; exec \"$@\"", "prepare",
    ]
    return try runProgram(
      "bash",
      ["-c", "exec 3>&1 1>&2; exec \"$@\"", "start"] + user + ["bwrap"] + box + binds + prepare
        + command,
      environment: ["PATH=/usr/bin:/bin:/usr/sbin"], input: input, seconds: seconds)
  }
}

/// The files of a folder, by name; folders inside are left out.
func filesOf(_ path: String) throws -> [String: [UInt8]] {
  let folder = try Directory(path: path)
  var files: [String: [UInt8]] = [:]
  for name in try folder.entries() where try folder.status(name).kind == .file {
    files[name] = try folder.read(name, atMost: 1 << 20)
  }
  return files
}
