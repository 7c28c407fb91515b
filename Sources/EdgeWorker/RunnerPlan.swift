package import EdgeJob
package import EdgeSandbox

/// How the hidden tests of one task are started in the verify sandbox, and what their report must
/// show.
///
/// What runs is in `Runners/`, embedded into this module; each file says what it promises.
/// The workspace stands at the manifest's mount point, the tests read-only at `/tests`, `files`
/// read-only at `/runner`; standard input is `input`, and descriptor 3 takes the report. The nonce
/// is in no argument and no variable: it is the end of `input`, and the runner reads it when no
/// process of the candidate is left.
package struct RunnerPlan: Sendable {
  /// The program and its arguments.
  package let arguments: [String]
  /// All of standard input. A pipe, a file in memory or a file; nobody else may hold it.
  package let input: [UInt8]
  /// What appears below `/runner`.
  package let files: [File]
  /// What a warm interpreter loads once for all plans with the same runner; nil where nothing of
  /// ours runs in one.
  package let preload: Launch.Preload?
  /// Variables beside those of the profile.
  package let environment: [String: String]
  /// Directories that the program may write and that are empty at its start.
  package let writableDirectories: [String]

  /// The system's own Python, inside the sandbox and outside.
  package static let interpreter = "/usr/bin/python3"

  let verifier: TaskManifest.Verifier
  let nonce: String
  let without: Set<Defence>

  /// A file of the runner.
  package struct File: Sendable {
    package let name: String
    package let bytes: [UInt8]
  }

  /// What keeps a candidate from a verdict that it has not earned. Tests alone switch one off, to
  /// show what it is good for.
  package enum Defence: String, Hashable, Sendable, CaseIterable {
    /// Every expected name must report, and every file must reach its end.
    case names
    /// The framework is compared with what it was, and reports are taken from it alone.
    case integrity
    /// No hook file of the workspace is loaded.
    case conftest
    /// The candidate's operators decide no comparison with a value of another kind.
    case strict
    /// The runner's processes hide their descriptors and memory.
    case proc
    /// What a test file leaves running is killed before the next one, and before the report.
    case linger
    /// A reward file counts for the runner `reward` alone.
    case reward
  }

  /// - Parameters:
  ///   - nonce: ASCII, at least 16 characters that nobody can guess.
  ///   - compiled: what `RunnerBytecode.compile()` gave; nil leaves compiling to each run.
  ///   - without: empty except in tests.
  ///   - place: where `/tests`, `/runner` and the workspace really are, where nothing is mounted.
  package init(
    manifest: TaskManifest, verifier: TaskManifest.Verifier, nonce: String,
    compiled: [UInt8]? = nil, without: Set<Defence> = [], place: (String) -> String = { $0 }
  ) {
    precondition(nonce.utf8.count >= 16, "a nonce is long enough not to be guessed")
    self.verifier = verifier
    self.nonce = nonce
    self.without = without
    let root =
      manifest.workDirectory.isEmpty
      ? manifest.mountPoint : "\(manifest.mountPoint)/\(manifest.workDirectory)"
    guard
      let program = Self.program(
        of: verifier.runner, seed: manifest.seed, folder: place("/runner"))
    else {
      // The command is the verifier: nothing of ours runs inside.
      arguments = verifier.command
      input = []
      files = []
      preload = nil
      environment = verifier.environment.merging(["TEST_DIR": "/tests"]) { own, _ in own }
      writableDirectories = verifier.runner == .reward ? ["/logs/verifier"] : []
      return
    }
    let plan: JSON = [
      "runner": .string(verifier.runner.rawValue), "files": .texts(verifier.files),
      "tests": .string(place("/tests")), "workspace": .string(place(root)),
      "program": .texts(program.command),
      "without": .texts(without.map(\.rawValue).sorted()),
    ]
    let text = plan.canonical
    let length = String(text.count, radix: 16)
    let prefix = String(repeating: "0", count: 8 - length.utf8.count) + length
    arguments = [Self.interpreter, "-s", "-S", "-B", "/runner/start.py"]
    input = Array(prefix.utf8) + text + Array(nonce.utf8)
    files =
      [
        File(name: "start.py", bytes: PackageResources.start_py),
        File(name: "supervise.py", bytes: PackageResources.supervise_py),
      ] + program.files + (compiled.map { [File(name: "compiled", bytes: $0)] } ?? [])
    preload = Self.preload(of: verifier.runner)
    environment = verifier.environment.filter { !Self.isSteering($0.key) }
      .merging(program.environment) { _, ours in ours }
    writableDirectories = []
  }

  /// Whether a variable would change how an interpreter starts or what it loads.
  static func isSteering(_ name: String) -> Bool {
    ["PYTHON", "PYTEST", "NODE_", "LD_", "BASH", "GLIBC_", "GCONV_", "MALLOC_"].contains {
      name.hasPrefix($0)
    } || ["ENV", "IFS", "SHELLOPTS", "PS4", "CDPATH", "GLOBIGNORE"].contains(name)
  }
}

extension RunnerPlan {
  /// What differs between the runners that the supervisor starts.
  private struct Program {
    var files: [File]
    /// Empty for the Python runners, which the supervisor forks.
    var command: [String] = []
    var environment: [String: String] = [:]
  }

  private static func program(
    of runner: TaskManifest.Verifier.Runner, seed: Int64, folder: String
  ) -> Program? {
    let hashSeed = ["PYTHONHASHSEED": String(UInt32(truncatingIfNeeded: seed))]
    // V8 takes 0 for no seed.
    let randomSeed = "--random-seed=\(1 + UInt32(truncatingIfNeeded: seed) % 0x3FFF_FFFF)"
    let node = ["node", "--no-warnings", "--experimental-vm-modules", randomSeed]
    let reporter = [
      "--test-reporter=\(folder)/events.mjs", "--test-reporter-destination=stdout",
    ]
    return switch runner {
    case .python:
      Program(
        files: shared + [File(name: "plain.py", bytes: PackageResources.plain_py)],
        environment: hashSeed)
    case .pytest:
      Program(
        files: shared + [File(name: "pytests.py", bytes: PackageResources.pytests_py)],
        environment: hashSeed)
    case .jest: Program(files: script, command: node + ["\(folder)/node.mjs"])
    case .node: Program(files: script, command: node + reporter + ["\(folder)/node.mjs"])
    case .shell:
      Program(
        files: [File(name: "shell.sh", bytes: PackageResources.shell_sh)],
        command: ["bash", "\(folder)/shell.sh"])
    case .exit, .reward: nil
    }
  }

  /// The supervisor, and what it loads for this runner, in its order.
  private static func preload(of runner: TaskManifest.Verifier.Runner) -> Launch.Preload? {
    let last: Launch.Module
    switch runner {
    case .python: last = .init(name: "plain", source: PackageResources.plain_py)
    case .pytest: last = .init(name: "pytests", source: PackageResources.pytests_py)
    default: return nil
    }
    return Launch.Preload(
      folder: "/runner",
      modules: [
        .init(name: "supervise", source: PackageResources.supervise_py),
        .init(name: "strict", source: PackageResources.strict_py),
        .init(name: "guard", source: PackageResources.guard_py), last,
      ])
  }

  private static var shared: [File] {
    [
      File(name: "guard.py", bytes: PackageResources.guard_py),
      File(name: "strict.py", bytes: PackageResources.strict_py),
    ]
  }

  private static var script: [File] {
    [
      File(name: "node.mjs", bytes: PackageResources.node_mjs),
      File(name: "loader.mjs", bytes: PackageResources.loader_mjs),
      File(name: "expect.mjs", bytes: PackageResources.expect_mjs),
      File(name: "jest.mjs", bytes: PackageResources.jest_mjs),
      File(name: "events.mjs", bytes: PackageResources.events_mjs),
    ]
  }
}
