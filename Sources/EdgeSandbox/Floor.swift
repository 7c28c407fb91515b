internal import EdgeJob

extension Sandbox {
  /// Throws where this machine is below what a profile requires.
  func check(_ profile: SandboxProfile) throws(LaunchFailure) {
    let (floor, name) = (profile.floor, profile.name)
    let controllers: [(String, Bool, GroupTree.Controller)] = [
      ("memory", floor.memoryTree, .memory), ("processes", floor.processesTree, .pids),
      ("cpu", floor.cpuTree, .cpuacct),
    ]
    for (property, isRequired, controller) in controllers
    where isRequired && host.groups?.places[controller] == nil {
      throw LaunchFailure(
        stage: "require \(property)", errno: 0,
        subject: "the profile \(name) needs a control group with \(controller.rawValue)",
        hint: "Run as root, delegate a control group, or use a profile that accepts rlimits.")
    }
    if host.landlock < floor.landlock {
      throw LaunchFailure(
        stage: "require landlock", errno: 0,
        subject: "the profile \(name) needs Landlock \(floor.landlock), here is \(host.landlock)",
        hint: "Use a newer kernel, or a profile with a lower requirement.")
    }
    guard host.isolation == .landlock else { return }
    for (property, accepts, rung) in floor.rungs where !accepts {
      throw LaunchFailure(
        stage: "require \(property)", errno: 0,
        subject: "the profile \(name) needs a \(rung), and there are no namespaces here",
        hint: "Allow namespaces, or use a profile that accepts the weaker mechanism.")
    }
    if profile.network == .loopback {
      throw LaunchFailure(
        stage: "require network", errno: 0,
        subject: "the profile \(name) grants a loopback interface of its own",
        hint: "Without a network namespace there is none: allow namespaces on this machine.")
    }
  }

  /// As for its profile; without namespaces, a launch finds everything where it really is.
  func check(_ launch: Launch) throws(LaunchFailure) {
    try check(launch.profile)
    guard host.isolation == .landlock else { return }
    if launch.mountPoint != Launch.defaultMountPoint {
      throw LaunchFailure(
        stage: "require fileSystem", errno: 0, subject: "the mount point \(launch.mountPoint)",
        hint: "Nothing can be mounted here: allow namespaces on this machine.")
    }
    if launch.learning != nil {
      throw LaunchFailure(
        stage: "require network", errno: 0, subject: "learning lets calls through",
        hint: "Without namespaces calls are all that stands before the network: learn elsewhere.")
    }
  }
}

extension SandboxProfile.Floor {
  /// Properties that are weaker without namespaces: whether that is accepted, and what is not.
  fileprivate var rungs: [(String, Bool, String)] {
    [
      ("disk", !diskQuota, "file system with a quota"),
      ("fileSystem", !fileSystemPrivate, "private root"),
      ("kill", !killNamespace, "process namespace"),
      ("network", !networkNamespace, "network namespace"),
      ("ipc", !ipcNamespace, "namespace of objects"),
    ]
  }
}
