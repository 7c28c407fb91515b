internal import EdgeArchive
internal import EdgeJob
internal import EdgeSandbox
internal import EdgeSystem
internal import Glibc

/// Collects what the first phase left: artifacts, and the patch against the snapshot. Every
/// process of the job is dead by now; names and contents are still hostile.
struct Collect {
  let job: JobFiles
  /// Borrowed: the workspace lives as long as the caller holds it.
  private let raw: Int32
  /// What the workspace lies over; nil where it has the files itself.
  private let snapshot: Snapshot?

  /// Bytes of all artifacts together.
  private static let artifactBytesMax: Int64 = 64 << 20
  /// Bytes of the files that may differ, on each side, up to which a patch is made.
  private static let patchSourceBytesMax: Int64 = 8 << 20
  private static let patchBytesMax = 4 << 20
  private static let patchFilesMax = 5000

  init(job: JobFiles, workspace: borrowing Directory, snapshot: Snapshot?) {
    self.job = job
    self.snapshot = snapshot
    raw = workspace.raw
  }

  /// - Parameter upper: the upper layer of the workspace, where it lies over a snapshot.
  func collect(_ attempt: inout Attempt, upper: borrowing Directory) throws {
    let descriptor = try duplicate()
    let workspace = Directory(owning: descriptor, name: "workspace")
    try artifacts(workspace, &attempt)
    try patch(workspace, upper, &attempt)
  }

  private func duplicate() throws -> Descriptor {
    let copy = fcntl(raw, F_DUPFD_CLOEXEC, 3)
    guard copy >= 0 else { throw SystemError("dup", "workspace") }
    return Descriptor(owning: copy)
  }

  private func artifacts(_ workspace: borrowing Directory, _ attempt: inout Attempt) throws {
    let isPassed = attempt.outcome == .verdict(.passed)
    let wanted = job.ticket.manifest.artifacts.filter {
      switch $0.when {
      case .always: true
      case .success: isPassed
      case .failure: !isPassed
      }
    }
    if wanted.isEmpty { return }
    var left = Collect.artifactBytesMax
    let (entries, _) = try workspace.walk(atMost: Int(job.ticket.manifest.limits.files))
    for artifact in wanted {
      let pattern = PathPattern(artifact.path)
      var isFound = false
      for entry in entries where entry.status.kind == .file {
        guard let name = entry.name, pattern.matches(name) else { continue }
        guard ResultMember.canBeNamed("artifacts/\(name)") else {
          attempt.notices.append("an artifact was left out: no archive takes its name")
          continue
        }
        guard entry.status.size <= min(artifact.bytesMax, left),
          let bytes = try? workspace.read(name, atMost: Int(min(artifact.bytesMax, left)))
        else {
          attempt.notices.append("artifact \(name) is larger than allowed and was left out")
          continue
        }
        left -= Int64(bytes.count)
        isFound = true
        attempt.members.append(
          ResultMember(name: "artifacts/\(name)", bytes: bytes, mode: entry.status.mode))
      }
      if artifact.required, !isFound, isPassed {
        attempt.outcome = .verdict(.refused(reason: "the artifact \(artifact.path) is missing"))
      }
    }
  }

  private func patch(
    _ workspace: borrowing Directory, _ upper: borrowing Directory, _ attempt: inout Attempt
  ) throws {
    let sides = try sides(workspace, upper)
    guard let (old, new) = sides else {
      attempt.notices.append("the workspace is too large for patch.diff")
      return
    }
    var text = ""
    for path in Set(old.keys).union(new.keys).sorted() where old[path] != new[path] {
      text += UnifiedDiff.text(path: path, old: old[path], new: new[path])
      if text.utf8.count > Collect.patchBytesMax {
        attempt.notices.append("patch.diff would be too large and was left out")
        return
      }
    }
    if !text.isEmpty {
      attempt.members.append(ResultMember(name: "patch.diff", bytes: Array(text.utf8)))
    }
  }

  /// Files that may differ, before and after; nil where they are too many or too large.
  private func sides(_ workspace: borrowing Directory, _ upper: borrowing Directory) throws
    -> ([String: [UInt8]], [String: [UInt8]])?
  {
    guard let snapshot else {
      let memory = try Scratch()
      try job.unpackSource(into: memory.directory)
      guard let old = try files(memory.directory), let new = try files(workspace) else {
        return nil
      }
      return (old, new)
    }
    let changed = try ChangedFiles(
      snapshot: snapshot.directory, workspace: workspace, upper: upper,
      atMost: Collect.patchFilesMax)
    guard changed.isComplete, let old = read(changed.paths, snapshot.directory),
      let new = read(changed.paths, workspace)
    else { return nil }
    return (old, new)
  }

  /// Every regular file of a directory; nil where they are too many or too large.
  private func files(_ directory: borrowing Directory) throws -> [String: [UInt8]]? {
    let (entries, isComplete) = try directory.walk(atMost: Collect.patchFilesMax)
    guard isComplete else { return nil }
    return read(Set(entries.compactMap(\.name)), directory)
  }

  /// Those of the names that a patch can hold and that are regular files.
  private func read(_ names: Set<String>, _ directory: borrowing Directory) -> [String: [UInt8]]? {
    var files: [String: [UInt8]] = [:]
    var bytes: Int64 = 0
    for name in names where name.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) {
      guard let status = try? directory.status(name), status.kind == .file else { continue }
      bytes += status.size
      if bytes > Collect.patchSourceBytesMax { return nil }
      files[name] = try? directory.read(name, atMost: Int(Collect.patchSourceBytesMax))
    }
    return files
  }
}
