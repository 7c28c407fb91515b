internal import CLinux
internal import EdgeJob
internal import Glibc

/// Confines the calling process for good, before it reads hostile bytes: no right on any file, no
/// network, no new process, and only the calls of the profile. What is open stays usable.
///
/// Call it from the only thread, or before others are started: Landlock holds for the calling
/// thread and those that it starts.
/// - Throws: the step that failed; the process is then to end without reading anything.
package func confineSelf(profile: SandboxProfile) throws(LaunchFailure) {
  try giveUpFiles(profile: profile)
  try giveUpCalls(profile: profile)
}

/// The first half, which children inherit: no right on any file, no network, no privilege. The
/// superuser becomes nobody.
/// - Throws: as `confineSelf`.
package func giveUpFiles(profile: SandboxProfile) throws(LaunchFailure) {
  // Compiled once, for all copies of this process.
  _ = try SeccompFilter.of(profile.policy)
  if geteuid() == 0 {
    try require("user", ec_become(nobody))
  }
  // PR_SET_DUMPABLE 4, PR_SET_NO_NEW_PRIVS 38.
  try require("dumpable", ec_prctl(4, 0, 0, 0, 0))
  try require("no new privileges", ec_prctl(38, 1, 0, 0, 0))
  let version = Int64(ec_landlock_abi())
  if version > 0 {
    try require(
      "landlock",
      ec_landlock_deny(
        LandlockRights.files(version), LandlockRights.network(version),
        LandlockRights.scope(version), LandlockRights.size(version)))
  } else if profile.floor.landlock > 0 {
    throw LaunchFailure(
      stage: "require landlock", errno: ENOSYS, subject: "the profile \(profile.name)")
  }
}

/// The second half: the limits of the profile, and its calls alone. The process dies with its
/// parent, and when the profile's time on the wall is over.
/// - Throws: as `confineSelf`.
package func giveUpCalls(profile: SandboxProfile) throws(LaunchFailure) {
  let filter = try SeccompFilter.of(profile.policy)
  if filter.listens {
    throw LaunchFailure(
      stage: "profile", errno: 0, subject: "\(profile.name) names calls to kill; nobody listens")
  }
  // PR_SET_PDEATHSIG 1.
  try require("parent", ec_prctl(1, UInt(SIGKILL), 0, 0, 0))
  alarm(UInt32(clamping: (profile.limits.wallMilliseconds + 999) / 1000))
  let limits = profile.limits
  let rlimits: [(Int32, Int64)] = [
    (0, (limits.cpuMilliseconds + 999) / 1000), (1, 0), (2, limits.memoryBytes), (4, 0),
    (6, 0), (7, limits.openFiles), (9, limits.memoryBytes + 1 << 30),
  ]
  for (resource, value) in rlimits where resource != 9 || profile.addressSpaceIsLimited {
    // RLIMIT_CPU, FSIZE, DATA, CORE, NPROC, NOFILE, AS.
    var own = rlimit()
    getrlimit(resource, &own)
    let most = min(UInt64(value), UInt64(own.rlim_max))
    try require("rlimit", ec_setrlimit(resource, most, most))
  }
  let instructions = filter.instructions
  try require(
    "seccomp",
    instructions.withUnsafeBytes {
      ec_seccomp_install($0.baseAddress, UInt16($0.count / 8))
    })
}

/// The user and the group that own nothing.
private let nobody: UInt32 = 65534

private func require(_ stage: String, _ answer: Int32) throws(LaunchFailure) {
  if answer != 0 { throw LaunchFailure(stage: stage, errno: errno, subject: "this process") }
}
