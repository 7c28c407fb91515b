internal import ArgumentParser
internal import EdgeJob
internal import EdgeSandbox

/// `edgecoder sandbox profile`.
struct SandboxProfileCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "profile", abstract: "Looks into sandbox profiles.",
    discussion: """
      A profile is named, or a path leads to one, or to a seccomp document of Docker or podman.

      Example: edgecoder sandbox profile explain python socket AF_INET SOCK_STREAM
      """,
    subcommands: [ProfileShow.self, ProfileLint.self, ProfileDiff.self, ProfileExplain.self])
}

extension NamedPolicy {
  /// The policy of that name or path, or why there is none.
  static func named(_ name: String) throws(CommandFailure) -> NamedPolicy {
    do { return try load(name) } catch { throw CommandFailure(policy: error) }
  }

  /// The profile, which a document of others is not.
  func whole() throws(CommandFailure) -> SandboxProfile {
    guard let profile else {
      throw CommandFailure(
        .badInput, "a document is no profile", place: name,
        why: "it says nothing of limits and of what is visible",
        next: "name it in \"seccomp\" of a profile")
    }
    return profile
  }
}

extension CommandFailure {
  /// A failure that is about what a profile says, and not about this machine.
  init(policy error: LaunchFailure) {
    switch (error.stage, error.errno) {
    case ("profile", 2):
      self.init(
        .notFound, "there is no such profile", place: error.subject,
        next: error.hint ?? "ls sandbox-profiles")
    case ("call", _): self.init(.usage, error.subject)
    case ("seccomp program", _):
      self.init(.internal, "the compiled program is wrong", why: error.subject)
    default:
      self.init(.badInput, "the profile is refused", why: error.subject, next: error.hint)
    }
  }
}
