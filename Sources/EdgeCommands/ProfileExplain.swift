internal import ArgumentParser
internal import EdgeJob
internal import EdgeReport
internal import EdgeSandbox

/// `edgecoder sandbox profile explain`.
struct ProfileExplain: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "Says which rule of a profile decides about a call, and why.",
    discussion: """
      Arguments are decimal, 0x hexadecimal, or a constant such as AF_INET, TIOCSTI, CLONE_NEWUSER;
      several are joined by |. What is not named is 0. The answer comes from the rules and from the
      compiled program; where these two disagree the program is wrong, and the exit code is 70.

      Example: edgecoder sandbox profile explain python socket AF_INET SOCK_STREAM
      """)

  @Argument(help: "A profile, or the path of one or of a seccomp document.")
  var name: String

  @Argument(help: "A system call by name or number.")
  var call: String

  @Argument(help: "Its arguments, up to six.")
  var arguments: [String] = []

  @OptionGroup var output: OutputOptions

  func run() throws {
    guard arguments.count <= 6 else { throw CommandFailure(.usage, "a call has six arguments") }
    let values = try arguments.map { text throws(CommandFailure) in
      guard let value = CallArgument.value(text) else {
        throw CommandFailure(
          .usage, "\(text) is no argument", next: "write a number, 0x1f, or AF_INET")
      }
      return value
    }
    let policy = try NamedPolicy.named(name)
    let answer: CallDecision
    do throws(LaunchFailure) { answer = try policy.decision(call, values) } catch {
      throw CommandFailure(policy: error)
    }
    let shown = answer.arguments.map { "0x" + String($0, radix: 16) }
    try output.render(
      Document(
        schema: "edgecoder.profile-explain/1",
        properties: [
          Property("call", Cell(answer.call)),
          Property("number", Cell(answer.number), .int(answer.number)),
          Property("arguments", Cell(shown.joined(separator: " ")), .texts(shown)),
          Property("action", Cell(answer.action)),
          Property("decidedBy", title: "decided by", Cell(answer.decidedBy)),
          Property("why", Cell(answer.why)),
          Property("program", title: "the program", Cell(answer.program)),
          Property(
            "agrees", Cell(answer.agrees ? "yes" : "no", answer.agrees ? .good : .bad),
            .bool(answer.agrees)),
        ]))
    if !answer.agrees {
      throw CommandFailure(
        .internal, "the program does not do what the rules say",
        why: "\(answer.call): \(answer.program) instead of \(answer.action)")
    }
  }
}
