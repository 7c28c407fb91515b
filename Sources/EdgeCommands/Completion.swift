internal import ArgumentParser
internal import EdgeJob

/// `edgecoder completion`.
struct Completion: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "completion",
    abstract: "Prints a completion script for a shell.",
    discussion: "Example: edgecoder completion bash > /etc/bash_completion.d/edgecoder")

  @Argument(help: "bash, zsh or fish.")
  var shell: String

  func run() throws {
    guard let kind = CompletionShell(rawValue: shell) else {
      throw CommandFailure(.usage, "unknown shell \(shell)", next: "choose bash, zsh or fish")
    }
    Console.write(EdgeCoder.completionScript(for: kind) + "\n")
  }
}
