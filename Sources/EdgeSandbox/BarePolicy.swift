/// The calls of a profile where there are no namespaces: without those that reach something outside
/// that Landlock says nothing of. What is taken away falls to the default, so that a run that
/// wanted it is told of in `denied`.
enum BarePolicy {
  /// As it counts on a machine: elsewhere the profile's own.
  static func of(_ policy: SyscallPolicy, on host: SandboxHost) -> SyscallPolicy {
    host.isolation == .landlock
      ? narrowed(policy, sharesUser: !host.hasSlotUsers) : policy
  }

  /// - Parameter sharesUser: true where programs have the worker's own user.
  static func narrowed(_ policy: SyscallPolicy, sharesUser: Bool) -> SyscallPolicy {
    let gone = sharesUser ? removed.union(removedOfUser) : removed
    let limits = sharesUser ? narrow.merging(narrowOfUser) { $1 } : narrow
    var rules: [SyscallPolicy.Rule] = []
    for rule in policy.rules {
      guard rule.action == .allow else {
        rules.append(rule)
        continue
      }
      var kept = rule
      kept.names.removeAll { gone.contains($0) || answers[$0] != nil || limits[$0] != nil }
      if !kept.names.isEmpty { rules.append(kept) }
      for name in rule.names where !gone.contains(name) && answers[name] == nil {
        for choice in limits[name] ?? [] {
          guard let arguments = joined(rule.arguments, choice, of: name) else { continue }
          rules.append(
            SyscallPolicy.Rule(
              names: [name], action: .allow, arguments: arguments, why: rule.why))
        }
      }
    }
    // Libraries take this for a file system that has none, and go on.
    let answered = answers.keys.filter { policy.allowed.contains($0) }.sorted()
    for name in answered {
      rules.append(
        SyscallPolicy.Rule(
          names: [name], action: .error(answers[name] ?? 1), arguments: [],
          why: "No rule of Landlock is about it, so that it would answer for every file."))
    }
    return SyscallPolicy(
      rules: rules, kill: policy.kill, defaultAction: policy.defaultAction,
      notices: policy.notices, contradictions: policy.contradictions)
  }

  /// Sockets of the machine have paths that anybody may connect to, and there is no network
  /// namespace; objects of System V and message queues are the machine's without an own namespace
  /// of them; a file system is flushed for all.
  static let removed: Set<String> = [
    "socket", "socketcall", "bind", "connect", "listen", "accept", "accept4",
    "shmget", "shmat", "shmctl", "shmdt", "semget", "semop", "semtimedop", "semtimedop_time64",
    "semctl", "msgget", "msgsnd", "msgrcv", "msgctl", "ipc", "mq_open", "mq_unlink",
    "mq_timedsend", "mq_timedsend_time64", "mq_timedreceive", "mq_timedreceive_time64", "mq_notify",
    "mq_getsetattr", "sync", "syncfs", "inotify_init", "inotify_init1", "inotify_add_watch",
  ]

  /// What changes the machine's files of the same user, wherever they lie, without opening them.
  static let removedOfUser: Set<String> = [
    "chmod", "fchmodat", "fchmodat2", "chown", "chown32", "lchown", "lchown32", "fchownat", "utime",
    "utimes", "futimesat", "setxattr", "lsetxattr", "removexattr", "lremovexattr", "setxattrat",
    "removexattrat", "file_setattr", "process_madvise", "process_mrelease", "migrate_pages",
    "move_pages",
  ]

  /// EOPNOTSUPP: extended attributes of files that cannot be opened.
  static let answers: [String: UInt16] = [
    "getxattr": 95, "lgetxattr": 95, "listxattr": 95, "llistxattr": 95,
  ]

  private typealias Arguments = [SyscallPolicy.Argument]

  private static func equal(_ index: UInt32, _ value: UInt64) -> SyscallPolicy.Argument {
    SyscallPolicy.Argument(index: index, value: value, second: 0, comparison: .equal)
  }

  /// AF_UNIX 1; SOCK_STREAM 1 and SOCK_SEQPACKET 5 are connected for good, a datagram goes to any
  /// path. The type has flags above its low four bits.
  private static let narrow: [String: [Arguments]] = [
    "socketpair": [1, 5].map { [equal(0, 1), .masked(1, 15, $0)] }
  ]

  /// One's own process, which 0 stands for; PRIO_PROCESS 0, IOPRIO_WHO_PROCESS 1. Times of an open
  /// file, whose path is 0.
  private static let narrowOfUser: [String: [Arguments]] = {
    let own: [Arguments] = [[equal(0, 0)]]
    return [
      "setpriority": [[equal(0, 0), equal(1, 0)]], "ioprio_set": [[equal(0, 1), equal(1, 0)]],
      "sched_setaffinity": own, "sched_setscheduler": own, "sched_setparam": own,
      "sched_setattr": own, "prlimit64": own, "utimensat": [[equal(1, 0)]],
      "utimensat_time64": [[equal(1, 0)]],
    ]
  }()

  /// All comparisons of both, without saying anything twice; nil where both speak of the same
  /// argument in different ways, and nothing is allowed then.
  private static func joined(_ rule: Arguments, _ more: Arguments, of name: String) -> Arguments? {
    var arguments = rule
    for argument in more {
      let isWord = ArgumentWidths.isWord(name, argument.index)
      guard let place = rule.firstIndex(where: { $0.index == argument.index }) else {
        arguments.append(argument)
        continue
      }
      guard rule[place].alternatives(isWord: isWord) == argument.alternatives(isWord: isWord)
      else { return nil }
    }
    return arguments
  }
}
