internal import ArgumentParser
internal import EdgeJob
internal import EdgeReport
internal import EdgeSandbox

/// `edgecoder sandbox profile lint`.
struct ProfileLint: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lint", abstract: "Finds rules that do not mean what they seem to mean.",
    discussion: """
      The exit code is 65 where there are errors; warnings alone leave it 0.

      Example: edgecoder sandbox profile lint docker-default.json
      """)

  @Argument(help: "A profile, or the path of one or of a seccomp document.")
  var name: String

  @OptionGroup var output: OutputOptions

  func run() throws {
    let rows = try findings().map(FindingRow.init)
    try output.render(
      Document(
        schema: "edgecoder.profile-lint/1", list: "findings", rows: rows,
        facts: [JSON.Member("name", .string(name))],
        notes: rows.isEmpty ? ["nothing is wrong with \(name)"] : []))
    if rows.contains(where: { $0.finding.severity == .error }) {
      throw ArgumentParser.ExitCode(EdgeJob.ExitCode.badInput.rawValue)
    }
  }

  /// What cannot be read at all is a finding too.
  private func findings() throws(CommandFailure) -> [LintFinding] {
    do throws(LaunchFailure) {
      return try NamedPolicy.load(name).lint()
    } catch {
      if error.errno != 0 { throw CommandFailure(policy: error) }
      return [LintFinding(unreadable: error.subject)]
    }
  }
}

private struct FindingRow: Row {
  let finding: LintFinding

  static let columns = [Column("SEVERITY"), Column("CODE"), Column("TEXT")]

  var cells: [Cell] {
    [
      Cell(finding.severity.rawValue, finding.severity == .error ? .bad : .warning),
      Cell(finding.code), Cell(finding.text),
    ]
  }

  var plain: String { finding.code }

  var json: JSON {
    [
      "severity": .string(finding.severity.rawValue), "code": .string(finding.code),
      "text": .string(finding.text),
    ]
  }
}
