internal import EdgeJob

/// What holds during a run, in words for the receipt: property → mechanism and value.
enum EnforcedMap {
  static func of(
    _ sandbox: Sandbox, _ launch: Launch, _ workspace: borrowing Workspace,
    _ launcher: Launcher
  ) -> Enforced {
    var map = resources(sandbox, launch)
    let policy = BarePolicy.of(launch.profile.policy, on: sandbox.host)
    let off = launch.without
    if launcher.groups.has(.memoryLimit) {
      map["swap"] = launcher.groups.swapIsLimited ? "in the memory limit" : "not counted here"
    }
    let processors = launcher.key.processors
    if !processors.isEmpty {
      let version = launcher.groups.holdsProcessors ? sandbox.host.groups?.version.rawValue : nil
      let mechanism = version.map { "\($0) cpuset" } ?? "affinity, which a program can change:"
      map["cpus"] = "\(mechanism) \(processors.map(String.init).joined(separator: ","))"
    }
    map["disk"] = workspace.bytes > 0 ? "tmpfs size=\(workspace.bytes)" : "none"
    map["snapshot"] = workspace.isOverlaid ? "overlay, read-only below" : "own copy"
    map["files"] = workspace.files > 0 ? "tmpfs nr_inodes=\(workspace.files)" : "none"
    map["fileSystem"] = off.contains(.root) ? "none" : "private root, pivot_root, read-only system"
    map["processTable"] =
      off.contains(.processTable) ? "none" : "proc of the pid namespace, hidepid=invisible"
    map["network"] =
      off.contains(.network)
      ? "none"
      : launch.profile.network == .loopback
        ? "own network namespace, loopback" : "empty network namespace"
    map["ipc"] = "ipc namespace"
    map["kill"] = "pid namespace"
    if sandbox.host.isolation == .landlock { bare(&map, sandbox, launch, workspace) }
    map["syscalls"] =
      off.contains(.seccomp)
      ? "none"
      : launch.learning.map { "seccomp learning, \($0.refusals) refusals" }
        ?? "seccomp allow-list, \(policy.allowed.count) calls"
    map["landlock"] =
      off.contains(.landlock) || sandbox.host.landlock == 0
      ? "none" : "abi \(sandbox.host.landlock)"
    map["user"] =
      off.contains(.user)
      ? "none"
      : sandbox.host.hasSlotUsers
        ? "uid \(sandbox.user)"
        : sandbox.host.isolation == .landlock
          ? "the worker's own, uid \(sandbox.user)" : "user namespace, uid \(sandbox.user)"
    map["privileges"] = off.contains(.user) ? "no_new_privs" : "no_new_privs, no capabilities"
    map["environment"] = off.contains(.environment) ? "none" : "allow-list"
    if !launch.profile.warm.isEmpty {
      map["start"] = launcher.key.warm == nil ? "executed" : "copy of a warm interpreter"
    }
    if !off.isEmpty { map["without"] = off.map(\.rawValue).sorted().joined(separator: " ") }
    return map
  }

  /// What there is instead of namespaces.
  private static func bare(
    _ map: inout Enforced, _ sandbox: Sandbox, _ launch: Launch, _ workspace: borrowing Workspace
  ) {
    let off = launch.without
    let hasFilter = !off.contains(.seccomp)
    let isWatched = workspace.bytes > 0 && !off.contains(.watch)
    let size = launch.limits.diskBytes
    let parts = [
      off.contains(.rlimits) ? nil : "rlimit fsize", isWatched ? "watched \(size) bytes" : nil,
    ].compactMap(\.self)
    map["disk"] = parts.isEmpty ? "none" : parts.joined(separator: ", ")
    map["files"] = isWatched ? "watched \(launch.limits.files) names" : "none"
    map["snapshot"] = "own copy"
    map["fileSystem"] =
      off.contains(.landlock)
      ? "none" : "Landlock view of \(BareView.paths(launch.profile).count) paths"
    map["processTable"] = "the machine's, read-only"
    if off.contains(.landlock) { map["processTable"] = "the machine's" }
    map["network"] =
      hasFilter ? "none: no network namespace, socket(2) denied" : "none"
    map["ipc"] = hasFilter ? "none: no ipc namespace, calls denied" : "none"
    map["kill"] = "subreaper and signal scope"
    let isShared = !sandbox.host.hasSlotUsers && sandbox.host.groups?.places[.pids] == nil
    if isShared, !off.contains(.rlimits) {
      map["processes"] = "rlimit nproc of the worker's user, \(launch.limits.processes) more"
    }
  }

  private static func resources(_ sandbox: Sandbox, _ launch: Launch) -> Enforced {
    let limits = launch.limits
    let tree = launch.without.contains(.groups) ? nil : sandbox.host.groups
    let hasLimits = !launch.without.contains(.rlimits)
    let watches = !launch.without.contains(.watch)
    func mechanism(_ controller: GroupTree.Controller, _ fallback: String) -> String {
      if let tree, tree.places[controller] != nil {
        return "\(tree.version.rawValue) \(controller.rawValue)"
      }
      return hasLimits ? fallback : "none"
    }
    return [
      "memory": "\(mechanism(.memory, "rlimit data, per process")) \(limits.memoryBytes) bytes",
      "processes": "\(mechanism(.pids, "rlimit nproc")) \(limits.processes)",
      "cpu": "\(mechanism(.cpuacct, "rlimit cpu, per process")) \(limits.cpuMilliseconds) ms",
      "wall": watches ? "watch \(limits.wallMilliseconds) ms" : "none",
      "output": watches ? "watch \(limits.outputBytes) bytes each" : "none",
      "openFiles": hasLimits ? "rlimit nofile \(limits.openFiles)" : "none",
    ]
  }
}
