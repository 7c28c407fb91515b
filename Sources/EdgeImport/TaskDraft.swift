internal import EdgeJob

/// One task before it is written: the manifest and every file below the task directory.
struct TaskDraft {
  var manifest: TaskManifest
  /// The bytes of `instruction.md`.
  var instruction: [UInt8]
  /// Files and directories below `source/`, `tests/` and `solution/`.
  var members: [Member] = []
  /// Why the task cannot reach a fair verdict here; empty for most.
  var reasons: [String] = []

  /// A file, or a directory that may be empty.
  struct Member {
    let path: String
    /// nil for a directory.
    let bytes: [UInt8]?
    let executable: Bool
  }

  /// The manifest as it is written: with the notices and reasons in a table `x_import`, since
  /// notices are otherwise what a reader finds.
  func manifest(from format: ImportFormat) -> TaskManifest {
    var manifest = manifest
    manifest.extensions["x_import"] =
      JSON.members([
        ("format", .string(format.rawValue)),
        ("notices", manifest.notices.isEmpty ? nil : .texts(manifest.notices)),
        ("not_runnable", reasons.isEmpty ? nil : .texts(reasons)),
      ]).canonicalText
    manifest.notices = []
    return manifest
  }

  mutating func add(_ path: String, _ bytes: [UInt8], executable: Bool = false) {
    members.append(Member(path: path, bytes: bytes, executable: executable))
  }

  mutating func add(_ path: String, _ text: String) { add(path, Array(text.utf8)) }

  mutating func addDirectory(_ path: String) {
    members.append(Member(path: path, bytes: nil, executable: false))
  }
}

/// What reading one task of a collection gives.
enum Draft {
  case task(TaskDraft)
  /// The task's name in the collection, and why it is refused.
  case refused(name: String, reason: String)

  var name: String {
    switch self {
    case .task(let task): task.manifest.name
    case .refused(let name, _): name
    }
  }
}
