/// Calls whose arguments decide what they do, and in which arguments the kernel's danger lies: what
/// is noted of them while they are learned, and what is refused whatever a program wants.
enum WatchTable {
  private static let word = ArgumentWidths.word
  /// The kind of file in a mode, S_IFMT.
  private static let kind: UInt64 = 0xF000

  /// In the order in which they count. A call without an entry has no argument that matters.
  static let all: [CallWatch] =
    refused + [
      .grant("ioctl", keeping: [1: word]),
      .grant("prctl", [.word(0, 4), .word(1, 0)], keeping: [0: word, 1: word]),
      .refuse(
        "prctl", [.word(0, 4)], keeping: [0: word, 1: word],
        why: "PR_SET_DUMPABLE shows its memory to others of the same user"),
      .grant("prctl", keeping: [0: word]),
      .grant("fcntl", keeping: [1: word]),
      .grant("arch_prctl", keeping: [0: word]),
      .grant("membarrier", keeping: [0: word]),
      .grant("setrlimit", keeping: [0: word]),
      .grant("getsockopt", keeping: [1: word, 2: word]),
      .grant("setsockopt", keeping: [1: word, 2: word]),
      .grant("sched_setscheduler", keeping: [1: word]),
      .grant("seccomp", keeping: [0: word]),
      .grant("prlimit64", [.word(0, 0)], keeping: [1: word]),
      .refuse("prlimit64", keeping: [0: word], why: "the limits of another process"),
      .grant("personality", [.word(0, word)]),
      .refuse("personality", keeping: [0: word], why: "changes how programs are executed"),
      .grant("clone", [.masked(0, PolicyLint.namespaceFlags, 0)]),
      .refuse(
        "clone", keeping: [0: PolicyLint.namespaceFlags], why: "makes or enters namespaces"),
    ] + nodes("mknod", 1) + nodes("mknodat", 2)

  private static let refused: [CallWatch] = [
    .refuse(
      "ioctl", [.word(1, 0x5412)], keeping: [1: word], why: "TIOCSTI types into a terminal"),
    .refuse(
      "ioctl", [.word(1, 0x541C)], keeping: [1: word], why: "TIOCLINUX types into a console"),
    .refuse(
      "prctl", [.word(0, 35)], keeping: [0: word], why: "PR_SET_MM moves what /proc shows of it"),
    .refuse(
      "prctl", [.word(0, 0x5961_6D61)], keeping: [0: word],
      why: "PR_SET_PTRACER lets others look into it"),
  ]

  /// Named pipes and regular files, and no devices.
  private static func nodes(_ name: String, _ index: UInt32) -> [CallWatch] {
    [0, 0x1000, 0x8000].map { .grant(name, [.masked(index, kind, $0)]) }
      + [.refuse(name, keeping: [index: kind], why: "makes device nodes or sockets")]
  }

  /// What every program needs, or takes on paths that a few runs do not meet: ends, signals, calls
  /// that are started again, locks, and memory, where an allocator takes what the size demands.
  static let always: Set<String> = [
    "brk", "clock_gettime", "clock_nanosleep", "close", "execve", "exit", "exit_group",
    "futex", "getpid", "getrandom", "gettid", "gettimeofday", "madvise", "mmap", "mprotect",
    "mremap", "munmap", "nanosleep", "read", "restart_syscall", "rseq", "rt_sigaction",
    "rt_sigprocmask", "rt_sigreturn", "sched_yield", "set_robust_list", "set_tid_address",
    "sigaltstack", "tgkill", "write",
  ]
}
