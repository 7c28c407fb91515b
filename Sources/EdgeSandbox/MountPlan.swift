internal import CJailPlan
internal import EdgeJob
internal import EdgeSystem
internal import Glibc

/// What one run mounts over its template: its processes, its workspace, its read-only directories.
struct MountPlan: ~Copyable {
  /// Descriptors for the jail, in the order of their numbers; owned.
  private(set) var descriptors: [Int32] = []
  private(set) var expected: [String: Bool] = [:]

  /// Where a kernel that cannot copy a detached mount has the whole workspace for a moment.
  static let staging = ".workspace"

  deinit { for raw in descriptors { close(raw) } }

  /// Which read-only directories the template itself has to bind, because this process may not
  /// make a detached mount of them.
  static func bound(_ launch: Launch, host: SandboxHost, workspace: borrowing Workspace)
    throws(LaunchFailure) -> [TemplatePlan.Bound]
  {
    if host.isolation != .userNamespace { return [] }
    var bound: [TemplatePlan.Bound] = []
    for item in launch.readOnly {
      let status = try identity(item)
      if status.device == workspace.device { continue }
      bound.append(
        .init(
          source: DetachedTree.path(of: item.descriptor), target: item.path,
          device: status.device, inode: status.inode))
    }
    return bound
  }

  /// Writes all operations in order.
  mutating func write(
    into writer: inout PlanWriter, _ launch: Launch, host: SandboxHost,
    workspace: borrowing Workspace
  ) throws(LaunchFailure) {
    // Before the workspace, so that nothing in it can stand in the way of the fresh /proc.
    if !launch.without.contains(.processTable) {
      let options =
        launch.profile.view.wholeProc ? "hidepid=invisible" : "hidepid=invisible,subset=pid"
      writer.add(EC_OP_PROC, source: options, target: "/proc")
      expected["/proc"] = false
    }
    try showWorkspace(&writer, launch, host, workspace)
    for item in launch.readOnly where host.isPrivileged {
      let status = try MountPlan.identity(item)
      if status.device == workspace.device { continue }
      let copy = DetachedTree.copy(of: item.descriptor)
      guard copy >= 0 else {
        throw LaunchFailure(stage: "mount", errno: errno, subject: item.path)
      }
      writer.add(EC_OP_MOUNT, target: item.path, flags: EC_READ_ONLY, fd: number(copy))
      expected[item.path] = true
    }
  }

  /// The number under which the jail has a descriptor, which is ours from now on.
  private mutating func number(_ raw: Int32) -> Int32 {
    descriptors.append(raw)
    return EC_MOUNTS + Int32(descriptors.count) - 1
  }

  private mutating func showWorkspace(
    _ writer: inout PlanWriter, _ launch: Launch, _ host: SandboxHost,
    _ workspace: borrowing Workspace
  ) throws(LaunchFailure) {
    let whole = number(try workspace.tree(copied: host.copiesDetached).release())
    var places = [
      ("tmp", "/tmp", false), (workspace.workName, launch.mountPoint, false),
      ("shm", "/dev/shm", false),
    ]
    if launch.without.contains(.root) {
      places.removeAll { $0.0 == "tmp" || $0.0 == "shm" }
    }
    for path in launch.writableDirectories {
      let name = Workspace.name(ofWritable: path)
      do { try workspace.root.ensureDirectory(name, mode: 0o777) } catch {
        throw LaunchFailure(stage: "workspace", errno: error.errno, subject: error.subject)
      }
      places.append((name, path, false))
    }
    for item in launch.readOnly {
      let status = try MountPlan.identity(item)
      guard status.device == workspace.device else { continue }
      places.append((try workspace.nameOfArea(inode: status.inode), item.path, true))
    }
    for (_, path, isReadOnly) in places { expected[path] = isReadOnly }
    if host.copiesDetached {
      for (name, path, isReadOnly) in places {
        writer.add(
          EC_OP_COPY, source: name, target: path, flags: isReadOnly ? EC_READ_ONLY : 0, fd: whole)
      }
      return
    }
    let staging = launch.without.contains(.root) ? "tmp" : MountPlan.staging
    writer.add(EC_OP_MOUNT, target: staging, fd: whole)
    for (name, path, isReadOnly) in places {
      writer.add(
        EC_OP_BIND, source: "\(staging)/\(name)", target: path,
        flags: isReadOnly ? EC_READ_ONLY : 0)
    }
    if !launch.without.contains(.root) { writer.add(EC_OP_DETACH, target: staging) }
  }

  private static func identity(_ item: Launch.ReadOnly) throws(LaunchFailure) -> FileIdentity {
    guard let identity = FileIdentity(item.descriptor) else {
      throw LaunchFailure(stage: "mount", errno: errno, subject: item.path)
    }
    return identity
  }
}
