internal import ArgumentParser
internal import EdgeJob
internal import EdgeReport
internal import EdgeSandbox

/// `edgecoder sandbox profile show`.
struct ProfileShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Shows a profile with everything that it inherits.",
    discussion: "Example: edgecoder sandbox profile show python --oci >python-seccomp.json")

  @Argument(help: "A profile, or the path of one or of a seccomp document.")
  var name: String

  @Flag(help: "The calls alone, as runc, crun and podman load them.")
  var oci = false

  /// For `scripts/bench sandbox`, which gives others the same kind of filter.
  @Flag(help: ArgumentHelp("The compiled program, as bwrap takes it.", visibility: .hidden))
  var bpf = false

  @OptionGroup var output: OutputOptions

  func run() throws {
    let policy = try NamedPolicy.named(name)
    if oci {
      do throws(LaunchFailure) {
        Console.write(try policy.oci().canonicalText + "\n")
      } catch { throw CommandFailure(policy: error) }
      return
    }
    if bpf {
      do throws(LaunchFailure) { Console.write(try policy.program()) } catch {
        throw CommandFailure(policy: error)
      }
      return
    }
    let facts = policy.facts
    let notes = facts.filter { $0.name != "notices" }.map { "\($0.name): \(text($0.value))" }
    try output.render(
      Document(
        schema: "edgecoder.profile-show/1", list: "groups",
        rows: policy.groups.map(GroupRow.init), facts: facts, notes: notes + policy.notices))
  }

  private func text(_ json: JSON) -> String {
    json.text ?? json.integer.map(String.init)
      ?? json.elements?.compactMap(\.text).joined(separator: " ")
      ?? (json.members ?? []).map { "\($0.name) \($0.value.text ?? "")" }.joined(separator: ", ")
  }
}

/// One group of calls.
private struct GroupRow: Row {
  let group: NamedPolicy.Group

  static let columns = [
    Column("GROUP", .right), Column("ACTION"), Column("IF", canShrink: true),
    Column("CALLS", canShrink: true), Column("WHY", canShrink: true),
  ]

  var cells: [Cell] {
    [
      group.number.map { Cell(Int64($0)) } ?? .none, Cell(group.action),
      group.condition.isEmpty ? .none : Cell(group.condition),
      Cell(group.calls.joined(separator: " ")), group.why.map { Cell($0) } ?? .none,
    ]
  }

  var plain: String { group.calls.joined(separator: "\n") }

  var json: JSON {
    .members([
      ("group", group.number.map { .int(Int64($0)) }), ("action", .string(group.action)),
      ("if", group.condition.isEmpty ? nil : .string(group.condition)),
      ("calls", .texts(group.calls)), ("why", group.why.map { .string($0) }),
    ])
  }
}
