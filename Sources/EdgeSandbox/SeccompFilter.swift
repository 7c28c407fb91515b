internal import CSeccomp
internal import EdgeJob
internal import EdgeSystem
internal import Glibc
internal import Synchronization

/// A policy compiled to classic BPF by libseccomp, and what is needed to name a call afterwards.
struct SeccompFilter: Sendable {
  /// Instructions of 8 bytes each, struct sock_filter.
  let instructions: [UInt8]
  /// True where forbidden calls are told to a listener.
  let listens: Bool

  static let comparisons: [String: scmp_compare] = [
    "SCMP_CMP_NE": SCMP_CMP_NE, "SCMP_CMP_LT": SCMP_CMP_LT, "SCMP_CMP_LE": SCMP_CMP_LE,
    "SCMP_CMP_EQ": SCMP_CMP_EQ, "SCMP_CMP_GE": SCMP_CMP_GE, "SCMP_CMP_GT": SCMP_CMP_GT,
    "SCMP_CMP_MASKED_EQ": SCMP_CMP_MASKED_EQ,
  ]

  /// Compiling takes milliseconds, so each policy is compiled once in a process. The policy itself
  /// is the key: the library and the kernel do not change below a running process.
  private static let compiled = Mutex<[SyscallPolicy: SeccompFilter]>([:])

  /// The filter of a policy.
  /// - Throws: stage `seccomp compile`.
  static func of(_ policy: SyscallPolicy) throws(LaunchFailure) -> SeccompFilter {
    if let known = compiled.withLock({ $0[policy] }) { return known }
    let filter = try compile(policy)
    compiled.withLock { $0[policy] = filter }
    return filter
  }

  /// The name of a call of this machine's architecture.
  static func name(of number: Int32) -> String {
    guard let text = seccomp_syscall_resolve_num_arch(seccomp_arch_native(), number) else {
      return "syscall \(number)"
    }
    defer { free(text) }
    return String(cString: text)
  }

  /// The number of a call; negative where there is none of that name.
  static func number(of name: String) -> Int32 { seccomp_syscall_resolve_name(name) }

  private static func compile(_ policy: SyscallPolicy) throws(LaunchFailure) -> SeccompFilter {
    guard let context = seccomp_init(ec_action_errno(UInt16(EPERM))) else {
      throw failure(ENOMEM, "libseccomp")
    }
    defer { seccomp_release(context) }
    // A binary tree: the kernel installs it more than twice as fast as a list.
    seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2)
    try check(
      seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, ec_action_kill()), "architecture")
    for rule in policy.rules { try add(rule, to: context) }
    for name in policy.kill {
      try add(name, ec_action_notify(), [], to: context)
    }
    do {
      let file = try Descriptor.memory("filter")
      try check(seccomp_export_bpf(context, file.raw), "export")
      lseek(file.raw, 0, SEEK_SET)
      let body = try file.read(atMost: 1 << 16)
      return SeccompFilter(
        instructions: unknownCalls() + body, listens: !policy.kill.isEmpty)
    } catch let error as SystemError {
      throw failure(error.errno, "memory file")
    } catch let error as LaunchFailure {
      throw error
    } catch {
      throw failure(0, "\(error)")
    }
  }

  private static func add(_ rule: SyscallPolicy.Rule, to context: scmp_filter_ctx)
    throws(LaunchFailure)
  {
    let action: UInt32 =
      switch rule.action {
      case .allow: ec_action_allow()
      case .error(let number): ec_action_errno(number)
      }
    var arguments: [scmp_arg_cmp] = []
    for argument in rule.arguments {
      guard let comparison = comparisons[argument.comparison] else {
        throw failure(EINVAL, argument.comparison)
      }
      arguments.append(
        scmp_arg_cmp(
          arg: argument.index, op: comparison, datum_a: argument.value, datum_b: argument.second))
    }
    for name in rule.names { try add(name, action, arguments, to: context) }
  }

  private static func add(
    _ name: String, _ action: UInt32, _ arguments: [scmp_arg_cmp], to context: scmp_filter_ctx
  ) throws(LaunchFailure) {
    let number = seccomp_syscall_resolve_name(name)
    // A name that the library does not know is a call newer than it: answered with ENOSYS below.
    // Negative numbers are calls that this architecture does not have.
    guard number >= 0 else { return }
    // The default may be named, but not added as a rule.
    if action == ec_action_errno(UInt16(EPERM)), arguments.isEmpty { return }
    try check(
      seccomp_rule_add_array(context, action, number, UInt32(arguments.count), arguments), name)
  }

  private static func check(_ answer: Int32, _ subject: String) throws(LaunchFailure) {
    if answer < 0 { throw failure(-answer, subject) }
  }

  private static func failure(_ number: Int32, _ subject: String) -> LaunchFailure {
    LaunchFailure(stage: "seccomp compile", errno: number, subject: subject)
  }

  /// The highest number that the library knows by name.
  private static let lastKnown: UInt32 = {
    for number in (0..<Int32(1024)).reversed() {
      if let text = seccomp_syscall_resolve_num_arch(seccomp_arch_native(), number) {
        free(text)
        return UInt32(number)
      }
    }
    return 1023
  }()

  /// Instructions in front of the library's: a call newer than the library's table does not exist
  /// (ENOSYS), so that programs fall back to an older one, which EPERM would not make them do.
  private static func unknownCalls() -> [UInt8] {
    let x32: UInt32 = 0x4000_0000
    // BPF_LD|W|ABS 0x20, BPF_JEQ|K 0x15, BPF_JGE|K 0x35, BPF_JGT|K 0x25, BPF_RET|K 0x06
    return instruction(0x20, 0, 0, 4)
      + instruction(0x15, 0, 4, seccomp_arch_native())
      + instruction(0x20, 0, 0, 0)
      + instruction(0x35, 2, 0, x32)
      + instruction(0x25, 0, 1, lastKnown)
      + instruction(0x06, 0, 0, ec_action_errno(UInt16(ENOSYS)))
  }

  static func instruction(_ code: UInt16, _ yes: UInt8, _ no: UInt8, _ k: UInt32)
    -> [UInt8]
  {
    withUnsafeBytes(of: code.littleEndian) { Array($0) } + [yes, no]
      + withUnsafeBytes(of: k.littleEndian) { Array($0) }
  }
}
