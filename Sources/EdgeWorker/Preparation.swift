internal import EdgeArchive
internal import EdgeSandbox
internal import Synchronization

/// What a worker makes once, for all of its attempts: profiles, and the runners' code.
///
/// A profile that changes while a worker runs counts for the next worker; the receipt names the
/// digest of the one that was used.
final class Preparation: Sendable {
  /// Folder of the profiles; nil is the program's own.
  private let directory: String?
  private let profiles = Mutex<[String: SandboxProfile]>([:])
  private let runners = Mutex<[UInt8]?>(nil)

  let snapshots = Snapshots()
  /// Where archives are parsed.
  let archives: ArchiveProcess?

  /// - Parameter archives: nil parses them here; tests alone.
  init(profiles directory: String? = nil, archives: ArchiveProcess?) {
    self.directory = directory
    self.archives = archives
  }

  /// - Throws: stage `profile`; nothing is kept then.
  func profile(_ name: String) throws(LaunchFailure) -> SandboxProfile {
    if let known = profiles.withLock({ $0[name] }) { return known }
    let profile = try SandboxProfile.load(name, directory: directory)
    profiles.withLock { $0[name] = profile }
    return profile
  }

  /// The Python runners' code; nil where it cannot be had, and each run compiles the sources.
  var compiledRunners: [UInt8]? {
    // The lock is held meanwhile: another slot would only do the same work.
    let bytes = runners.withLock { bytes in
      let made = bytes ?? (try? RunnerBytecode.compile()) ?? []
      bytes = made
      return made
    }
    return bytes.isEmpty ? nil : bytes
  }
}
