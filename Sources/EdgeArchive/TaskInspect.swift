package import EdgeJob
internal import EdgeSystem

/// Reads a whole task archive, checks every rule, and says what the task is; nothing is written.
/// - Parameter file: a borrowed descriptor of a regular file that nobody else may change; its
///   offset is moved.
/// - Throws: what is wrong with the archive, naming the member.
package func inspectTask(_ file: Int32, limits: ArchiveLimits = .task) throws(Refusal) -> Inspection
{
  let blob = try blobDigest(file)
  var sink = TaskFiles(limits: limits)
  let walk: ArchiveWalk
  do {
    walk = try ArchiveWalk.run(
      try refusing { () throws(Refusal) in try openArchive(file, limits) }, limits, into: &sink)
  } catch {
    switch error {
    case .refused(let refusal): throw refusal
    case .system(let error): throw Refusal(error.description)
    }
  }
  let manifest = try sink.manifest()
  try checkTask(walk.table, manifest)
  return Inspection(
    blob: blob, task: walk.task, manifest: manifest, members: Int64(walk.table.members.count),
    bytes: walk.table.bytes)
}

/// Checks what only all members together can tell.
func checkTask(_ table: MemberTable, _ manifest: TaskManifest) throws(Refusal) {
  for file in manifest.verifier?.files ?? [] where !table.contains(file: "tests/\(file)") {
    throw Refusal("task.toml: [verifier] files names \(MemberName.shown(file)), not in tests/")
  }
  if table.contains(ArchiveFile.patch.rawValue), table.contains(ArchivePart.candidate.rawValue) {
    throw Refusal("both candidate/ and candidate.patch: a task has one candidate")
  }
  try table.checkOverlay()
}

/// Refuses what has no place in a task archive, and keeps the files at its top.
struct TaskFiles: MemberSink {
  private let limits: ArchiveLimits
  private(set) var texts: [ArchiveFile: [UInt8]] = [:]
  private var current: ArchiveFile?

  init(limits: ArchiveLimits) { self.limits = limits }

  mutating func begin(_ member: Member) throws(UnpackError) {
    current = nil
    try refusing { () throws(Refusal) in try TaskFiles.check(member, limits) }
    if case .file(let file) = ArchivePlace(member.name) {
      texts[file] = []
      current = file
    }
  }

  mutating func write(_ bytes: UnsafeRawBufferPointer) throws(UnpackError) {
    if let current { texts[current]?.append(contentsOf: bytes) }
  }

  mutating func end(_ member: Member, content: [UInt8]) throws(UnpackError) {}

  /// Checks one member against the layout of a task archive.
  static func check(_ member: Member, _ limits: ArchiveLimits) throws(Refusal) {
    let shown = MemberName.shown(member.name)
    if member.name.lowercased().split(separator: "/").contains(".git") {
      throw Refusal("\(shown): a .git is no part of a snapshot; leave it out")
    }
    switch ArchivePlace(member.name) {
    case nil:
      throw Refusal("\(shown): no place in a task archive, which has \(ArchivePlace.list)")
    case .part(let part, ""):
      guard member.kind == .directory else { throw Refusal("\(part.rawValue): no directory") }
    case .part: break
    case .file(let file):
      guard member.kind == .file else { throw Refusal("\(shown): no regular file") }
      let most =
        switch file {
        case .manifest: limits.manifestBytes
        case .instruction: limits.instructionBytes
        case .patch: limits.patchBytes
        }
      guard member.size <= most else { throw Refusal("\(shown): larger than \(most) bytes") }
    }
  }

  /// The task as `task.toml` describes it.
  func manifest() throws(Refusal) -> TaskManifest {
    guard let bytes = texts[.manifest] else {
      throw Refusal("task.toml is missing; pack the inside of the task's directory")
    }
    if let text = texts[.instruction], String(validating: text, as: UTF8.self) == nil {
      throw Refusal("instruction.md: not UTF-8")
    }
    do {
      return try readManifest(bytes, file: ArchiveFile.manifest.rawValue)
    } catch { throw Refusal(error.description) }
  }
}
