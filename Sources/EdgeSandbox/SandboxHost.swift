internal import CLinux
internal import EdgeSystem
internal import Glibc

/// What this machine offers; found out once.
package struct SandboxHost: Sendable {
  /// What keeps a run apart from the machine; the strongest that works here.
  package let isolation: Isolation
  /// True where this process may change users, so that programs of every slot run as a user of
  /// their own. Otherwise they have the worker's.
  package let hasSlotUsers: Bool
  /// The version of Landlock, 0 where there is none.
  package let landlock: Int64
  let groups: GroupTree?
  /// Those that this process may use, by number.
  let processors: [Int]
  /// True where those are all of the machine's.
  let hasWholeMachine: Bool
  /// Filters that this process itself is under, as in a container; programs inherit them.
  let filters: Int
  /// True where the kernel can copy directories of a detached mount (Linux 6.15).
  let copiesDetached: Bool
  /// True where a workspace can lie over a snapshot.
  let overlays: Bool
  package let findings: [Finding]
  let user: UInt32
  let group: UInt32

  /// True where this process may mount as well, so that no user namespace is needed.
  package var isPrivileged: Bool { isolation == .slots }

  /// From the strongest to the weakest.
  package enum Isolation: String, Sendable, CaseIterable {
    /// Namespaces that a privileged worker makes, with a user for each slot.
    case slots
    /// Namespaces below a user namespace that an ordinary user makes.
    case userNamespace
    /// No namespaces: Landlock and seccomp alone, as in a container.
    case landlock
  }

  /// One property, the mechanism that will enforce it, and whether it is there.
  package struct Finding: Hashable, Sendable {
    package let property: String
    package let mechanism: String
    package let ok: Bool
    package let note: String
  }

  /// - Throws: stage `probe` where no sandbox at all can be had here.
  package static func probe() throws(LaunchFailure) -> SandboxHost {
    try probe(useGroups: true)
  }

  /// - Parameters:
  ///   - useGroups: false in tests that want a machine without control groups.
  ///   - copiesDetached: false in tests that want an older kernel.
  ///   - isolation: nil = the strongest that works; tests ask for a weaker one.
  package static func probe(
    useGroups: Bool, copiesDetached: Bool = true, isolation wanted: Isolation? = nil
  )
    throws(LaunchFailure) -> SandboxHost
  {
    let abi = Int64(max(ec_landlock_abi(), 0))
    let choice = try ChosenIsolation.choose(wanted, capabilities: capabilities(), landlock: abi)
    let groups = useGroups ? GroupTree.probe() : nil
    var findings = [choice.finding, filter()]
    findings.append(
      Finding(
        property: "landlock", mechanism: abi > 0 ? "Landlock ABI \(abi)" : "none", ok: abi > 0,
        note: abi > 0 ? "" : "the kernel has no Landlock; other layers stay"))
    for (property, controller) in [
      ("memory", GroupTree.Controller.memory), ("processes", .pids), ("cpu", .cpuacct),
    ] {
      let place = groups?.places[controller]
      findings.append(
        Finding(
          property: property,
          mechanism: place.flatMap { _ in groups?.version.rawValue } ?? "rlimit",
          ok: place != nil,
          note: place ?? "no control group can be made; limits hold for each process alone"))
    }
    let set = groups?.places[.cpuset]
    findings.append(
      Finding(
        property: "cpus", mechanism: set.flatMap { _ in groups?.version.rawValue } ?? "affinity",
        ok: set != nil, note: set ?? "no control group can be made; a program can go elsewhere"))
    findings += choice.isolation.findings
    let isPrivileged = choice.isolation == .slots
    let processors = Processors.allowed()
    let copies = copiesDetached && isAtLeast(6, 15)
    let host = SandboxHost(
      isolation: choice.isolation, hasSlotUsers: choice.hasSlotUsers, landlock: abi,
      groups: groups, processors: processors,
      hasWholeMachine: processors.count >= Processors.ofMachine,
      filters: Int(field("Seccomp_filters:", in: "/proc/self/status") ?? "") ?? 0,
      copiesDetached: copies, overlays: copies && isPrivileged && canOverlay(),
      findings: findings,
      user: geteuid(), group: getegid())
    try host.requireBasics()
    if host.isolation == .landlock { WorkspacePlace.sweep() }
    return host
  }

  /// The property without a fallback is checked here; how runs are kept apart was found before.
  private func requireBasics() throws(LaunchFailure) {
    for finding in findings where !finding.ok && finding.property == "syscalls" {
      throw LaunchFailure(
        stage: "probe", errno: 0, subject: "\(finding.property): \(finding.note)",
        hint: "Run on a kernel that has seccomp filters with user notification.")
    }
  }

  /// By trying it.
  private static func canOverlay() -> Bool {
    let raw = ec_tmpfs(0, 0)
    guard raw >= 0 else { return false }
    // The mount is there as long as this descriptor is open.
    let top = Directory(owning: Descriptor(owning: raw), name: "trial")
    for name in ["lower", "upper", "work"] {
      if (try? top.makeDirectory(name, mode: 0o700)) == nil { return false }
    }
    guard let lower = try? top.directory("lower"), let upper = try? top.directory("upper"),
      let work = try? top.directory("work")
    else { return false }
    let made = ec_overlay(lower.raw, upper.raw, work.raw)
    if made >= 0 { close(made) }
    return made >= 0
  }

  private static func isAtLeast(_ major: Int, _ minor: Int) -> Bool {
    let numbers = (text("/proc/sys/kernel/osrelease") ?? "").split { !$0.isNumber }.prefix(2)
      .compactMap { Int($0) }
    return !numbers.lexicographicallyPrecedes([major, minor])
  }

  private static func capabilities() -> UInt64 {
    let line = field("CapEff:", in: "/proc/self/status")
    return UInt64(line ?? "0", radix: 16) ?? 0
  }

  private static func filter() -> Finding {
    let actions = text("/proc/sys/kernel/seccomp/actions_avail") ?? ""
    let ok = actions.contains("user_notif") && actions.contains("kill_process")
    return Finding(
      property: "syscalls", mechanism: "seccomp", ok: ok,
      note: ok ? "" : "the kernel lacks seccomp filters with user notification (Linux 5.0)")
  }

  private static func text(_ path: String) -> String? {
    let raw = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard raw >= 0 else { return nil }
    let file = Descriptor(owning: raw)
    return (try? file.read(atMost: 1 << 16)).map { String(decoding: $0, as: UTF8.self) }
  }

  private static func field(_ name: String, in path: String) -> String? {
    text(path)?.split(separator: "\n").first { $0.hasPrefix(name) }
      .flatMap { $0.split { $0 == "\t" || $0 == " " || $0 == ":" }.last.map(String.init) }
  }
}
