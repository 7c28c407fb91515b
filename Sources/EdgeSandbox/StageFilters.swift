internal import CJailPlan
internal import CSeccomp
internal import Glibc

/// The two filters of a sandbox. The first is the profile's, and the jail itself lives under it
/// with everything that it starts; calls that a launch still has to make are let through only from
/// where the jail's code lies. The second one, of a few instructions, is the program's alone and
/// forbids those calls from there, too, because a program can place code of its own at any address.
///
/// Both ask for the address only in calls that the profile does not simply allow, so that the
/// kernel goes on to answer the others from its table (seccomp_cache_prepare in kernel/seccomp.c).
struct StageFilters: Sendable {
  /// Of the template.
  let first: [UInt8]
  /// Of the program.
  let second: [UInt8]

  /// What the jail, init and the program call before execve(2), behind the first filter.
  private static let ofLaunch = [
    "capset", "chdir", "clone", "close", "close_range", "dup3", "fcntl", "getpid",
    "getppid", "ioctl", "keyctl", "kill",
    "landlock_add_rule", "landlock_create_ruleset", "landlock_restrict_self", "mount",
    "mount_setattr", "move_mount", "open_tree", "openat", "ppoll", "prctl", "prlimit64", "recvmsg",
    "rt_sigaction", "rt_sigprocmask", "seccomp", "sendmsg", "setgroups", "setns", "setresgid",
    "setresuid", "setsid", "socket", "umount2", "wait4",
  ]

  /// - Parameter always: calls that the profile allows whatever their arguments are.
  init(_ filter: SeccompFilter, allowing always: Set<String>) {
    let names = StageFilters.ofLaunch.filter { !always.contains($0) }
    let numbers = names.map { SeccompFilter.number(of: $0) }.filter { $0 >= 0 }.map(UInt32.init)
    first =
      StageFilters.program(numbers, inside: [StageFilters.answer(ec_action_allow())])
      + filter.instructions
    second =
      StageFilters.program(
        numbers, inside: [StageFilters.answer(ec_action_errno(UInt16(EPERM)))])
      + StageFilters.answer(ec_action_allow())
  }

  /// Instructions that end with `inside` where one of the calls comes from the jail's code, and go
  /// on behind themselves otherwise.
  private static func program(_ numbers: [UInt32], inside: [[UInt8]]) -> [UInt8] {
    // struct seccomp_data: number 0, architecture 4, address 8 (its upper half at 12).
    let check: [[UInt8]] =
      [
        load(12), jump(0x15, EC_CODE_HIGH, 0, 3), load(8),
        jump(0x35, EC_CODE_LENGTH, 1, 0),
      ] + inside
    let tree = search(numbers.sorted()[...], before: 0, behind: check.count)
    let start = load(4) + jump(0x15, seccomp_arch_native(), 0, UInt8(1 + tree.count + check.count))
    return start + load(0) + (tree + check).flatMap(\.self)
  }

  /// Halves the numbers until one is left; goes on right behind the whole search where the call is
  /// one of them, and `behind` instructions later otherwise. The kernel tries a filter with every
  /// call when it is installed (seccomp_cache_prepare), so it is to be short on every way.
  /// - Parameter before: instructions of the search behind these.
  private static func search(_ numbers: ArraySlice<UInt32>, before: Int, behind: Int) -> [[UInt8]] {
    guard numbers.count > 1 else {
      return numbers.map { jump(0x15, $0, UInt8(before), UInt8(before + behind)) }
    }
    let middle = numbers.startIndex + numbers.count / 2
    let upper = search(numbers[middle...], before: before, behind: behind)
    let lower = search(numbers[..<middle], before: before + upper.count, behind: behind)
    return [jump(0x35, numbers[middle], UInt8(lower.count), 0)] + lower + upper
  }

  // BPF_LD|W|ABS 0x20, BPF_JEQ|K 0x15, BPF_JGE|K 0x35, BPF_JA 0x05, BPF_RET|K 0x06
  private static func load(_ offset: UInt32) -> [UInt8] {
    SeccompFilter.instruction(0x20, 0, 0, offset)
  }

  private static func jump(_ code: UInt16, _ value: UInt32, _ yes: UInt8, _ no: UInt8) -> [UInt8] {
    SeccompFilter.instruction(code, yes, no, value)
  }

  private static func answer(_ action: UInt32) -> [UInt8] {
    SeccompFilter.instruction(0x06, 0, 0, action)
  }
}
