/// An argument of a call as a person writes it.
package enum CallArgument {
  /// From decimal, `0x` hexadecimal, the name of a well-known constant, or several with `|`; nil
  /// for anything else. A negative number stands for its 64 bits.
  package static func value(_ text: String) -> UInt64? {
    var all: UInt64 = 0
    for part in text.split(separator: "|", omittingEmptySubsequences: false) {
      guard let value = single(part) else { return nil }
      all |= value
    }
    return all
  }

  private static func single(_ text: Substring) -> UInt64? {
    if text.hasPrefix("0x") { return UInt64(text.dropFirst(2), radix: 16) }
    if let number = UInt64(text) { return number }
    if let number = Int64(text) { return UInt64(bitPattern: number) }
    return constants[String(text)]
  }

  /// The constant of that value whose name begins so; nil where none does.
  static func name(of value: UInt64, in families: [String]) -> String? {
    constants.filter { $0.value == value && families.contains(where: $0.key.hasPrefix) }.keys.min()
  }

  /// What rules are most often about.
  private static let constants: [String: UInt64] = [
    "AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16, "AF_PACKET": 17, "AF_ALG": 38,
    "AF_VSOCK": 40, "SOCK_STREAM": 1, "SOCK_DGRAM": 2, "SOCK_RAW": 3, "SOCK_NONBLOCK": 0x800,
    "SOCK_CLOEXEC": 0x80000, "CLONE_NEWNS": 0x2_0000, "CLONE_NEWCGROUP": 0x200_0000,
    "CLONE_NEWUTS": 0x400_0000, "CLONE_NEWIPC": 0x800_0000, "CLONE_NEWUSER": 0x1000_0000,
    "CLONE_NEWPID": 0x2000_0000, "CLONE_NEWNET": 0x4000_0000, "TCGETS": 0x5401, "TIOCSTI": 0x5412,
    "TIOCGWINSZ": 0x5413, "FIONREAD": 0x541B, "TIOCLINUX": 0x541C, "FIONBIO": 0x5421,
    "FIONCLEX": 0x5450, "FIOCLEX": 0x5451, "PR_SET_PDEATHSIG": 1, "PR_SET_DUMPABLE": 4,
    "PR_SET_NAME": 15, "PR_SET_SECCOMP": 22, "PR_SET_MM": 35, "PR_SET_CHILD_SUBREAPER": 36,
    "PR_GET_DUMPABLE": 3, "PR_GET_NAME": 16, "PR_GET_SECCOMP": 21, "PR_CAPBSET_READ": 23,
    "PR_GET_NO_NEW_PRIVS": 39, "PR_SET_VMA": 0x5356_4D41, "PR_SET_PTRACER": 0x5961_6D61,
    "F_DUPFD": 0, "F_GETFD": 1, "F_SETFD": 2, "F_GETFL": 3, "F_SETFL": 4, "F_GETLK": 5,
    "F_SETLK": 6, "F_SETLKW": 7, "F_DUPFD_CLOEXEC": 1030, "RLIMIT_CPU": 0, "RLIMIT_DATA": 2,
    "RLIMIT_STACK": 3, "RLIMIT_CORE": 4, "RLIMIT_NPROC": 6, "RLIMIT_NOFILE": 7, "RLIMIT_AS": 9,
    "TCSETS": 0x5402, "TIOCGPGRP": 0x540F, "ARCH_SET_FS": 0x1002, "ARCH_CET_STATUS": 0x3001,
    "PR_SET_NO_NEW_PRIVS": 38, "S_IFIFO": 0x1000, "S_IFCHR": 0x2000, "S_IFBLK": 0x6000,
  ]
}
