internal import ArgumentParser
internal import EdgeJob
internal import EdgeReport
internal import EdgeSystem

/// Runs the command line of this process and ends it with one of the codes of `EdgeJob.ExitCode`.
///
/// Synchronous on purpose: the executor of an asynchronous main may start a thread, which a process
/// that has confined itself may not.
package func runEdgeCoder() {
  Signals.ignoreBrokenPipes()
  do {
    if CommandLine.arguments.dropFirst().elementsEqual(ArchiveConfined.arguments) {
      try ArchiveConfined.serve()
    }
    if try QuickSubmit.run(Array(CommandLine.arguments.dropFirst())) { return }
    var command = try EdgeCoder.parseAsRoot()
    try command.run()
  } catch {
    if let failure = CommandFailure(any: error) {
      Console.error(failure.text)
      Standard.exit(failure.code.rawValue)
    }
    if let code = error as? ArgumentParser.ExitCode { Standard.exit(code.rawValue) }
    EdgeCoder.exit(withError: error)
  }
}

/// The root of the command line.
struct EdgeCoder: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "edgecoder",
    abstract: "Runs coding tasks as batch jobs on machines you own.",
    discussion: """
      Example: edgecoder run queue/examples/hello.shell

      Exit codes:
      \(EdgeJob.ExitCode.allCases.map { "\($0.rawValue): \($0.meaning)" }.joined(separator: "\n"))
      """,
    version: Version.text,
    groupedSubcommands: [
      CommandGroup(
        name: "Tasks",
        subcommands: [Pack.self, Inspect.self, Unpack.self, Validate.self, Import.self]),
      CommandGroup(
        name: "Jobs",
        subcommands: [
          Run.self, Submit.self, Wait.self, Status.self, Logs.self, Result.self, Cancel.self,
          Hold.self, Release.self, Retry.self, Resume.self,
        ]),
      CommandGroup(
        name: "Site",
        subcommands: [
          Init.self, Daemon.self, Workers.self, DrainCommand.self, Undrain.self,
          WorkerCommand.self, Schedule.self, Settle.self, PolicyCommand.self,
          LedgerCommand.self, AccountCommand.self, Prune.self, Fsck.self, Doctor.self,
          Power.self, SandboxCommand.self,
          Demo.self, Completion.self,
        ]),
    ])
}

/// Which build this is.
enum Version {
  static let text = "0.1.0"
}
