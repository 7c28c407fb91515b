package import EdgeJob

/// A policy as a person asks for it: a profile by its name, or a file with a profile or with a
/// document of the OCI runtime specification.
package struct NamedPolicy: Sendable {
  /// As it was asked for.
  package let name: String
  /// Nil for a document of others.
  package let profile: SandboxProfile?
  let policy: SyscallPolicy

  /// One group of calls, for people.
  package struct Group: Hashable, Sendable {
    /// From 1; nil for the calls that end the run, and for the default.
    package let number: Int?
    package let action: String
    /// The comparisons; empty where the group holds for all arguments.
    package let condition: String
    package let calls: [String]
    package let why: String?
  }

  /// - Parameter name: the name of a profile, or a path: something with `/`, or that ends in
  ///   `.json`.
  /// - Throws: stage `profile`; ENOENT where there is none.
  package static func load(_ name: String) throws(LaunchFailure) -> NamedPolicy {
    guard name.contains("/") || name.hasSuffix(".json") else {
      let profile = try SandboxProfile.load(name)
      return NamedPolicy(name: name, profile: profile, policy: profile.policy)
    }
    let json = try ProfileFile.contents(name)
    if json["seccomp"] != nil || json["extends"] != nil || json["schema"] != nil {
      let resolved = try ProfileFile.resolve(json, path: name)
      let profile = try SandboxProfile(resolved: resolved, name)
      return NamedPolicy(name: name, profile: profile, policy: profile.policy)
    }
    // The configuration of a whole container holds the same document.
    return try document(json["linux"]?["seccomp"] ?? json, name)
  }

  /// A document of others.
  package static func document(_ json: JSON, _ name: String) throws(LaunchFailure) -> NamedPolicy {
    do throws(JSONError) {
      let policy = try SeccompDocument.read(json, .foreign, kill: [])
      return NamedPolicy(name: name, profile: nil, policy: policy)
    } catch {
      throw LaunchFailure(stage: "profile", errno: 0, subject: "\(name): \(error.problem)")
    }
  }

  /// What was read and has no effect.
  package var notices: [String] { policy.notices + policy.contradictions }

  /// Everything that is wrong or doubtful.
  package func lint() -> [LintFinding] { PolicyLint.findings(policy, profile: profile) }

  /// What happens to calls that nothing is said of.
  package var standard: String { NamedPolicy.text(policy.defaultAction) }

  /// What a profile says besides its calls, and the default, as members of a JSON object.
  package var facts: [JSON.Member] {
    var members = [
      JSON.Member("name", .string(name)), JSON.Member("default", .string(standard)),
      JSON.Member("notices", .texts(notices)),
    ]
    guard let profile else { return members }
    members += [
      JSON.Member("version", .int(profile.version)),
      JSON.Member("summary", .string(profile.summary)),
      JSON.Member("digest", .string(profile.digest.hex)),
      JSON.Member("network", .string(profile.network.rawValue)),
    ]
    return members + profile.parts
  }

  /// All groups in their order, then the calls that end the run.
  package var groups: [Group] {
    var all = policy.rules.enumerated().map { index, rule in
      Group(
        number: index + 1, action: NamedPolicy.text(rule.action),
        condition: rule.arguments.map(\.text).joined(separator: ", "), calls: rule.names,
        why: rule.why)
    }
    if !policy.kill.isEmpty {
      all.append(
        Group(
          number: nil, action: "end the run", condition: "", calls: policy.kill,
          why: "no honest program makes them"))
    }
    return all
  }

  /// The program that denies by errors alone, as seccomp(2) takes it; a document of others needs no
  /// listener with it.
  /// - Throws: stage `seccomp compile`.
  package func program() throws(LaunchFailure) -> [UInt8] {
    try SeccompFilter.of(policy).instructions
  }

  static func text(_ action: SyscallPolicy.Action) -> String {
    switch action {
    case .allow: "allow"
    case .error(let number): ErrorText.name(of: Int32(number))
    case .kill: "kill the process"
    }
  }

  /// The same in the plain form of the OCI runtime specification, which runc, crun and podman load:
  /// for this machine, with comparisons of 32 bits where the kernel compares so.
  /// - Throws: stage `seccomp compile`, where groups contradict one another.
  package func oci() throws(LaunchFailure) -> JSON {
    let resolved = ResolvedPolicy(policy)
    var groups: [JSON] = []
    do throws(CompileRules.Problem) {
      groups = try OCIGroups.of(resolved)
    } catch {
      throw LaunchFailure(
        stage: "seccomp compile", errno: 0, subject: "\(error.name): \(error.problem)")
    }
    let (action, number) = OCIGroups.action(policy.defaultAction)
    return .members([
      ("defaultAction", .string(action)), ("defaultErrnoRet", number.map { .int($0) }),
      ("architectures", [.string(SyscallTable.architecture)]), ("syscalls", .array(groups)),
    ])
  }
}
