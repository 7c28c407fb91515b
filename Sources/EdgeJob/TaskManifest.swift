/// What a task is: the decoded `task.toml`. It holds no account, priority or key; those belong to
/// the request.
package struct TaskManifest: Hashable, Sendable {
  package var name: String
  package var summary: String
  package var kind: Kind
  /// `python`, `javascript` or `shell`; names the toolchain that the receipt records.
  package var language: String
  /// The sandbox profile, by name.
  package var profile: String
  /// The program and its arguments, no shell; required for `run`, an optional build step for
  /// `verify`.
  package var command: [String]
  /// Text that the command reads on standard input.
  package var input: String
  package var environment: [String: String]
  /// Directory in which the command starts, relative to the workspace.
  package var workDirectory: String
  /// Where the workspace appears inside the sandbox; an absolute path.
  package var mountPoint: String
  /// True where its files have to be at places that only a private root gives: a mount point of its
  /// own, or scripts of other people that write to `/logs`.
  package var needsMounts: Bool {
    mountPoint != TaskManifest.defaultMountPoint || verifier?.runner == .reward
  }

  /// What a worker has to provide for that.
  package static let mountsRequirement = "sandbox:mounts"
  /// Where workspaces appear that ask for no other place.
  package static let defaultMountPoint = "/work"

  /// The hash seed of interpreters that have one.
  package var seed: Int64
  package var limits: Limits
  package var verifier: Verifier?
  package var artifacts: [Artifact]
  /// What the machine must offer: `program:NAME`, `python:MODULE`, `debian:PACKAGE`.
  package var requirements: [String]
  /// Member names of the snapshot that are restored before the verify phase; `*` matches inside one
  /// path component.
  package var protected: [String]
  /// Keys of other formats that were carried along, never read.
  package var extensions: [String: String]
  /// What was changed or ignored while reading, for people.
  package var notices: [String]

  /// What a task asks for.
  package enum Kind: String, Hashable, Sendable {
    /// Run a command; status 0 passes.
    case run
    /// Apply a candidate to the snapshot, then run hidden tests.
    case verify
  }

  /// How hidden tests are run and judged, in a second sandbox of its own.
  package struct Verifier: Hashable, Sendable {
    package var runner: Runner
    /// Test files below `tests/`, in the order in which they run.
    package var files: [String]
    /// Names that must all report; empty only for the runners `exit` and `reward`.
    package var expected: [String]
    /// The program for the runners `exit` and `reward`.
    package var command: [String]
    package var environment: [String: String]
    package var limits: Limits

    /// Who runs the tests.
    package enum Runner: String, Hashable, Sendable, CaseIterable {
      /// Python files with plain asserts, each a program.
      case python
      /// pytest, with names as pytest prints them.
      case pytest
      /// node's own test runner.
      case node
      /// The jest-style functions `describe`, `test`, `expect`.
      case jest
      /// A shell program that prints one line `ok NAME` or `not ok NAME` for each test.
      case shell
      /// A command whose status is the verdict.
      case exit
      /// A command that writes a number to `/logs/verifier/reward.txt` (the Harbor convention).
      case reward
    }

    package init(
      runner: Runner, files: [String], expected: [String], command: [String] = [],
      environment: [String: String] = [:], limits: Limits = Limits()
    ) {
      self.runner = runner
      self.files = files
      self.expected = expected
      self.command = command
      self.environment = environment
      self.limits = limits
    }
  }

  /// Files of the workspace that go into the result archive.
  package struct Artifact: Hashable, Sendable {
    /// A path below the workspace; `*` matches inside one component, `**` any number of them.
    package var path: String
    package var required: Bool
    package var when: When
    /// The largest file that is kept, bytes.
    package var bytesMax: Int64

    /// After which end of the task it is kept.
    package enum When: String, Hashable, Sendable { case always, success, failure }

    package init(path: String, required: Bool, when: When, bytesMax: Int64) {
      self.path = path
      self.required = required
      self.when = when
      self.bytesMax = bytesMax
    }
  }

  package init(
    name: String, summary: String = "", kind: Kind, language: String, profile: String,
    command: [String] = [], input: String = "", environment: [String: String] = [:],
    workDirectory: String = "", mountPoint: String = TaskManifest.defaultMountPoint,
    seed: Int64 = 0,
    limits: Limits = Limits(), verifier: Verifier? = nil, artifacts: [Artifact] = [],
    requirements: [String] = [], protected: [String] = [], extensions: [String: String] = [:],
    notices: [String] = []
  ) {
    self.name = name
    self.summary = summary
    self.kind = kind
    self.language = language
    self.profile = profile
    self.command = command
    self.input = input
    self.environment = environment
    self.workDirectory = workDirectory
    self.mountPoint = mountPoint
    self.seed = seed
    self.limits = limits
    self.verifier = verifier
    self.artifacts = artifacts
    self.requirements = requirements
    self.protected = protected
    self.extensions = extensions
    self.notices = notices
  }

  /// CPU time of both phases at most, milliseconds: what admit reserves for.
  package var cpuMillisecondsMax: Int64 {
    let run = kind == .run || !command.isEmpty ? limits.cpuMilliseconds : 0
    return run + (verifier?.limits.cpuMilliseconds ?? 0)
  }
}
