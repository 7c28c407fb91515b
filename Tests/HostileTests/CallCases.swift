import EdgeJob
import EdgeSandbox

/// 5.4: single system calls. Twins of calls that need a capability show that the kernel answers,
/// and where it is harmless that the call works with the capability.
extension HostileCase {
  static let calls =
    others + machine + namespaces + x86 + conventions + filters + ipc + networks + powers

  /// A call that ends the run, and is answered by the kernel where there is no filter.
  private static func killed(_ number: Int, _ name: String, _ twin: Expectation) -> HostileCase {
    HostileCase(number, ["call", name], .killed(name), .without([.seccomp], twin))
  }

  /// A call that fails with EPERM.
  private static func denied(_ number: Int, _ name: String, _ twins: Twin...) -> HostileCase {
    var attack = HostileCase(number, ["call", name], .denied("EPERM"))
    attack.twins = twins
    return attack
  }

  private static let others: [HostileCase] = [
    killed(57, "ptrace", .works),
    HostileCase(
      57, ["call", "ptrace-attach"], .killed("ptrace"), .without([.seccomp], .denied("EPERM"))),
    killed(57, "process_vm_readv", .works),
    killed(57, "process_vm_writev", .works),
    killed(57, "kcmp", .works),
    killed(57, "pidfd_getfd", .denied("EBADF")),
    killed(58, "keyctl", .works),
    killed(58, "add_key", .works),
    killed(58, "request_key", .denied("ENOKEY")),
  ]

  /// What changes the machine; answers depend on how the kernel was built.
  private static let machine: [HostileCase] =
    [
      "bpf", "perf_event_open", "userfaultfd", "lookup_dcookie", "kexec_load", "kexec_file_load",
      "init_module", "finit_module", "delete_module", "reboot", "swapon", "swapoff", "acct",
      "quotactl", "fanotify_init",
    ].map { killed(59, $0, .reachesTheKernel) }
    + [
      denied(
        59, "syslog", .without([.seccomp], .denied("EPERM").not(on: .userNamespace)),
        .without([.seccomp, .user], .works.not(on: .userNamespace))),
      killed(60, "io_uring_setup", .works),
      killed(60, "io_uring_enter", .denied("EBADF")),
      killed(60, "io_uring_register", .reachesTheKernel),
      HostileCase(
        60, ["call", "io_uring_setup"], .denied("EPERM"), .without([.seccomp])
      ).with { $0.profile = "base" },
    ]

  private static let namespaces: [HostileCase] =
    [
      "0x10000000", "0x20000", "0x20000000", "0x40000000", "0x8000000", "0x4000000", "0x2000000",
      "0x80",
    ].map { flag in
      HostileCase(
        61, ["unshare", flag], .killed("unshare"),
        // A namespace of users is for everybody, all others for who has the capability.
        .without([.seccomp], flag == "0x10000000" ? .works : .denied("EPERM")),
        .without([.seccomp, .user]))
    } + [
      HostileCase(61, ["clone-each"], .denied("EPERM"), .without([.seccomp])),
      HostileCase(62, ["clone-in-memory"], .denied("ENOSYS"), .without([.seccomp])),
    ]

  private static let foreign = Expectation.ends(.violation(syscall: "foreign architecture"))

  #if arch(x86_64)
    private static let x86: [HostileCase] = [
      HostileCase(63, ["old-gate"], foreign, .without([.seccomp])),
      HostileCase(63, ["call", "x32"], foreign, .without([.seccomp], .reachesTheKernel)),
      denied(67, "modify_ldt", .without([.seccomp])),
      killed(67, "iopl", .reachesTheKernel),
      killed(67, "ioperm", .reachesTheKernel),
    ]
  #else
    private static let x86 = [
      HostileCase(
        63, ["old-gate"], .prints(oneOf: "none"), withoutTwin: "there is no other convention")
    ]
  #endif

  private static let conventions: [HostileCase] = [
    HostileCase(64, ["call", "mseal"], .denied("ENOSYS"), .without([.seccomp], .denied("EINVAL"))),
    HostileCase(
      64, ["call", "unknown"], .denied("ENOSYS"), withoutTwin: "no kernel knows this number"),
    denied(65, "tiocsti-high", .without([.seccomp], .denied("ENOTTY"))),
    denied(66, "tiocsti", .without([.seccomp], .denied("ENOTTY"))),
    denied(66, "tioclinux", .without([.seccomp], .denied("ENOTTY"))),
    denied(66, "tiocsetd", .without([.seccomp], .denied("ENOTTY"))),
    // What makes a file immutable, so that nobody can remove it.
    denied(91, "fs-flags", .without([.seccomp], .denied("ENOTTY", "EROFS"))),
    denied(66, "tiocsctty", .without([.seccomp], .denied("ENOTTY"))),
    denied(67, "read-implies-exec", .without([.seccomp])),
    denied(67, "no-randomize", .without([.seccomp])),
  ]

  private static let filters: [HostileCase] = [
    HostileCase(
      68, ["from-memory", "call", "ptrace"], .killed("ptrace"), .without([.seccomp])),
    denied(68, "memfd_secret", .without([.seccomp], .reachesTheKernel)),
    HostileCase(69, ["filter", "0"], .denied("EPERM"), .without([.seccomp])),
    // A second listener would take the place of ours.
    HostileCase(69, ["filter", "8"], .denied("EPERM"), .without([.seccomp])),
    denied(69, "prctl-seccomp", .without([.seccomp], .ends(.signalled(9)))),
    denied(69, "seccomp-strict", .without([.seccomp], .denied("EINVAL"))),
    denied(69, "no-new-privileges-off", .without([.seccomp], .denied("EINVAL"))),
    denied(69, "prctl-mm", .without([.seccomp], .denied("EPERM", "EINVAL"))),
    denied(69, "dumpable", .without([.seccomp])),
    HostileCase(
      70, ["open-descriptors"], .prints("0 1 2 ", .passed),
      .without(
        [.descriptors],
        .ends(.passed).and("none leaks") { $0.word.utf8.count > 8 }.not(
          on: .withoutGroups, .userNamespace))),
  ]

  /// Without a namespace of their own they would stay on the machine.
  private static let ownObjects = Expectation.works.not(on: .landlock)

  private static let ipc: [HostileCase] = [
    denied(71, "shmget", .without([.seccomp], ownObjects)),
    denied(71, "semget", .without([.seccomp], ownObjects)),
    denied(71, "msgget", .without([.seccomp], ownObjects)),
    HostileCase(
      71, ["queue"], .denied("EPERM"), .without([.seccomp, .rlimits], .denied("EACCES")),
      .without([.seccomp, .rlimits, .landlock], ownObjects)),
  ]

  private static let nobodyCalled: @Sendable (Observation) -> Bool = { $0.callers == 0 }
  private static let calledOnce: @Sendable (Observation) -> Bool = { $0.callers == 1 }

  private static let networks: [HostileCase] = [
    HostileCase(
      72, ["families"], .denied("EPERM"),
      .without([.seccomp], .ends(.passed, .failed(exit: 1)).and("EPERM") { $0.word != "EPERM" })),
    HostileCase(
      72, ["families", "pair"], .denied("EPERM"),
      .without([.seccomp], .ends(.passed, .failed(exit: 1)).and("EPERM") { $0.word != "EPERM" })
    ),
    HostileCase(
      73, ["internet", "{port}", "tcp"], .denied("EPERM").and("somebody called", nobodyCalled),
      .without([.seccomp], .denied("EACCES")),
      .without([.seccomp, .landlock], .denied("ENETUNREACH").not(on: .landlock)),
      .without([.seccomp, .network], .denied("EACCES").not(on: .landlock)),
      .without([.seccomp, .landlock, .network], .works.and("nobody called", calledOnce))),
    HostileCase(
      73, ["internet", "{udp}", "udp"], .denied("EPERM").and("somebody called", nobodyCalled),
      .without([.seccomp], .denied("ENETUNREACH").not(on: .landlock)),
      .without([.seccomp, .network], .works.and("nobody called", calledOnce))),
    HostileCase(
      73, ["internet", "0", "raw"], .denied("EPERM"), .without([.seccomp], .denied("EPERM")),
      .without([.seccomp, .network, .user], .works.not(on: .userNamespace))),
  ]

  private static let powers: [HostileCase] = [
    denied(
      75, "setuid", .without([.seccomp], .denied("EPERM", "EINVAL")),
      .without([.seccomp, .user], .works.not(on: .userNamespace))),
    denied(
      75, "setgid", .without([.seccomp], .denied("EPERM", "EINVAL")),
      .without([.seccomp, .user], .works.not(on: .userNamespace))),
    denied(
      75, "setgroups", .without([.seccomp], .denied("EPERM")),
      .without([.seccomp, .user], .works.not(on: .userNamespace))),
    HostileCase(
      75, ["capabilities"], .denied("EPERM"), .without([.seccomp], .denied("EPERM")),
      .without([.seccomp, .user])),
    killed(75, "setns", .denied("EBADF")),
    HostileCase(
      76, ["call", "affinity"], .works,
      withoutTwin: "which of its slot's processors a program uses is its own affair"),
    denied(
      76, "io-priority", .without([.seccomp], .denied("EPERM")),
      .without([.seccomp, .user], .works.not(on: .userNamespace))),
    denied(76, "prlimit-init", .without([.seccomp], .works.not(on: .landlock))),
    HostileCase(
      78, ["slate"],
      .ends(.passed).and("something is inherited") {
        $0.textWithoutBoundingSet == """
          umask 022 SigBlk 0 SigIgn 0 SigPnd 0 CapInh 0 CapPrm 0 CapEff 0 CapAmb 0 \
          NoNewPrivs 1 persona 0 oom 1000 session 1 tty none groups 0 timer 0
          """
      },
      .without([.user], .ends(.passed).and("no power is left") { !$0.text.contains("CapPrm 0") })
    ),
    HostileCase(
      78, ["open-for-writing", "/proc/self/oom_score_adj"], .denied("EACCES"),
      .without([.landlock])),
    HostileCase(
      79, ["input"], .prints("0", .passed), withoutTwin: "the next one has something to read"),
    HostileCase(
      79, ["input"], .prints("5", .failed(exit: 1)),
      withoutTwin: "whether the worker's own input is given is no layer"
    ).with { $0.input = Array("bytes".utf8) },
  ]
}
