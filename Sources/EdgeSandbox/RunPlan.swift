internal import CJailPlan
internal import EdgeJob
internal import EdgeSystem
internal import Glibc

/// The plan of one run, with what belongs to it until the jail has it.
struct RunPlan: ~Copyable {
  let bytes: [UInt8]
  let mounts: MountPlan
  private let launch: Launch
  private let user: UInt32
  private let group: UInt32

  init(
    sandbox: Sandbox, launch: Launch, names: InsideNames, environment: [String],
    workspace: borrowing Workspace, launcher: Launcher
  ) throws(LaunchFailure) {
    let template = launcher.template
    let isWarm = launcher.key.warm != nil
    self.launch = launch
    let host = sandbox.host
    let keepsUser = launch.without.contains(.user)
    user = keepsUser ? host.user : sandbox.user
    group = keepsUser ? host.group : sandbox.group
    var writer = PlanWriter(kind: EC_KIND_RUN)
    var mounts = MountPlan()
    let isBare = host.isolation == .landlock
    if !isBare { try mounts.write(into: &writer, launch, host: host, workspace: workspace) }
    writer.plan.flags = RunPlan.flags(launch, host: host) | (isWarm ? EC_WARM : 0)
    writer.plan.failing_stage = UInt32(launch.failingStage)
    writer.plan.descriptors = UInt32(EC_MOUNTS) + UInt32(mounts.descriptors.count)
    writer.plan.denied_error = UInt32(template.deniedError)
    // CLONE_NEWPID, NEWNS; where objects of System V could be left behind, NEWIPC.
    let leavesObjects = launch.learning != nil || launch.profile.policy.leavesObjects
    // Ports that wait for late packets would be taken for the next run: NEWNET.
    writer.plan.namespaces =
      isBare
      ? 0
      : 0x2002_0000 | (leavesObjects ? 0x0800_0000 : 0)
        | (RunPlan.hasLoopback(launch) ? 0x4000_0000 : 0)
    writer.plan.uid = user
    writer.plan.gid = group
    writer.plan.work_directory = writer.text(
      names.place(of: launch.workDirectory ?? launch.mountPoint))
    writer.kill(template.kills)
    writer.watch(launch.learning?.watches ?? [])
    if isBare {
      BareView.write(into: &writer, launch, names, version: host.landlock)
    } else {
      RunPlan.confineFiles(&writer, launch, version: host.landlock)
    }
    RunLimits.write(into: &writer, launch, host: host, isWarm: isWarm)
    bytes = writer.finish(
      arguments: names.words(launch.arguments), environment: environment,
      programs: names.words(try RunPlan.programs(launch)), filter: template.filters?.second ?? [])
    self.mounts = mounts
  }

  /// What has to be true of the program before it is let go.
  func proof(of launcher: Launcher, host: SandboxHost) -> Proof {
    let template = launcher.template
    let hasGroups = launcher.groups.label != nil
    let hidesMounts =
      host.isolation == .landlock || launch.without.contains(.root)
      || launch.without.contains(.processTable)
    return Proof(
      user: user, group: group,
      filters: launch.without.contains(.seccomp) ? nil : host.filters + 2,
      hasNoCapabilities: !launch.without.contains(.user),
      hasBoundingSet: host.isolation == .landlock && !host.hasSlotUsers,
      mounts: hidesMounts ? nil : template.expected.merging(mounts.expected) { $1 },
      optionalMounts: template.optional, processors: launcher.key.processors,
      hasGroups: hasGroups && host.isolation != .landlock && !launch.without.contains(.user))
  }

  private static func hasLoopback(_ launch: Launch) -> Bool {
    launch.profile.network == .loopback && !launch.without.contains(.network)
  }

  private static func flags(_ launch: Launch, host: SandboxHost) -> UInt32 {
    let without = launch.without
    var flags: UInt32 = 0
    if host.hasSlotUsers, !without.contains(.user) { flags |= EC_SET_USER }
    if !without.contains(.user) { flags |= EC_DROP_CAPABILITIES }
    if !without.contains(.seccomp) { flags |= EC_SECCOMP }
    if !without.contains(.landlock), host.landlock > 0 { flags |= EC_LANDLOCK }
    if launch.reportChannel { flags |= EC_REPORT_CHANNEL }
    if !without.contains(.descriptors) { flags |= EC_CLOSE_DESCRIPTORS }
    if launch.input.isEmpty { flags |= EC_NULL_INPUT }
    if launch.learning != nil { flags |= EC_LEARN }
    if host.isolation == .landlock { flags |= EC_BARE }
    if host.isolation == .userNamespace, !without.contains(.root) { flags |= EC_REPLACE_PROC }
    if hasLoopback(launch) { flags |= EC_LOOPBACK }
    return flags
  }

  private static func confineFiles(_ writer: inout PlanWriter, _ launch: Launch, version: Int64) {
    let files = LandlockRights.files(version)
    writer.plan.landlock_files = files
    // With a loopback interface ports are the run's own affair.
    writer.plan.landlock_network = hasLoopback(launch) ? 0 : LandlockRights.network(version)
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

  static func checkPaths(_ launch: Launch) throws(LaunchFailure) {
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
    // At every level, so that one script serves all of them.
    all["EDGECODER_WORK"] = launch.mountPoint
    if let tests = launch.readOnly.first(where: { $0.path == "/tests" }) {
      all["EDGECODER_TESTS"] = tests.path
    }
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
