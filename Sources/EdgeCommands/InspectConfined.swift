internal import EdgeArchive
internal import EdgeJob
internal import EdgeSandbox
internal import EdgeSystem

/// The inside of the inspecting process: confines itself, reads the archive on standard input,
/// answers with one JSON document. Nothing of this process is trusted afterwards.
enum InspectConfined {
  /// What follows the program's name. No command: it is compared before any parsing, which would
  /// take most of the time.
  static let arguments = ["inspect", "--confined"]

  static func run() throws {
    // Everything that needs files happens before the confinement.
    let profile = try SandboxProfile.load("inspect")
    try confineSelf(profile: profile)
    let answer: JSON
    var code: EdgeJob.ExitCode = .done
    do throws(Refusal) {
      answer = try inspectTask(0, limits: .task).json
    } catch {
      answer = error.json
      code = .badInput
    }
    try EdgeSystem.write(answer.canonical, to: 1)
    Standard.exit(code.rawValue)
  }
}
