/// Finds rules that do not mean what they seem to mean, without looking at this machine.
struct PolicyLint {
  let policy: SyscallPolicy
  /// The profile that it belongs to; nil for a document of others.
  let profile: SandboxProfile?
  private let resolved: ResolvedPolicy

  static func findings(_ policy: SyscallPolicy, profile: SandboxProfile?) -> [LintFinding] {
    let lint = PolicyLint(policy: policy, profile: profile, resolved: ResolvedPolicy(policy))
    return lint.groups() + lint.comparisons() + lint.calls() + lint.dangers() + lint.whole()
  }

  /// Names and reasons.
  private func groups() -> [LintFinding] {
    var found: [LintFinding] = []
    var seen: [SyscallPolicy.Rule: Int] = [:]
    for (index, rule) in policy.rules.enumerated() {
      let place = "group \(index + 1)"
      if rule.names.isEmpty {
        let text = "\(place) names no call"
        found.append(
          profile == nil ? .warning("empty-group", text) : .error("empty-group", text))
      }
      if profile != nil, (rule.why ?? "").allSatisfy(\.isWhitespace) {
        found.append(.error("no-reason", "\(place) does not say why it is there"))
      }
      for name in Set(rule.names).sorted() where rule.names.count(where: { $0 == name }) > 1 {
        found.append(.warning("duplicate", "\(place) names \(name) twice"))
      }
      for name in rule.names where SyscallTable.find(name) == .unknown {
        found.append(unknown(name, place))
      }
      for name in Set(rule.names).sorted() {
        var same = rule
        (same.names, same.why) = ([name], nil)
        if let first = seen[same] {
          found.append(
            .warning("duplicate", "\(place) says of \(name) what group \(first + 1) says"))
        } else {
          seen[same] = index
        }
      }
    }
    for name in policy.kill where SyscallTable.find(name) == .unknown {
      found.append(unknown(name, "the list of calls to kill"))
    }
    return found
  }

  /// In a document of others a new name is usual; in our own it is a slip.
  private func unknown(_ name: String, _ place: String) -> LintFinding {
    let text = "\(name) in \(place) is no call that is known here"
    return profile == nil ? .warning("unknown-call", text) : .error("unknown-call", text)
  }

  /// Comparisons that other readers of the same form do not mask.
  private func comparisons() -> [LintFinding] {
    var found: [LintFinding] = []
    for (index, rule) in policy.rules.enumerated() {
      for name in rule.names {
        let place = "group \(index + 1), \(name)"
        if Set(rule.arguments.map(\.index)).count < rule.arguments.count {
          found.append(
            .error("twice-in-rule", "\(place): one rule compares one argument twice"))
        }
        for argument in rule.arguments {
          found += comparison(argument, name, place)
        }
      }
    }
    return found
  }

  private func comparison(_ argument: SyscallPolicy.Argument, _ name: String, _ place: String)
    -> [LintFinding]
  {
    var found: [LintFinding] = []
    let isMasked = argument.comparison == .masked
    if isMasked, argument.second & ~argument.value != 0 {
      found.append(
        .error("never-holds", "\(place): \(argument.text) has bits outside its mask"))
    }
    guard ArgumentWidths.isWord(name, argument.index) else { return found }
    let top = ArgumentWidths.word
    if (isMasked ? argument.second : argument.value) > top {
      found.append(
        .error(
          "wide-value", "\(place): \(argument.text), but the kernel takes 32 bits of it"))
    }
    if !isMasked, argument.comparison != .equal {
      found.append(
        .error(
          "cannot-be-masked",
          "\(place): \(argument.text) compares 64 bits where the kernel takes 32; others than us"
            + " are got round with rubbish in the high half"))
    }
    return found
  }

  /// How the rules of one call go together.
  private func calls() -> [LintFinding] {
    var found = policy.contradictions.map { LintFinding.error("conflict", $0) }
    for number in resolved.entries.keys.sorted() {
      let entries = resolved.entries[number] ?? []
      let name = SyscallTable.name(of: number)
      let allowing = entries.filter { $0.action == .allow }
      // Each rule allows what the other one means to forbid.
      let unequal = allowing.compactMap { entry in
        entry.arguments.count == 1 && entry.arguments[0].comparison == .notEqual
          ? entry.arguments[0] : nil
      }
      for index in Set(unequal.map(\.index)).sorted() {
        let values = Set(unequal.filter { $0.index == index }.map(\.value))
        if values.count > 1 {
          let list = values.sorted().map(SyscallPolicy.number).joined(separator: " and ")
          found.append(
            .error(
              "not-equal-pair",
              "\(name): a\(index) != \(list) in rules of their own allow every value"))
        }
      }
      for entry in entries where !entry.arguments.isEmpty {
        if entries.contains(where: { $0.arguments.isEmpty && $0.action == entry.action }) {
          found.append(
            .warning(
              "dead-rule",
              "group \(entry.group + 1), \(name): another group says it of all arguments"))
        }
      }
      do throws(CompileRules.Problem) { _ = try CompileRules.of(resolved, number) } catch {
        found.append(.error("conflict", "\(name): \(error.problem)"))
      }
    }
    return found
  }

  private func whole() -> [LintFinding] {
    var found: [LintFinding] = []
    if policy.defaultErrno == nil {
      found.append(.error("default", "what nothing is said of does not fail with an error"))
    }
    // A profile without programs is for a process that has been started already.
    let starts = profile?.path.isEmpty != true || policy.allowed.contains("execve")
    if starts, let name = policy.missingForLaunch {
      found.append(.error("launch", "\(name) is not allowed, so nothing can be started"))
    }
    guard let profile else { return found }
    let lists = [
      ("environment.allow", profile.environment.allowed), ("path", profile.path),
      ("fileSystem", profile.view.required + profile.view.optional),
    ]
    for (name, list) in lists {
      for text in Set(list).sorted() where list.count(where: { $0 == text }) > 1 {
        found.append(.warning("duplicate", "\(name) has \(text) twice"))
      }
    }
    return found
  }
}

extension PolicyLint {
  /// Calls that no profile should open.
  static let dangerous: [(names: String, why: String)] = [
    ("ptrace process_vm_readv process_vm_writev pidfd_getfd kcmp", "reaches into other processes"),
    ("bpf perf_event_open userfaultfd", "a wide and often attacked part of the kernel"),
    ("io_uring_setup io_uring_enter io_uring_register", "makes calls that no filter sees"),
    ("add_key keyctl request_key", "keys are not kept apart by namespaces"),
    (
      "mount umount2 pivot_root chroot open_tree move_mount fsopen fsmount fsconfig fspick"
        + " mount_setattr open_tree_attr", "changes what is visible"
    ),
    ("unshare setns", "makes or enters namespaces"),
    ("open_by_handle_at name_to_handle_at", "opens files past the private root"),
    ("kexec_load kexec_file_load init_module finit_module delete_module", "changes the kernel"),
  ]

  private func entries(_ name: String) -> [ResolvedPolicy.Entry] {
    guard let number = SyscallTable.number(of: name) else { return [] }
    return (resolved.entries[number] ?? []).filter { $0.action == .allow }
  }

  private func dangers() -> [LintFinding] {
    var found: [LintFinding] = []
    for (names, why) in PolicyLint.dangerous {
      for name in names.split(separator: " ").map(String.init) where !entries(name).isEmpty {
        found.append(.warning("dangerous", "\(name) is allowed: \(why)"))
      }
    }
    for entry in entries("clone") where !PolicyLint.keepsNamespaces(entry) {
      found.append(
        .warning("dangerous", "group \(entry.group + 1): clone may make new namespaces"))
    }
    return found + clone3()
  }

  /// All CLONE_NEW flags that clone(2) knows.
  static let namespaceFlags: UInt64 = 0x7E02_0000

  private static func keepsNamespaces(_ entry: ResolvedPolicy.Entry) -> Bool {
    entry.arguments.contains { argument in
      guard argument.index == 0 else { return false }
      return switch argument.comparison {
      case .masked:
        argument.value & namespaceFlags == namespaceFlags
          && argument.second & namespaceFlags == 0
      case .equal: argument.value & namespaceFlags == 0
      default: false
      }
    }
  }

  /// Its flags lie in memory; libraries fall back to clone only where it is missing.
  private func clone3() -> [LintFinding] {
    guard let number = SyscallTable.number(of: "clone3"), !entries("clone").isEmpty else {
      return []
    }
    let call = SeccompCall(
      number: UInt32(number), architecture: ResolvedPolicy.architecture,
      arguments: Array(repeating: 0, count: 6))
    let action = resolved.action(resolved.decision(call), reporting: false)
    if action == .error(38) { return [] }
    return [
      .warning(
        "clone3", "clone3 does not fail with ENOSYS (\(action?.description ?? "conflict"))")
    ]
  }
}
