internal import CSeccomp
internal import EdgeJob
internal import EdgeSystem
internal import Glibc
internal import Synchronization

/// A policy compiled to classic BPF by libseccomp, and what is needed to act on what it tells.
struct SeccompFilter: Sendable {
  /// Instructions of 8 bytes each, struct sock_filter.
  let instructions: [UInt8]
  /// True where calls are told to a listener.
  let listens: Bool
  /// The numbers that end the run when the listener is told of them.
  let kills: [Int32]
  /// What the listener answers for all other calls that it is told of.
  let defaultErrno: Int32

  /// Compiling takes milliseconds, so each policy is compiled once in a process. The policy itself
  /// is the key: the library and the kernel do not change below a running process.
  private static let compiled = Mutex<[Key: SeccompFilter]>([:])

  private struct Key: Hashable {
    let policy: SyscallPolicy
    let reporting: Bool
  }

  /// The filter of a policy.
  /// - Parameter reporting: calls that fall to the default are told to the listener; otherwise they
  ///   fail with the default's error. Calls that end the run are told in any case.
  /// - Throws: stage `seccomp compile`.
  static func of(_ policy: SyscallPolicy, reporting: Bool = false) throws(LaunchFailure)
    -> SeccompFilter
  {
    let key = Key(policy: policy, reporting: reporting)
    if let known = compiled.withLock({ $0[key] }) { return known }
    let filter = try make(policy, reporting: reporting, cache: .standard)
    compiled.withLock { $0[key] = filter }
    return filter
  }

  /// As `of`, without what this process remembers.
  /// - Parameter cache: where programs lie that were compiled before; nil = nowhere.
  static func make(_ policy: SyscallPolicy, reporting: Bool, cache: FilterCache?)
    throws(LaunchFailure) -> SeccompFilter
  {
    guard let defaultErrno = policy.defaultErrno else {
      throw failure(EINVAL, "the default is not SCMP_ACT_ERRNO")
    }
    let resolved = ResolvedPolicy(policy)
    let digest = FilterCache.digest(policy, reporting: reporting)
    let instructions: [UInt8]
    if let stored = cache?.read(digest) {
      instructions = stored
    } else {
      instructions = try compile(resolved, defaultErrno, reporting: reporting)
      cache?.write(digest, instructions)
    }
    return SeccompFilter(
      instructions: instructions, listens: reporting || !resolved.kills.isEmpty,
      kills: resolved.kills, defaultErrno: Int32(defaultErrno))
  }

  /// The number of a call; negative where there is none of that name.
  static func number(of name: String) -> Int32 { SyscallTable.number(of: name) ?? -1 }

  /// The name of a call of this machine's architecture.
  static func name(of number: Int32) -> String { SyscallTable.name(of: number) }

  private static func compile(
    _ resolved: ResolvedPolicy, _ defaultErrno: UInt16, reporting: Bool
  ) throws(LaunchFailure) -> [UInt8] {
    let standard = reporting ? ec_action_notify() : ec_action_errno(defaultErrno)
    guard let context = seccomp_init(standard) else { throw failure(ENOMEM, "libseccomp") }
    defer { seccomp_release(context) }
    // A binary tree: the kernel installs it more than twice as fast as a list.
    seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2)
    // A listener ends the run and says why; a signal alone could be the program's own.
    try check(
      seccomp_attr_set(
        context, SCMP_FLTATR_ACT_BADARCH, reporting ? ec_action_notify() : ec_action_kill()),
      "architecture")
    let rules: [CompileRules.Rule]
    do { rules = try CompileRules.of(resolved) } catch {
      throw failure(0, "\(error.name): \(error.problem)")
    }
    for rule in rules { try add(rule, standard, to: context) }
    // Without reporting the default is an error, so that these are rules; with it they are told
    // anyway, and the library takes no rule that says what the default says.
    if !reporting {
      for number in resolved.kills {
        try check(
          seccomp_rule_add_array(context, ec_action_notify(), number, 0, nil),
          SyscallTable.name(of: number))
      }
    }
    do {
      let file = try Descriptor.memory("filter")
      try check(seccomp_export_bpf(context, file.raw), "export")
      lseek(file.raw, 0, SEEK_SET)
      let program = unknownCalls() + (try file.read(atMost: 1 << 20))
      if program.count > SeccompProgram.instructionsMax * 8 {
        throw failure(E2BIG, "\(program.count / 8) instructions")
      }
      return program
    } catch let error as SystemError {
      throw failure(error.errno, "memory file")
    } catch let error as LaunchFailure {
      throw error
    } catch {
      throw failure(0, "\(error)")
    }
  }

  private static func add(
    _ rule: CompileRules.Rule, _ standard: UInt32, to context: scmp_filter_ctx
  ) throws(LaunchFailure) {
    let action: UInt32 =
      switch rule.action {
      case .allow: ec_action_allow()
      case .error(let number): ec_action_errno(number)
      case .kill: ec_action_kill()
      }
    if action == standard { return }
    let arguments = rule.arguments.map { argument in
      precondition(argument.comparison == .masked, "the library gets masked comparisons alone")
      return scmp_arg_cmp(
        arg: argument.index, op: SCMP_CMP_MASKED_EQ, datum_a: argument.value,
        datum_b: argument.second)
    }
    try check(
      seccomp_rule_add_array(context, action, rule.number, UInt32(arguments.count), arguments),
      SyscallTable.name(of: rule.number))
  }

  private static func check(_ answer: Int32, _ subject: String) throws(LaunchFailure) {
    if answer < 0 { throw failure(-answer, subject) }
  }

  private static func failure(_ number: Int32, _ subject: String) -> LaunchFailure {
    LaunchFailure(stage: "seccomp compile", errno: number, subject: subject)
  }

  /// Instructions in front of the library's: a call newer than our table does not exist (ENOSYS),
  /// so that programs fall back to an older one, which EPERM would not make them do.
  private static func unknownCalls() -> [UInt8] {
    // BPF_LD|W|ABS 0x20, BPF_JEQ|K 0x15, BPF_JGE|K 0x35, BPF_JGT|K 0x25, BPF_RET|K 0x06
    #if arch(x86_64)
      let x32 = instruction(0x35, 2, 0, 0x4000_0000)
    #else
      let x32: [UInt8] = []
    #endif
    return instruction(0x20, 0, 0, 4)
      + instruction(0x15, 0, x32.isEmpty ? 3 : 4, ResolvedPolicy.architecture)
      + instruction(0x20, 0, 0, 0) + x32
      + instruction(0x25, 0, 1, UInt32(SyscallTable.newest))
      + instruction(0x06, 0, 0, ec_action_errno(UInt16(ENOSYS)))
  }

  static func instruction(_ code: UInt16, _ yes: UInt8, _ no: UInt8, _ k: UInt32)
    -> [UInt8]
  {
    withUnsafeBytes(of: code.littleEndian) { Array($0) } + [yes, no]
      + withUnsafeBytes(of: k.littleEndian) { Array($0) }
  }
}
