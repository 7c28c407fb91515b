internal import EdgeJob

/// A profile that allows what a command was seen to do: everything but the calls by value from the
/// base, so that a later change of the base changes nothing about it. The same calls of the same
/// command give the same bytes.
package struct LearnedProfile: Sendable {
  /// As a file.
  package let text: String
  /// As it is read again.
  package let policy: NamedPolicy

  /// - Parameters:
  ///   - name: of the new profile, letters and hyphens.
  ///   - command: the program and its arguments, for the reasons.
  /// - Throws: stage `learn` where calls were lost; stage `profile` where the base has something
  ///   that this program would not read.
  package init(
    _ calls: LearnedCalls, base: SandboxProfile, name: String, command: [String]
  ) throws(LaunchFailure) {
    if calls.lost > 0 {
      throw LaunchFailure(
        stage: "learn", errno: 0, subject: "\(calls.lost) calls had no place in the jail's table",
        hint: "Learn from a part of the command that calls less.")
    }
    let groups = Groups(
      calls: calls, learning: try Learning(base: base), command: Self.text(command))
    text = Self.document(base.document, name, groups).indentedText
    policy = try NamedPolicy.parse(Array(text.utf8), name)
  }

  private static func document(_ base: JSON, _ name: String, _ groups: Groups) -> JSON {
    let changed: [String: JSON] = [
      "name": .string(name), "version": 1,
      "summary": .string(
        "What \(groups.command) was seen to do; everything but the calls is that of "
          + "\(base["name"]?.text ?? "its base")."),
      "network": .string(groups.network.rawValue),
      "seccomp": [
        "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1, "syscalls": .array(groups.all),
      ],
    ]
    return .object(
      (base.members ?? []).map { JSON.Member($0.name, changed[$0.name] ?? $0.value) })
  }

  /// A command on one line that fits a reason.
  private static func text(_ command: [String]) -> String {
    let line = command.joined(separator: " ").unicodeScalars.map { scalar in
      scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) ? " " : String(scalar)
    }.joined()
    return line.count > 60 ? line.prefix(59) + "…" : line
  }
}

/// The groups of a learned profile.
private struct Groups {
  let calls: LearnedCalls
  let learning: Learning
  let command: String

  /// The narrowest grant that has the sockets that were made.
  var network: NetworkGrant {
    let domains = Set(
      calls.granted.filter { NetworkGrant.calls.contains($0.name) }
        .compactMap { $0.arguments.first?.second })
    return domains.isEmpty ? .none : domains == [1] ? .unix : .loopback
  }

  /// First what is allowed, then what fails without being reported.
  var all: [JSON] {
    let runs = calls.runs == 1 ? "1 run" : "\(calls.runs) runs"
    let granted = calls.granted.filter { !isOfNetwork($0.name) }
    let plain = granted.filter(\.arguments.isEmpty).map(\.name)
    let narrow = granted.filter { !$0.arguments.isEmpty }
    let rules = learning.policy.rules
    var groups = rules.filter { $0.action == .allow }.map { group($0.names, $0.action, $0.why) }
    if !plain.isEmpty { groups.append(group(plain, .allow, "Seen in \(runs) of \(command).")) }
    groups += narrow.map { entry in
      group(
        [entry.name], .allow, "Seen in \(runs) of \(command): \(entry.condition).",
        entry.arguments)
    }
    groups += calls.notGranted.filter { !killed.contains($0.name) }.map { entry in
      group(
        [entry.name], .error(1), "Wanted by \(command) and not granted: \(entry.why ?? "").",
        entry.arguments)
    }
    return groups + rules.filter { $0.action != .allow }.map { group($0.names, $0.action, $0.why) }
  }

  private func isOfNetwork(_ name: String) -> Bool {
    NetworkGrant.calls.contains(name) || (network != .none && NetworkGrant.work.contains(name))
  }

  private var killed: Set<String> { learning.killed }

  private func group(
    _ names: [String], _ action: SyscallPolicy.Action, _ why: String?,
    _ arguments: [SyscallPolicy.Argument] = []
  ) -> JSON {
    let (action, number) = OCIGroups.action(action)
    let list = arguments.map { argument -> JSON in
      [
        "index": .int(Int64(argument.index)), "value": .int(Int64(argument.value)),
        "valueTwo": .int(Int64(argument.second)), "op": "SCMP_CMP_MASKED_EQ",
      ]
    }
    return .members([
      ("names", .texts(names)), ("action", .string(action)),
      ("errnoRet", number.map { .int($0) }), ("args", list.isEmpty ? nil : .array(list)),
      ("why", .string(why ?? "As in \(learning.base).")),
    ])
  }
}
