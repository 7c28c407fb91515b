internal import ArgumentParser
internal import EdgeJob
internal import EdgeReport
internal import EdgeSandbox
internal import EdgeSystem
internal import EdgeWorker

/// `edgecoder sandbox`.
struct SandboxCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sandbox", abstract: "The sandbox by itself.",
    discussion: "Example: edgecoder sandbox run --profile strict -- /bin/true",
    subcommands: [SandboxRun.self, SandboxLearn.self, SandboxProfileCommand.self])
}
