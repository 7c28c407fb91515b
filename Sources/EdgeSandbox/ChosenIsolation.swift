internal import CLinux
internal import Glibc

/// What keeps runs apart on this machine, found by trying: files below /proc/sys know nothing of
/// the filter and the modules that a container may lie under.
struct ChosenIsolation {
  let isolation: SandboxHost.Isolation
  let hasSlotUsers: Bool
  /// For people.
  let note: String

  /// The lowest ABI of Landlock that keeps signals inside (Linux 6.12).
  static let landlockMin: Int64 = 6

  // CAP_CHOWN 0, DAC_OVERRIDE 1, FOWNER 3, KILL 5, SETGID 6, SETUID 7, SETPCAP 8, SYS_ADMIN 21.
  private static let ofSlots = [0, 5, 6, 7, 8, 21]
  /// Without namespaces the files of a workspace are those of another user all the time.
  private static let ofSlotUsers = [0, 1, 3, 5, 6, 7, 8]

  /// - Parameters:
  ///   - wanted: nil = the strongest that works.
  ///   - mask: this process's effective capabilities.
  /// - Throws: stage `probe` where nothing works.
  static func choose(_ wanted: SandboxHost.Isolation?, capabilities mask: UInt64, landlock: Int64)
    throws(LaunchFailure) -> ChosenIsolation
  {
    func has(_ numbers: [Int]) -> Bool { numbers.allSatisfy { mask >> $0 & 1 == 1 } }
    var problems: [String] = []
    for isolation in SandboxHost.Isolation.allCases where wanted == nil || wanted == isolation {
      let problem: String?
      let hasSlotUsers: Bool
      switch isolation {
      case .slots:
        hasSlotUsers = true
        problem = has(ofSlots) ? trial(user: false) : "not privileged"
      case .userNamespace:
        hasSlotUsers = false
        problem = trial(user: true)
      case .landlock:
        hasSlotUsers = has(ofSlotUsers)
        problem = objection(landlock, hasSlotUsers: hasSlotUsers)
      }
      if let problem {
        problems.append(problem)
      } else {
        return ChosenIsolation(
          isolation: isolation, hasSlotUsers: hasSlotUsers,
          note: isolation == .landlock ? problems.joined(separator: "; ") : "")
      }
    }
    throw LaunchFailure(
      stage: "probe", errno: 0, subject: "user: \(problems.joined(separator: "; "))",
      hint: "Run as root, allow user namespaces, or use Linux 6.12 or newer for the level without.")
  }

  /// What namespaces fail with; nil where they work.
  private static func trial(user: Bool) -> String? {
    let failure = ec_try_namespaces(user ? 1 : 0)
    if failure == 0 { return nil }
    let reason = failure > 0 ? ErrorText.of(failure) : "the trial was killed"
    return "\(user ? "user namespaces" : "namespaces") do not work here (\(reason))"
  }

  private static func objection(_ landlock: Int64, hasSlotUsers: Bool) -> String? {
    if landlock < landlockMin {
      return "Landlock \(landlockMin) is needed where there are no namespaces, here is \(landlock)"
    }
    // The kernel does not limit the superuser's processes, and the system's files are his.
    if geteuid() == 0, !hasSlotUsers {
      return "the superuser needs CHOWN, DAC_OVERRIDE, FOWNER, KILL, SETGID, SETUID and SETPCAP"
    }
    return nil
  }

  /// How users and runs are told apart.
  var finding: SandboxHost.Finding {
    let mechanism =
      switch isolation {
      case .slots: "user of the slot"
      case .userNamespace: "user namespace"
      case .landlock: hasSlotUsers ? "user of the slot, no namespaces" : "the worker's own user"
      }
    return SandboxHost.Finding(property: "user", mechanism: mechanism, ok: true, note: note)
  }
}

extension SandboxHost.Isolation {
  /// The rungs of the ladder that this isolation stands on, for people.
  var findings: [SandboxHost.Finding] {
    let isWhole = self != .landlock
    let rows = [
      ("fileSystem", "private root", "Landlock view", "names and sizes of all files are visible"),
      ("kill", "pid namespace", "subreaper and signal scope", "the process table is the machine's"),
      ("network", "network namespace", "socket(2) denied", "no network namespace"),
      ("ipc", "ipc namespace", "calls denied", "no ipc namespace"),
      ("disk", "tmpfs quota", "watched", "a program can be some blocks beyond its limit"),
    ]
    return rows.map { property, whole, weaker, note in
      SandboxHost.Finding(
        property: property, mechanism: isWhole ? whole : weaker, ok: isWhole,
        note: isWhole ? "" : note)
    }
  }
}
