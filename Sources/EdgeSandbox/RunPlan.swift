internal import CJailPlan
internal import EdgeJob
internal import EdgeSystem
internal import Glibc

/// The launch plan of one run, with what belongs to it until the jail has it.
struct RunPlan: ~Copyable {
  let bytes: [UInt8]
  let root: RootPlan
  private let launch: Launch
  private let user: UInt32
  private let group: UInt32

  init(
    sandbox: Sandbox, launch: Launch, environment: [String], workspace: borrowing Workspace,
    groups: [Int32]
  ) throws(LaunchFailure) {
    self.launch = launch
    let host = sandbox.host
    let keepsUser = launch.without.contains(.user)
    user = keepsUser ? host.user : sandbox.user
    group = keepsUser ? host.group : sandbox.group
    try RunPlan.checkPaths(launch)
    var writer = PlanWriter(kind: EC_KIND_RUN)
    var root = RootPlan(launch: launch, isPrivileged: host.isPrivileged)
    try root.write(into: &writer, workspace: workspace, user: user, group: group)
    let filter = try RunPlan.filter(launch)
    writer.plan.flags = RunPlan.flags(launch, host: host, listens: filter?.listens ?? false)
    writer.plan.failing_stage = UInt32(launch.failingStage)
    writer.plan.mounts = UInt32(root.mounts.count)
    writer.plan.groups = UInt32(groups.count)
    // CLONE_NEWNS, NEWUTS, NEWIPC, NEWPID; NEWNET; NEWUSER.
    writer.plan.clone_flags =
      0x2C02_0000 | (launch.without.contains(.network) ? 0 : 0x4000_0000)
      | (host.isPrivileged ? 0 : 0x1000_0000)
    writer.plan.outer_uid = host.user
    writer.plan.outer_gid = host.group
    writer.plan.uid = user
    writer.plan.gid = group
    writer.plan.mount_point = writer.text(try RunPlan.place(avoiding: root.sources))
    writer.plan.host_name = writer.text("task")
    writer.plan.work_directory = writer.text(launch.workDirectory ?? launch.mountPoint)
    writer.plan.root_options = writer.text("size=1m,nr_inodes=1k,mode=755")
    RunPlan.confineFiles(&writer, launch, version: host.landlock)
    RunLimits.write(into: &writer, launch, host: host)
    bytes = writer.finish(
      arguments: launch.arguments, environment: environment,
      programs: try RunPlan.programs(launch), filter: filter?.instructions ?? [])
    self.root = root
  }

  /// What has to be true of the program before it is let go.
  func proof(groups: String?) -> Proof {
    Proof(
      isVisible: !launch.without.contains(.processTable), user: user, group: group,
      hasFilter: !launch.without.contains(.seccomp),
      hasNoNewPrivileges: true, hasNoCapabilities: !launch.without.contains(.user),
      mounts: launch.without.contains(.root) || launch.without.contains(.processTable)
        ? nil : root.expected,
      optionalMounts: root.optional,
      groups: groups.map { [$0] } ?? [])
  }

  private static func flags(_ launch: Launch, host: SandboxHost, listens: Bool) -> UInt32 {
    let without = launch.without
    var flags = EC_NO_NEW_PRIVILEGES
    if !host.isPrivileged { flags |= EC_USER_NAMESPACE }
    if host.isPrivileged, !without.contains(.user) { flags |= EC_SET_USER }
    if !without.contains(.user) { flags |= EC_DROP_CAPABILITIES | EC_GROUP_NAMESPACE }
    if !without.contains(.seccomp) { flags |= EC_SECCOMP | (listens ? EC_LISTENER : 0) }
    if !without.contains(.landlock), host.landlock > 0 { flags |= EC_LANDLOCK }
    if launch.reportChannel { flags |= EC_REPORT_CHANNEL }
    if !without.contains(.descriptors) { flags |= EC_CLOSE_DESCRIPTORS }
    if without.contains(.root) { flags |= EC_HOST_ROOT }
    if launch.input.isEmpty { flags |= EC_NULL_INPUT }
    return flags
  }

  private static func filter(_ launch: Launch) throws(LaunchFailure) -> SeccompFilter? {
    if launch.without.contains(.seccomp) { return nil }
    let policy = launch.profile.policy
    if let name = policy.missingForLaunch {
      throw LaunchFailure(
        stage: "profile", errno: 0,
        subject: "\(launch.profile.name) does not allow \(name), so nothing can be started with it")
    }
    return try SeccompFilter.of(policy)
  }

  /// Where the new root is put together: a directory that no source lies in, since it is covered.
  private static func place(avoiding sources: [String]) throws(LaunchFailure) -> String {
    for path in ["/tmp", "/mnt", "/home", "/srv", "/opt"] {
      var info = stat()
      guard stat(path, &info) == 0, info.st_mode & S_IFMT == S_IFDIR else { continue }
      if !sources.contains(where: { InsidePath.overlap($0, path) }) { return path }
    }
    throw LaunchFailure(
      stage: "root", errno: ENOENT, subject: "none of /tmp, /mnt, /home, /srv, /opt can be covered")
  }

  private static func confineFiles(_ writer: inout PlanWriter, _ launch: Launch, version: Int64) {
    let files = LandlockRights.files(version)
    writer.plan.landlock_files = files
    writer.plan.landlock_network = LandlockRights.network(version)
    writer.plan.landlock_scope = LandlockRights.scope(version)
    writer.plan.landlock_size = LandlockRights.size(version)
    writer.allow("/", LandlockRights.read & files)
    for path in ["/tmp", "/dev/shm", launch.mountPoint] + launch.writableDirectories {
      writer.allow(path, files)
    }
    for name in ["null", "zero", "full", "random", "urandom"] {
      writer.allow("/dev/\(name)", LandlockRights.device & files)
    }
  }

  private static func programs(_ launch: Launch) throws(LaunchFailure) -> [String] {
    guard let name = launch.arguments.first, !name.isEmpty,
      launch.arguments.allSatisfy({ !$0.utf8.contains(0) })
    else {
      throw LaunchFailure(
        stage: "arguments", errno: EINVAL, subject: launch.arguments.first ?? "no program")
    }
    if name.contains("/") { return [name] }
    return launch.profile.path.map { "\($0)/\(name)" }
  }

  private static func checkPaths(_ launch: Launch) throws(LaunchFailure) {
    var places: [String] = []
    for path in [launch.mountPoint] + launch.writableDirectories + launch.readOnly.map(\.path) {
      guard InsidePath.isFree(path), !places.contains(where: { InsidePath.overlap($0, path) })
      else {
        throw LaunchFailure(
          stage: "mount point", errno: EINVAL, subject: path,
          hint: "Choose a path outside the system's directories and outside of each other.")
      }
      places.append(path)
    }
    if launch.readOnly.count > 32 {
      throw LaunchFailure(stage: "mount point", errno: E2BIG, subject: "read-only directories")
    }
  }

  /// The program's environment, `NAME=value`.
  static func environment(of launch: Launch) throws(LaunchFailure) -> [String] {
    let rules = launch.profile.environment
    var all = rules.fixed
    if launch.without.contains(.environment) { all.merge(OwnEnvironment.all) { $1 } }
    for (name, value) in launch.environment {
      guard rules.allows(name), !name.isEmpty, !name.utf8.contains(0x3D),
        !name.utf8.contains(0), !value.utf8.contains(0)
      else {
        throw LaunchFailure(
          stage: "environment", errno: EPERM, subject: name,
          hint: "The profile \(launch.profile.name) does not let a task set this variable.")
      }
      all[name] = value
    }
    return all.map { "\($0.key)=\($0.value)" }.sorted()
  }
}

/// The environment of this process; no program gets it except in tests.
private enum OwnEnvironment {
  static var all: [String: String] {
    var table: [String: String] = [:]
    let file = Glibc.open("/proc/self/environ", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return table }
    let owned = Descriptor(owning: file)
    for entry in ((try? owned.read(atMost: 1 << 20)) ?? []).split(separator: 0) {
      let parts = String(decoding: entry, as: UTF8.self).split(separator: "=", maxSplits: 1)
      if parts.count == 2 { table[String(parts[0])] = String(parts[1]) }
    }
    return table
  }
}
