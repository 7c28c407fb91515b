internal import EdgeArchive
internal import EdgeJob
internal import EdgeSandbox
internal import EdgeSystem

/// The files of one job: its archive, and where the parts go.
struct JobFiles {
  let ticket: Ticket
  /// A borrowed descriptor of the blob.
  let archive: Int32
  private let process: ArchiveProcess?
  /// Files of the snapshot that no candidate and no command may change before the tests run.
  let protected: [PathPattern]

  init(ticket: Ticket, archive: Int32, process: ArchiveProcess?) {
    self.process = process
    self.ticket = ticket
    self.archive = archive
    protected = ticket.manifest.protected.map(PathPattern.init)
  }

  /// Snapshot and candidate into a workspace, and the hidden tests beside it where this is the
  /// verify phase.
  func unpack(into workspace: borrowing Workspace, withTests: Bool) throws {
    var parts = Parts(
      source: workspace.directory.raw, attachments: nil, candidate: workspace.directory.raw,
      protected: protected)
    let unpacked: Unpacked
    if withTests {
      let tests = try workspace.area("tests")
      parts.tests = tests.raw
      unpacked = try unpack(parts)
    } else {
      unpacked = try unpack(parts)
    }
    guard let patch = unpacked.patch else { return }
    let protected = protected
    do throws(ApplyPatch.Mismatch) {
      try ApplyPatch.apply(patch, to: workspace.directory, owner: nil) { path in
        protected.contains { $0.matches(path) }
      }
    } catch {
      throw LaunchFailure(
        stage: "arguments", errno: 0, subject: "the patch does not apply: \(error.reason)")
    }
  }

  /// The hidden tests and the protected files of the snapshot, into a workspace that holds a copy
  /// of what the first phase left.
  func unpackTests(into workspace: borrowing Workspace) throws {
    let tests = try workspace.area("tests")
    var parts = Parts()
    parts.tests = tests.raw
    let kept = protected
    let snapshot = workspace.directory.raw
    _ = try unpackTask(
      archive, in: process, expecting: (blob: ticket.blob, task: ticket.task), limits: .task
    ) { part, path in
      if part == .source, kept.contains(where: { $0.matches(path) }) {
        return UnpackTarget(directory: snapshot)
      }
      return parts.target(part, path)
    }
  }

  /// The snapshot alone, as it was.
  func unpackSource(into directory: borrowing Directory) throws {
    _ = try unpack(Parts(source: directory.raw))
  }

  private func unpack(_ parts: Parts) throws(UnpackError) -> Unpacked {
    try unpackTask(
      archive, in: process, expecting: (blob: ticket.blob, task: ticket.task), limits: .task,
      route: parts.target)
  }
}
