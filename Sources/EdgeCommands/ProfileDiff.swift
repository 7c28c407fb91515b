internal import ArgumentParser
internal import EdgeJob
internal import EdgeReport
internal import EdgeSandbox

/// `edgecoder sandbox profile diff`.
struct ProfileDiff: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff", abstract: "Shows what two profiles say differently.",
    discussion: "Example: edgecoder sandbox profile diff python docker-default.json")

  @Argument(help: "A profile, or the path of one or of a seccomp document.")
  var left: String

  @Argument(help: "The other one.")
  var right: String

  @OptionGroup var output: OutputOptions

  func run() throws {
    let (first, second) = (try NamedPolicy.named(left), try NamedPolicy.named(right))
    let rows: [DifferenceRow]
    do throws(LaunchFailure) {
      rows = try first.differences(second).map(DifferenceRow.init)
    } catch { throw CommandFailure(policy: error) }
    try output.render(
      Document(
        schema: "edgecoder.profile-diff/1", list: "differences", rows: rows,
        facts: [JSON.Member("left", .string(left)), JSON.Member("right", .string(right))],
        notes: rows.isEmpty ? ["they say the same"] : []))
  }
}

/// One difference as a row.
struct DifferenceRow: Row {
  let difference: PolicyDifference

  static let columns = [
    Column("KIND"), Column("NAME"), Column("LEFT", canShrink: true),
    Column("RIGHT", canShrink: true),
  ]

  var cells: [Cell] {
    [
      Cell(difference.kind), Cell(difference.name),
      difference.left.map { Cell($0) } ?? .none, difference.right.map { Cell($0) } ?? .none,
    ]
  }

  var plain: String { difference.name.isEmpty ? difference.kind : difference.name }

  var json: JSON {
    .members([
      ("kind", .string(difference.kind)), ("name", .string(difference.name)),
      ("left", difference.left.map { .string($0) }),
      ("right", difference.right.map { .string($0) }),
    ])
  }
}
