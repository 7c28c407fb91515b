package import EdgeJob
package import EdgeSystem
internal import Glibc

/// The solution that a verify task judges.
package enum CandidateSource: Hashable, Sendable {
  /// A directory whose files are laid over the snapshot.
  case directory(String)
  /// A unified diff against the snapshot.
  case patch(String)
}

/// Packs a task directory into an archive, tar.zst: `task.toml` first, the rest sorted by bytes.
///
/// What it writes is checked by the rules of the reader, so it can be inspected and unpacked.
/// - Parameters:
///   - candidate: replaces what the directory itself has as candidate.
///   - file: a borrowed descriptor, written from its current offset.
/// - Throws: what cannot be packed, and why.
package func packTask(
  _ directory: borrowing Directory, candidate: CandidateSource? = nil, to file: Int32,
  limits: ArchiveLimits = .task
) throws(ArchiveError) -> Inspection {
  var tree = TaskTree(limits: limits)
  try tree.add(directory, prefix: "", isRoot: true, replacesCandidate: candidate != nil)
  switch candidate {
  case nil: break
  case .directory(let path):
    let overlay = try packing(path) { () throws(SystemError) in try Directory(path: path) }
    try tree.add(overlay, prefix: ArchivePart.candidate.rawValue + "/")
  case .patch(let path): try tree.add(file: path, as: ArchiveFile.patch.rawValue)
  }
  let manifest = try tree.checked()
  let writer = try TarWriter(to: .file(file))
  var contents: [[UInt8]: [UInt8]] = [:]
  for entry in tree.sorted() {
    try writer.begin(entry.member)
    if entry.member.kind == .file {
      contents[Array(entry.member.name.utf8)] = try entry.copy(from: directory, candidate, writer)
    }
    try writer.end(entry.member)
  }
  guard contents[Array(ArchiveFile.manifest.rawValue.utf8)] == Hash.sha256(tree.manifest) else {
    throw ArchiveError("pack task.toml", why: "it changed meanwhile")
  }
  let end = try writer.finish()
  guard end.unpacked <= limits.streamBytes(size: end.bytes) else {
    throw ArchiveError(
      "pack \(directory.name)",
      why: "\(end.unpacked) bytes compress to \(end.bytes), which readers take for a bomb",
      hint: "Leave out large files that hold the same bytes again and again.")
  }
  return Inspection(
    blob: end.blob, task: ArchiveWalk.digest(tree.table, contents), manifest: manifest,
    members: Int64(tree.table.members.count), bytes: tree.table.bytes)
}

/// Says which member a system call failed on.
func packing<Result: ~Copyable>(_ name: String, _ body: () throws(SystemError) -> Result)
  throws(ArchiveError) -> Result
{
  do { return try body() } catch { throw ArchiveError("pack \(MemberName.shown(name))", error) }
}

/// A member and where its content lies.
struct TaskTreeEntry {
  let member: Member
  /// The path below the task directory or the overlay; nil for the patch.
  let path: String?
  let isOverlay: Bool

  /// Copies the content.
  /// - Returns: its SHA-256.
  func copy(from directory: borrowing Directory, _ candidate: CandidateSource?, _ writer: TarWriter)
    throws(ArchiveError) -> [UInt8]
  {
    let file = try open(directory, candidate)
    let status = try packing(member.name) { () throws(SystemError) in try file.status() }
    guard status.kind == .file, status.size == member.size else {
      throw ArchiveError("pack \(MemberName.shown(member.name))", why: "it changed meanwhile")
    }
    return try writer.copy(file.raw, member.size, member.name)
  }

  private func open(_ directory: borrowing Directory, _ candidate: CandidateSource?)
    throws(ArchiveError) -> Descriptor
  {
    // O_NONBLOCK: a FIFO that was put here meanwhile must not stop us.
    let flags = O_RDONLY | O_NONBLOCK
    switch (candidate, isOverlay) {
    case (.directory(let root), true):
      return try packing(member.name) { () throws(SystemError) in
        try Directory(path: root).open(path ?? "", flags)
      }
    case (.patch(let path), true): return try TaskTree.openFile(path)
    default:
      return try packing(member.name) { () throws(SystemError) in
        try directory.open(path ?? "", flags)
      }
    }
  }
}
