package import EdgeJob

/// One program to run in one sandbox.
package struct Launch: Sendable {
  package var profile: SandboxProfile
  package var limits: Limits
  /// The program and its arguments. The program is an absolute path inside, a path below the work
  /// directory that contains a slash, or a name that is looked up in the profile's path.
  package var arguments: [String]
  /// Variables beside those that the profile sets; each name must be on the profile's allow-list.
  package var environment: [String: String]
  /// Where the workspace appears inside.
  package var mountPoint: String
  /// Absolute path inside where the program starts; nil = `mountPoint`.
  package var workDirectory: String?
  /// Standard input.
  package var input: [UInt8]
  /// Directories that appear read-only inside. They must be readable for everybody, or lie on the
  /// workspace (`Workspace.area`), whose files are given to the program's user.
  package var readOnly: [ReadOnly]
  /// Further empty directories on the workspace's quota, such as `/logs/verifier`; read them
  /// afterwards with `Workspace.writable`.
  package var writableDirectories: [String]
  /// Gives the program a pipe as descriptor 3, whose bytes come back in `RunReport.report`.
  package var reportChannel: Bool
  /// Modules that this program and others like it load first, where the profile keeps interpreters
  /// warm.
  package var preload: Preload?
  /// Borrowed; the program is killed when it becomes readable.
  package var cancel: Int32?
  /// Milliseconds that the program has after SIGTERM when it is cancelled, asked for again and
  /// again; nil kills it at once. A profile that keeps interpreters warm kills at once, too.
  package var grace: (@Sendable () -> Int64)?
  /// Gets what was written to standard output and standard error so far, again and again.
  package var live: (@Sendable (_ stdout: [UInt8], _ stderr: [UInt8]) -> Void)?
  /// Nil = the profile's calls are enforced. Otherwise its other layers are, and calls are noted;
  /// see `Learning`.
  package var learning: Learning?
  /// Layers left away. For tests alone, which prove with it that a layer protects; the enforced
  /// map shows it.
  package var without: Set<Layer> = []
  /// The step that is made to fail; tests alone, and only jails that were built for debugging
  /// take it.
  package var failingStage: Int32 = 0

  /// An open directory, borrowed, and where it appears.
  package struct ReadOnly: Hashable, Sendable {
    /// The open directory, borrowed.
    package let descriptor: Int32
    /// Where it appears inside, absolute.
    package let path: String

    package init(descriptor: Int32, path: String) {
      self.descriptor = descriptor
      self.path = path
    }
  }

  /// Python modules of ours, loaded once for many runs.
  package struct Preload: Hashable, Sendable {
    /// The folder that they seem to come from.
    package let folder: String
    /// In the order in which they are loaded.
    package let modules: [Module]

    package init(folder: String, modules: [Module]) {
      self.folder = folder
      self.modules = modules
    }
  }

  /// One of them.
  package struct Module: Hashable, Sendable {
    /// As it is imported.
    package let name: String
    package let source: [UInt8]

    package init(name: String, source: [UInt8]) {
      self.name = name
      self.source = source
    }
  }

  package init(
    profile: SandboxProfile, limits: Limits? = nil, arguments: [String],
    environment: [String: String] = [:], mountPoint: String = Launch.defaultMountPoint,
    workDirectory: String? = nil, input: [UInt8] = [], readOnly: [ReadOnly] = [],
    writableDirectories: [String] = [], reportChannel: Bool = false, cancel: Int32? = nil
  ) {
    self.profile = profile
    self.limits = limits ?? profile.limits
    self.arguments = arguments
    self.environment = environment
    self.mountPoint = mountPoint
    self.workDirectory = workDirectory
    self.input = input
    self.readOnly = readOnly
    self.writableDirectories = writableDirectories
    self.reportChannel = reportChannel
    self.cancel = cancel
  }

  /// Where a workspace appears that nobody asks to have elsewhere.
  package static let defaultMountPoint = TaskManifest.defaultMountPoint
  /// Bytes of the report channel that are kept.
  package static let reportBytesMax = 4 << 20
}

/// A protection that a test can leave away, to see what then happens.
package enum Layer: String, Hashable, Sendable, CaseIterable {
  /// The private root; without it the machine's own file tree is visible and writable.
  case root
  /// The fresh process table; without it the machine's is visible.
  case processTable
  case network
  case seccomp
  case landlock
  /// The slot's own user; without it the program keeps the worker's user and its capabilities.
  case user
  /// Control groups; resource limits fall back to rlimits.
  case groups
  case rlimits
  case environment
  /// Closing of the launcher's own descriptors.
  case descriptors
  /// The watch on time, CPU and output.
  case watch
  /// The size limits of the workspace.
  case quota
}
