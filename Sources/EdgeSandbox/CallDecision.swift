/// What a policy says of one call, and by which of its rules.
package struct CallDecision: Hashable, Sendable {
  /// The name of the call.
  package let call: String
  /// Of this machine's architecture.
  package let number: Int64
  /// Six of them.
  package let arguments: [UInt64]
  /// What happens to it.
  package let action: String
  /// Such as `group 3`, `default` or `kill`.
  package let decidedBy: String
  package let why: String
  /// What the compiled program answers.
  package let program: String
  /// False where the program does something else than the rules say: then we are wrong.
  package let agrees: Bool
}

extension NamedPolicy {
  /// Which rule decides about a call, found in the rules and by evaluating the program.
  /// - Parameter call: its name, or its number.
  /// - Throws: stage `call` where it does not exist here, `seccomp compile` where the policy is no
  ///   program.
  package func decision(_ call: String, _ arguments: [UInt64]) throws(LaunchFailure)
    -> CallDecision
  {
    let number = try NamedPolicy.number(call)
    let asked = SeccompCall(
      number: number, architecture: ResolvedPolicy.architecture,
      arguments: Array((arguments + Array(repeating: 0, count: 6)).prefix(6)))
    let filter = try SeccompFilter.of(policy)
    let answer: SeccompAction
    do throws(SeccompProgram.Failure) {
      answer = try SeccompProgram(filter.instructions).evaluate(asked)
    } catch {
      throw LaunchFailure(stage: "seccomp program", errno: 0, subject: error.description)
    }
    let resolved = ResolvedPolicy(policy)
    let decision = resolved.decision(asked)
    let action = resolved.action(decision, reporting: false)
    let (by, why) = reason(decision)
    let name = SyscallTable.name(of: Int32(bitPattern: number))
    let isUnasked = SyscallNumbers.unasked.contains(name)
    return CallDecision(
      call: name, number: Int64(number),
      arguments: asked.arguments,
      action: decision == .kill ? "end the run" : action?.description ?? "conflict",
      decidedBy: by, why: isUnasked ? "\(why); newer kernels do not ask" : why,
      program: answer.description, agrees: action == answer)
  }

  private static func number(_ call: String) throws(LaunchFailure) -> UInt32 {
    if let value = CallArgument.value(call), let number = UInt32(exactly: value) { return number }
    switch SyscallTable.find(call) {
    case .number(let number): return UInt32(bitPattern: number)
    case .elsewhere:
      throw LaunchFailure(
        stage: "call", errno: 0, subject: "\(call) does not exist on this architecture")
    case .unknown:
      throw LaunchFailure(stage: "call", errno: 0, subject: "\(call) is no call that is known here")
    }
  }

  private func reason(_ decision: ResolvedPolicy.Decision) -> (by: String, why: String) {
    switch decision {
    case .architecture: ("architecture", "calls in another convention are killed")
    case .newer:
      ("newer", "it is newer than \(SyscallTable.newest), the last number that is known here")
    case .kill: ("kill", "no honest program makes it")
    case .group(let index):
      ("group \(index + 1)", policy.rules[index].why ?? "the document gives no reason")
    case .conflict(let groups):
      (
        "groups \(groups.map { String($0 + 1) }.joined(separator: ", "))",
        "they say different things"
      )
    case .standard: ("default", "no group holds for it")
    }
  }
}
