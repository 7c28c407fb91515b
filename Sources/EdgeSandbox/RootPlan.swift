internal import CJailPlan
internal import EdgeJob
internal import EdgeSystem
internal import Glibc

/// What the root of one run is made of: the operations for the jail, the detached mounts that go
/// with them, and what /proc/self/mountinfo has to show in the end.
struct RootPlan: ~Copyable {
  private(set) var mounts: [Int32] = []
  /// Mount points inside → true where read-only.
  private(set) var expected: [String: Bool] = [:]
  /// Mount points that appear only where device nodes cannot be made.
  private(set) var optional: Set<String> = []
  private(set) var sources: [String] = []
  private let launch: Launch
  private let isPrivileged: Bool

  init(launch: Launch, isPrivileged: Bool) {
    self.launch = launch
    self.isPrivileged = isPrivileged
  }

  deinit { for raw in mounts { close(raw) } }

  /// Writes all operations in order.
  mutating func write(
    into writer: inout PlanWriter, workspace: borrowing Workspace, user: UInt32, group: UInt32
  ) throws(LaunchFailure) {
    expected["/"] = true
    if !launch.without.contains(.root) {
      try showSystem(&writer)
      writeAccounts(&writer, user: user, group: group)
      showDevices(&writer)
    }
    // Before the workspace, so that nothing in it can stand in the way of the fresh /proc.
    showProcesses(&writer)
    try showWorkspace(&writer, workspace)
    try showReadOnly(&writer, workspace)
  }

  private mutating func operation(
    _ writer: inout PlanWriter, _ kind: UInt32, source: String = "", target: String,
    flags: UInt32 = 0, mode: UInt32 = 0, fd: Int32 = -1, device: UInt64 = 0, inode: UInt64 = 0
  ) {
    var operation = ec_operation()
    operation.kind = kind
    operation.flags = flags
    operation.source = writer.text(source)
    operation.target = writer.text(String(target.drop { $0 == "/" }))
    operation.length = UInt32(source.utf8.count)
    operation.mode = mode
    operation.fd = fd
    operation.device = device
    operation.inode = inode
    writer.add(operation)
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

  private mutating func showProcesses(_ writer: inout PlanWriter) {
    if launch.without.contains(.processTable) {
      operation(&writer, EC_OP_BIND, source: "/proc", target: "/proc", flags: EC_RECURSIVE)
    } else {
      let options =
        launch.profile.view.wholeProc ? "hidepid=invisible" : "hidepid=invisible,subset=pid"
      operation(&writer, EC_OP_PROC, source: options, target: "/proc")
    }
    expected["/proc"] = false
  }

  private mutating func showWorkspace(_ writer: inout PlanWriter, _ workspace: borrowing Workspace)
    throws(LaunchFailure)
  {
    let staging = launch.without.contains(.root) ? "/tmp" : "/.workspace"
    let tree = try workspace.tree()
    operation(&writer, EC_OP_MOUNT, target: staging, fd: EC_FD_MOUNTS + Int32(mounts.count))
    mounts.append(tree.release())
    var places = [("work", launch.mountPoint), ("tmp", "/tmp"), ("shm", "/dev/shm")]
    if launch.without.contains(.root) { places.removeLast(2) }
    for path in launch.writableDirectories {
      let name = Workspace.name(ofWritable: path)
      do { try workspace.root.ensureDirectory(name, mode: 0o777) } catch {
        throw LaunchFailure(stage: "workspace", errno: error.errno, subject: error.subject)
      }
      places.append((name, path))
    }
    for (name, path) in places {
      operation(&writer, EC_OP_BIND, source: "\(staging.dropFirst())/\(name)", target: path)
      expected[path] = false
    }
    inside = String(staging.dropFirst())
    try showAreas(&writer, workspace)
    if !launch.without.contains(.root) { operation(&writer, EC_OP_DETACH, target: staging) }
  }

  private var inside = ""

  /// Directories of the workspace itself: found by their place on it, and checked by inode.
  private mutating func showAreas(_ writer: inout PlanWriter, _ workspace: borrowing Workspace)
    throws(LaunchFailure)
  {
    for item in launch.readOnly {
      let status = try RootPlan.status(item)
      guard status.device == workspace.device else { continue }
      let area = try workspace.nameOfArea(inode: status.inode)
      operation(
        &writer, EC_OP_BIND, source: "\(inside)/\(area)", target: item.path, flags: EC_READ_ONLY,
        device: status.device, inode: status.inode)
      expected[item.path] = true
    }
  }

  /// Directories of the machine: as detached copies of their mounts where that is permitted,
  /// otherwise by their path, checked by inode.
  private mutating func showReadOnly(_ writer: inout PlanWriter, _ workspace: borrowing Workspace)
    throws(LaunchFailure)
  {
    for item in launch.readOnly {
      let status = try RootPlan.status(item)
      if status.device == workspace.device { continue }
      if isPrivileged {
        let copy = DetachedTree.copy(of: item.descriptor)
        guard copy >= 0 else {
          throw LaunchFailure(stage: "mount", errno: errno, subject: item.path)
        }
        operation(
          &writer, EC_OP_MOUNT, target: item.path, flags: EC_READ_ONLY,
          fd: EC_FD_MOUNTS + Int32(mounts.count))
        mounts.append(copy)
      } else {
        let source = DetachedTree.path(of: item.descriptor)
        sources.append(source)
        operation(
          &writer, EC_OP_BIND, source: source, target: item.path,
          flags: EC_READ_ONLY | EC_RECURSIVE, device: status.device, inode: status.inode)
      }
      expected[item.path] = true
    }
  }

  private static func status(_ item: Launch.ReadOnly) throws(LaunchFailure) -> FileIdentity {
    guard let identity = FileIdentity(item.descriptor) else {
      throw LaunchFailure(stage: "mount", errno: errno, subject: item.path)
    }
    return identity
  }
}
