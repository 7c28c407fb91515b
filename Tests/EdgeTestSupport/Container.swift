internal import EdgeSystem
internal import Glibc

/// A container as Docker starts one by default, made by crun: namespaces of its own, Docker's
/// system-call filter, and no way to make namespaces inside. The machine's files are its root.
package enum Container {
  /// Who a program in it is.
  package enum User: String, Sendable {
    /// 65532, without any capability; nobody else's number here, since limits count all of a user.
    case nobody
    /// The superuser with the capabilities that Docker leaves him.
    case root
  }

  /// True where one can be made here.
  package static let isAvailable: Bool =
    getuid() == 0 && programPath("crun") != nil && programPath("unshare") != nil
    && access(filter, R_OK) == 0 && (try? run("/bin/true", as: .nobody))?.status == 0

  private static var filter: String {
    RepositoryRoot.path + "/../shared/data/seccomp/docker-default.json"
  }

  /// As `runProgram`.
  package static func run(
    _ path: String, _ arguments: [String] = [], as user: User, environment: [String] = [],
    seconds: Int = 60
  ) throws -> ProgramResult {
    let folder = TemporaryDirectory()
    try folder.open().makeDirectory("root", mode: 0o755)
    let made = try Python.run(
      configuration, [folder.path, filter, user.rawValue, path] + arguments,
      input: Array(environment.joined(separator: "\0").utf8))
    guard made.status == 0 else { throw ProgramError(description: "\(made)") }
    let state = ["--cgroup-manager=disabled", "--root", folder.path("state")]
    let name = String(folder.path.split(separator: ".").last ?? "container")
    do {
      // crun refuses a machine that has both versions of control groups, so one is hidden from it.
      return try runProgram(
        "unshare",
        [
          "--mount", "--propagation", "private", "sh", "-c",
          """
          umount /sys/fs/cgroup/unified 2>/dev/null
          mount --rbind / "$0/root" && mount --make-rprivate "$0/root" && exec "$@"
          """, folder.path, "crun",
        ] + state + ["run", "--bundle", folder.path, name],
        environment: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        seconds: seconds)
    } catch {
      _ = try? runProgram("crun", state + ["delete", "--force", name])
      throw error
    }
  }

  /// Writes config.json of the OCI runtime specification; Docker's rules are those that its
  /// conditions leave for these capabilities.
  private static let configuration = """
    import json, os, sys
    folder, rules, user, *words = sys.argv[1:]
    names = "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP"
    names += " NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE"
    caps = ["CAP_" + name for name in names.split()] if user == "root" else []
    with open(rules, encoding="utf-8") as file:
        docker = json.load(file)
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine)
    def holds(rule):
        wanted, unwanted = rule.get("includes", {}), rule.get("excludes", {})
        return (all(cap in caps for cap in wanted.get("caps", []))
                and not any(cap in caps for cap in unwanted.get("caps", []))
                and machine in wanted.get("arches", [machine])
                and machine not in unwanted.get("arches", []))
    kept = ("names", "action", "args", "errnoRet")
    calls = [{key: rule[key] for key in kept if rule.get(key)}
             for rule in docker["syscalls"] if holds(rule)]
    own = "SCMP_ARCH_" + os.uname().machine.upper()
    architectures = [own] + [
        other for entry in docker["archMap"] if entry["architecture"] == own
        for other in entry["subArchitectures"] or []]
    number = 0 if user == "root" else 65532
    mounts = [{"destination": "/proc", "type": "proc", "source": "proc"},
              {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
               "options": ["nosuid", "mode=755", "size=64m"]},
              {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
               "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=64m"]}]
    if not words[0].startswith("/tmp/"):
        mounts.append({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs",
                       "options": ["mode=1777"]})
    config = {
        "ociVersion": "1.0.0", "hostname": "container", "mounts": mounts,
        "root": {"path": folder + "/root"},
        "process": {
            "terminal": False, "user": {"uid": number, "gid": number}, "cwd": "/",
            # Process 1 has to wait for orphans.
            "args": ["/bin/sh", "-c", '"$@"; exit $?', "sh"] + words,
            "env": sys.stdin.read().split("\\0"),
            "capabilities": {kind: caps for kind in ("bounding", "effective", "permitted")}},
        "linux": {
            "namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")],
            "maskedPaths": ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list",
                            "/proc/sched_debug", "/proc/scsi", "/sys/firmware"],
            "readonlyPaths": ["/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                              "/proc/sysrq-trigger"],
            "seccomp": {"defaultAction": docker["defaultAction"], "defaultErrnoRet": 1,
                        "architectures": architectures,
                        "syscalls": calls}}}
    with open(folder + "/config.json", "w", encoding="utf-8") as out:
        json.dump(config, out)
    """
}
