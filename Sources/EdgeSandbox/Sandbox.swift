internal import CJailPlan
internal import CLinux
package import EdgeJob
internal import EdgeSystem
internal import Glibc
internal import Synchronization

/// Runs programs in sandboxes, one at a time; a worker has one value for each of its slots.
///
/// It keeps a few resident jails (`edgecoder-jail`), one for each kind of launch that it had last;
/// each starts one run after the other, and dies with everything in it when this process dies.
/// Blocks the calling thread.
package final class Sandbox: Sendable {
  package let host: SandboxHost
  /// Slots that one machine can have.
  package static let slotsMax = 4096

  /// The number of the slot; as root, its programs run as user and group 60000 + slot.
  package let slot: Int
  private let jail: String?
  private let made = Counter()
  private let mapping = Mutex<SlotMapping?>(nil)
  /// The one that was used last is the last.
  private let launchers = Mutex<[Launcher]>([])
  /// Kinds of launch that are kept: those of a run and of its verification, in two profiles.
  private static let launchersMax = 4
  private let expected = Mutex(ExpectedStarts())
  /// Bytes that a warm interpreter may take to start.
  private static let warmBytesMax: Int64 = 256 << 20

  /// - Parameters:
  ///   - jail: path of `edgecoder-jail`; nil = the one beside this program.
  ///   - slot: 0…4095. No two sandboxes of a machine that run at once may share a slot.
  package init(host: SandboxHost, jail: String? = nil, slot: Int = 0) {
    precondition((0..<Sandbox.slotsMax).contains(slot), "a slot has a user between 60000 and 64095")
    self.host = host
    self.jail = jail
    self.slot = slot
  }

  var user: UInt32 { host.hasSlotUsers ? 60000 + UInt32(slot) : host.user }
  var group: UInt32 { host.hasSlotUsers ? 60000 + UInt32(slot) : host.group }

  func jailPath() throws(LaunchFailure) -> String {
    if let jail { return jail }
    do { return try Executable.part("edgecoder-jail") } catch {
      throw LaunchFailure(
        stage: "jail", errno: error.errno, subject: error.subject,
        hint: "edgecoder-jail belongs beside the program, or in ../libexec/edgecoder.")
    }
  }

  /// A fresh file system with the disk limits; see `Workspace`.
  /// - Parameter without: tests alone; `.quota` leaves the size limits away.
  package func makeWorkspace(limits: Limits, profile: SandboxProfile, without: Set<Layer> = [])
    throws(LaunchFailure) -> Workspace
  {
    try check(profile)
    let hasQuota = !without.contains(.quota)
    // Our own directories take inodes, too.
    let bytes = hasQuota ? UInt64(limits.diskBytes) : 0
    let files = hasQuota ? UInt64(limits.files) + 32 : 0
    do {
      if host.isolation == .landlock {
        return try Workspace.make(
          WorkspacePlace(group: host.hasSlotUsers ? group : nil), user: user,
          isPrivileged: host.hasSlotUsers, bytes: bytes,
          files: hasQuota ? UInt64(limits.files) : 0)
      }
      let raw = host.isPrivileged ? ec_tmpfs(bytes, files) : try makeOutside(bytes, files)
      guard raw >= 0 else {
        throw LaunchFailure(stage: "workspace", errno: errno, subject: "tmpfs")
      }
      return try Workspace.make(
        Descriptor(owning: raw), user: user, isPrivileged: host.isPrivileged, bytes: bytes,
        files: files)
    } catch let error as SystemError {
      throw LaunchFailure(stage: "workspace", errno: error.errno, subject: error.subject)
    } catch let error as LaunchFailure {
      throw error
    } catch {
      throw LaunchFailure(stage: "workspace", errno: 0, subject: "\(error)")
    }
  }

  /// True where workspaces can lie over snapshots; elsewhere each gets its own copy of the files.
  package var hasSnapshots: Bool { host.overlays }

  /// Lays a workspace over a snapshot, with what has been put into it so far on top.
  package func lay(_ workspace: inout Workspace, over snapshot: Snapshot) throws(LaunchFailure) {
    precondition(hasSnapshots, "asked before")
    try mapping.withLock { mapping throws(LaunchFailure) in
      if mapping == nil { mapping = try SlotMapping.make(jail: try jailPath(), user: user) }
      switch mapping {
      case .some(let mapping): try workspace.lay(over: snapshot, as: mapping)
      case .none: break
      }
    }
  }

  /// Has the jail make the file system in a user namespace, and receives it.
  private func makeOutside(_ bytes: UInt64, _ files: UInt64) throws -> Int32 {
    var writer = PlanWriter(kind: EC_KIND_WORKSPACE)
    writer.plan.flags = EC_USER_NAMESPACE
    writer.plan.outer_uid = host.user
    writer.plan.outer_gid = host.group
    writer.plan.uid = host.user
    writer.plan.gid = host.group
    writer.plan.workspace_bytes = bytes
    writer.plan.workspace_inodes = files
    let jail = try Jail.start(try jailPath())
    try jail.order(writer.finish())
    return try jail.await { $0.descriptor != nil }.descriptor ?? -1
  }

  /// Runs one program to its end, and returns when everything that it started is dead.
  /// - Throws: where the program was not started; `LaunchFailure.isAboutTask` tells whose fault.
  package func run(_ launch: borrowing Launch, in workspace: borrowing Workspace)
    throws(LaunchFailure) -> RunReport
  {
    let started = Clocks.bootNanoseconds()
    let launch = copy launch
    try check(launch)
    try RunPlan.checkPaths(launch)
    try workspace.handOver()
    let names = try InsideNames(launch, in: workspace)
    let environment = names.environment(try RunPlan.environment(of: launch))
    let (launcher, mark) = try launcher(for: launch, workspace, environment)
    // Where the jail is, so that nobody has to start another processor to go on.
    Processors.move(to: launcher.key.processors)
    defer { if !launcher.key.processors.isEmpty { Processors.move(to: host.processors) } }
    let plan = try RunPlan(
      sandbox: self, launch: launch, names: names, environment: environment,
      workspace: workspace, launcher: launcher)
    let proof = plan.proof(of: launcher, host: host)
    var watch = try RunWatch(launch: launch, launcher: launcher, mark: mark)
    try watch.start(plan, owner: host.hasSlotUsers ? user : nil)
    let report = try watch.follow(
      proof: proof, workspace: workspace, started: started,
      enforced: EnforcedMap.of(self, launch, workspace, launcher))
    // Only a jail whose last run ended as it should starts another one.
    launchers.withLock { launchers in
      launchers.append(launcher)
      if launchers.count > Sandbox.launchersMax { launchers.removeFirst() }
    }
    return report
  }

  /// A jail for this kind of launch, with its limits set and its counters started: one that is
  /// there, or a new one.
  private func launcher(
    for launch: Launch, _ workspace: borrowing Workspace, _ environment: [String]
  ) throws(LaunchFailure) -> (Launcher, RunGroups.Mark) {
    // A copy enters the namespaces of its run.
    let warm =
      host.isolation == .landlock ? nil : WarmStart(launch, environment: environment)
    var key = TemplateKey(
      profile: launch.profile.digest, learning: launch.learning,
      mountPoint: launch.mountPoint,
      writableDirectories: launch.writableDirectories, readOnly: launch.readOnly.map(\.path),
      bound: try MountPlan.bound(launch, host: host, workspace: workspace), warm: warm,
      processors: processors(launch.limits.processors), without: launch.without,
      failingStage: launch.failingStage)
    // To start an interpreter for one run is slower than to execute it.
    if warm != nil, !expected.withLock({ $0.expects(key) }) { key.warm = nil }
    let memory = launch.limits.memoryBytes
    // The jail and init count, too, and a warm interpreter.
    let processes = launch.limits.processes + (key.warm == nil ? 2 : 3)
    let known = launchers.withLock { launchers in
      launchers.lastIndex { $0.key == key }.map { launchers.remove(at: $0) }
    }
    if let known, !known.jail.isGone,
      let mark = try known.groups.begin(memory: memory, processes: processes)
    {
      return (known, mark)
    }
    let groups = try makeGroups(launch, key.processors)
    let template = try TemplatePlan(
      sandbox: self, launch: launch, key: key, environment: environment,
      groups: groups.members.count)
    let room = key.warm == nil ? 0 : Sandbox.warmBytesMax
    guard let mark = try groups.begin(memory: memory + room, processes: processes) else {
      throw LaunchFailure(stage: "cgroup", errno: EBUSY, subject: "a new group is in use")
    }
    let launcher = try Launcher(
      path: try jailPath(), key: key, template: template, groups: groups)
    if key.warm == nil { return (launcher, mark) }
    launcher.groups.keep()
    guard let mark = try launcher.groups.begin(memory: memory, processes: processes) else {
      throw LaunchFailure(stage: "cgroup", errno: EBUSY, subject: "a new group is in use")
    }
    return (launcher, mark)
  }

  /// Those of this slot: the slots share out what this process may use.
  /// - Returns: none where all of the machine's are meant.
  private func processors(_ count: Int64) -> [Int] {
    let all = host.processors
    guard count < all.count else { return host.hasWholeMachine ? [] : all.sorted() }
    let first = slot * Int(count)
    return (first..<first + Int(count)).map { all[$0 % all.count] }.sorted()
  }

  private func makeGroups(_ launch: Launch, _ processors: [Int]) throws(LaunchFailure)
    -> RunGroups
  {
    guard let tree = host.groups, !launch.without.contains(.groups) else { return RunGroups() }
    return try RunGroups.make(
      tree, name: "edgecoder-\(ProcessID.own)-\(slot)-\(made.next())", processors: processors)
  }
}
