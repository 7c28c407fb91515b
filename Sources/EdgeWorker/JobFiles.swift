internal import EdgeArchive
internal import EdgeJob
internal import EdgeSandbox
internal import EdgeSystem
internal import Glibc

/// The files of one job: its archive, and where the parts go.
struct JobFiles {
  let ticket: Ticket
  /// A borrowed descriptor of the blob.
  let archive: Int32
  private let process: ArchiveProcess?
  private let snapshots: Snapshots
  /// Files of the snapshot that no candidate and no command may change before the tests run.
  let protected: [PathPattern]

  init(ticket: Ticket, archive: Int32, preparation: Preparation) {
    process = preparation.archives
    snapshots = preparation.snapshots
    self.ticket = ticket
    self.archive = archive
    protected = ticket.manifest.protected.map(PathPattern.init)
  }

  /// Snapshot and candidate into a workspace, and the hidden tests beside it where this is the
  /// verify phase.
  /// - Returns: the snapshot that the workspace lies over, where the sandbox can do that.
  func unpack(
    into workspace: inout Workspace, of sandbox: Sandbox, withTests: Bool
  ) throws -> Snapshot? {
    let known = sandbox.hasSnapshots ? snapshots.find(ticket.blob) : nil
    // Its bytes were compared with both digests when the snapshot was made.
    if let known, known.isAll, !withTests {
      try sandbox.lay(&workspace, over: known.snapshot)
      return known.snapshot
    }
    let snapshot =
      sandbox.hasSnapshots ? try known?.snapshot ?? Snapshot(limits: ticket.manifest.limits) : nil
    let (patch, hasCandidate) = try fill(
      workspace, known == nil ? snapshot?.directory.raw ?? workspace.directory.raw : nil, withTests)
    if let snapshot {
      if known == nil {
        snapshots.keep(snapshot, of: ticket.blob, isAll: patch == nil && !hasCandidate)
      }
      try sandbox.lay(&workspace, over: snapshot)
    }
    if let patch { try apply(patch, to: workspace) }
    if workspace.isOverfull {
      throw SystemError("unpack", errno: ENOSPC, subject: "workspace")
    }
    return snapshot
  }

  /// - Parameter source: where the snapshot goes; nil where it is there.
  /// - Returns: the candidate's patch, and whether the candidate has files.
  private func fill(_ workspace: borrowing Workspace, _ source: Int32?, _ withTests: Bool) throws
    -> (patch: [UInt8]?, hasCandidate: Bool)
  {
    var parts = Parts(
      source: source, attachments: nil, candidate: workspace.directory.raw, protected: protected)
    guard withTests else { return try unpackNoting(parts) }
    let tests = try workspace.area("tests")
    parts.tests = tests.raw
    return try unpackNoting(parts)
  }

  private func unpackNoting(_ parts: Parts) throws -> (patch: [UInt8]?, hasCandidate: Bool) {
    var hasCandidate = false
    let unpacked = try unpackTask(
      archive, in: process, expecting: (blob: ticket.blob, task: ticket.task), limits: .task
    ) { part, path in
      if part == .candidate { hasCandidate = true }
      return parts.target(part, path)
    }
    return (unpacked.patch, hasCandidate)
  }

  private func apply(_ patch: [UInt8], to workspace: borrowing Workspace) throws {
    let protected = protected
    do throws(ApplyPatch.Mismatch) {
      try ApplyPatch.apply(patch, to: workspace.directory, owner: workspace.owner) { path in
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
