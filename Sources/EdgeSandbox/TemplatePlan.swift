internal import CJailPlan
internal import EdgeJob
internal import EdgeSystem
internal import Glibc

/// What two runs must have in common so that one jail can start both.
struct TemplateKey: Hashable, Sendable {
  var profile: Digest
  var learning: Learning?
  var mountPoint: String
  var writableDirectories: [String]
  /// Where read-only directories appear; with those of the machine that have to be bound.
  var readOnly: [String]
  var bound: [TemplatePlan.Bound]
  var warm: WarmStart?
  /// On which it runs; none = on all.
  var processors: [Int]
  var without: Set<Layer>
  var failingStage: Int32
}

/// The place where runs are started: the system's directories, devices and accounts, and the mount
/// points for what each run brings.
struct TemplatePlan: Sendable {
  private(set) var bytes: [UInt8]
  let filters: StageFilters?
  /// Numbers of calls that end a run, and what other denied calls are answered with.
  let kills: [Int32]
  let deniedError: Int32
  /// Mount points inside → true where read-only, as /proc/self/mountinfo shows them.
  private(set) var expected: [String: Bool] = ["/": true]
  /// Mount points that appear only where device nodes cannot be made.
  private(set) var optional: Set<String> = []
  private var sources: [String] = []
  private let launch: Shape

  /// A directory of the machine that is bound by its path and checked by its inode.
  struct Bound: Hashable, Sendable {
    var source: String
    var target: String
    var device: UInt64
    var inode: UInt64
  }

  /// The parts of a launch that matter here.
  private struct Shape: Sendable {
    var profile: SandboxProfile
    var without: Set<Layer>
  }

  /// - Parameter environment: of the first run; where it is the same, a warm interpreter's copies
  ///   have nothing to change.
  init(
    sandbox: Sandbox, launch: Launch, key: TemplateKey, environment: [String], groups: Int
  ) throws(LaunchFailure) {
    let host = sandbox.host
    let without = launch.without
    self.launch = Shape(profile: launch.profile, without: without)
    let policy = TemplatePlan.policy(launch, host)
    let filter = try TemplatePlan.filter(launch, policy)
    filters = filter.map { StageFilters($0, allowing: policy.always) }
    kills = filter?.kills ?? []
    deniedError = filter?.defaultErrno ?? EPERM
    var writer = PlanWriter(kind: EC_KIND_TEMPLATE)
    let user = without.contains(.user) ? host.user : sandbox.user
    let group = without.contains(.user) ? host.group : sandbox.group
    bytes = []
    let isBare = host.isolation == .landlock
    if !isBare, !without.contains(.root) {
      try showSystem(&writer)
      writeAccounts(&writer, user: user, group: group)
      showDevices(&writer)
      makeMountPoints(&writer, key)
    }
    if !isBare { showMachineProcesses(&writer, host) }
    for bound in key.bound { bind(&writer, bound) }
    writer.plan.flags = TemplatePlan.flags(launch, host: host, listens: filter?.listens ?? false)
    writer.plan.failing_stage = UInt32(launch.failingStage)
    writer.plan.groups = UInt32(groups)
    writer.plan.namespaces = isBare ? 0 : TemplatePlan.namespaces(launch, host: host)
    writer.plan.outer_uid = host.user
    writer.plan.outer_gid = host.group
    writer.plan.uid = user
    writer.plan.gid = group
    writer.plan.mount_point = writer.text(
      isBare ? "" : try TemplatePlan.place(avoiding: sources))
    writer.plan.host_name = writer.text("task")
    writer.plan.root_options = writer.text("size=1m,nr_inodes=1k,mode=755")
    let started = key.warm?.write(into: &writer, path: launch.profile.path)
    bytes = writer.finish(
      arguments: started?.arguments ?? [], environment: key.warm == nil ? [] : environment,
      programs: started?.programs ?? [], filter: filters?.first ?? [])
  }

  // CLONE_NEWNS, NEWUTS, NEWIPC; NEWCGROUP; NEWNET; NEWUSER.
  private static func namespaces(_ launch: Launch, host: SandboxHost) -> UInt64 {
    0x0C02_0000 | (launch.without.contains(.user) ? 0 : 0x0200_0000)
      | (launch.without.contains(.network) ? 0 : 0x4000_0000)
      | (host.isPrivileged ? 0 : 0x1000_0000)
  }

  private static func flags(_ launch: Launch, host: SandboxHost, listens: Bool) -> UInt32 {
    let without = launch.without
    var flags: UInt32 = 0
    if host.isolation == .userNamespace { flags |= EC_USER_NAMESPACE }
    if host.isolation == .landlock { flags |= EC_BARE }
    if !without.contains(.user) { flags |= EC_DROP_CAPABILITIES }
    if !without.contains(.seccomp) { flags |= EC_SECCOMP | (listens ? EC_LISTENER : 0) }
    if without.contains(.root) { flags |= EC_HOST_ROOT }
    if launch.learning != nil { flags |= EC_LEARN }
    return flags
  }

  private static func policy(_ launch: Launch, _ host: SandboxHost) -> SyscallPolicy {
    launch.learning?.policy ?? BarePolicy.of(launch.profile.policy, on: host)
  }

  private static func filter(_ launch: Launch, _ policy: SyscallPolicy) throws(LaunchFailure)
    -> SeccompFilter?
  {
    if launch.without.contains(.seccomp) { return nil }
    if let name = policy.missingForLaunch {
      throw LaunchFailure(
        stage: "profile", errno: 0,
        subject: "\(launch.profile.name) does not allow \(name), so nothing can be started with it")
    }
    return try SeccompFilter.of(policy, reporting: true)
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

  private func operation(
    _ writer: inout PlanWriter, _ kind: UInt32, source: String = "", target: String,
    flags: UInt32 = 0, mode: UInt32 = 0, device: UInt64 = 0, inode: UInt64 = 0
  ) {
    writer.add(
      kind, source: source, target: target, flags: flags, mode: mode, device: device, inode: inode)
  }

  private mutating func showSystem(_ writer: inout PlanWriter) throws(LaunchFailure) {
    let view = launch.profile.view
    for path in view.required + view.optional {
      var info = stat()
      guard lstat(path, &info) == 0 else {
        if view.optional.contains(path) { continue }
        throw LaunchFailure(
          stage: "file system", errno: errno, subject: path,
          hint: "The profile \(launch.profile.name) needs this path on the machine.")
      }
      if info.st_mode & S_IFMT == S_IFLNK {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink(path, &buffer, buffer.count)
        let link = buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }
        operation(
          &writer, EC_OP_LINK, source: String(decoding: link, as: UTF8.self), target: path)
      } else {
        operation(
          &writer, EC_OP_BIND, source: path, target: path, flags: EC_READ_ONLY | EC_RECURSIVE)
        expected[path] = true
        sources.append(path)
      }
    }
  }

  /// Accounts and names as a program expects them, and nothing of the machine's own.
  private mutating func writeAccounts(_ writer: inout PlanWriter, user: UInt32, group: UInt32) {
    let home = launch.profile.environment.fixed["HOME"] ?? "/tmp"
    let files: [(String, String)] = [
      (
        "/etc/passwd",
        """
        root:x:0:0:root:/root:/usr/sbin/nologin
        task:x:\(user):\(group):task:\(home):/bin/sh
        nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin

        """
      ),
      ("/etc/group", "root:x:0:\ntask:x:\(group):\nnogroup:x:65534:\n"),
      ("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"),
      ("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"),
      ("/etc/hostname", "task\n"),
    ]
    for (path, content) in files {
      operation(&writer, EC_OP_FILE, source: content, target: path, mode: 0o444)
    }
    operation(
      &writer, EC_OP_LINK, source: "/usr/share/zoneinfo/Etc/UTC", target: "/etc/localtime")
  }

  private mutating func showDevices(_ writer: inout PlanWriter) {
    let devices: [(String, UInt64)] = [
      ("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9),
    ]
    for (name, minor) in devices {
      optional.insert("/dev/\(name)")
      // makedev(3) with the major number 1 of memory devices.
      operation(
        &writer, EC_OP_DEVICE, source: "/dev/\(name)", target: "/dev/\(name)", mode: 0o666,
        device: 1 << 8 | minor)
    }
    for (name, target) in [
      ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"),
      ("stderr", "/proc/self/fd/2"),
    ] {
      operation(&writer, EC_OP_LINK, source: target, target: "/dev/\(name)")
    }
  }

  /// Empty directories that each run's mounts cover; the root is read-only when they come.
  private func makeMountPoints(_ writer: inout PlanWriter, _ key: TemplateKey) {
    for path in ["/proc", "/tmp", "/dev/shm", "/" + MountPlan.staging, "/.proc", key.mountPoint]
      + key.writableDirectories + key.readOnly
    {
      operation(&writer, EC_OP_DIRECTORY, target: path, mode: 0o755)
    }
  }

  /// The machine's own processes: where that layer is left away; and in a user namespace, where the
  /// kernel shows a fresh /proc only to who sees another one whole.
  private mutating func showMachineProcesses(_ writer: inout PlanWriter, _ host: SandboxHost) {
    let isShown = launch.without.contains(.processTable)
    guard isShown || !(host.isPrivileged || launch.without.contains(.root)) else { return }
    operation(&writer, EC_OP_BIND, source: "/proc", target: "/proc", flags: EC_RECURSIVE)
    if isShown { expected["/proc"] = false }
  }

  private mutating func bind(_ writer: inout PlanWriter, _ bound: Bound) {
    sources.append(bound.source)
    operation(
      &writer, EC_OP_BIND, source: bound.source, target: bound.target,
      flags: EC_READ_ONLY | EC_RECURSIVE, device: bound.device, inode: bound.inode)
    expected[bound.target] = true
  }
}
