internal import EdgeSystem

/// Which files of an overlay may differ from the snapshot below it, found without reading what was
/// never touched: an entry that the upper layer lacks is as it was.
///
/// Names come from the program and are only compared. A whiteout or an opaque directory of the
/// upper layer shows itself by what is missing from the merged view; its marks are not believed.
struct ChangedFiles {
  /// Paths of regular files and links on either side.
  private(set) var paths: Set<String> = []
  /// False where there were more than could be looked at.
  private(set) var isComplete = true
  private var left: Int

  private static let depthMax = 64

  init(
    snapshot: borrowing Directory, workspace: borrowing Directory, upper: borrowing Directory,
    atMost most: Int
  ) throws(SystemError) {
    left = most
    try compare("", snapshot, workspace, upper, depth: 0)
  }

  private mutating func compare(
    _ prefix: String, _ old: borrowing Directory, _ new: borrowing Directory,
    _ upper: borrowing Directory, depth: Int
  ) throws(SystemError) {
    guard depth < ChangedFiles.depthMax else {
      isComplete = false
      return
    }
    let before = Set(try ChangedFiles.texts(old))
    let after = Set(try ChangedFiles.texts(new))
    for name in before.subtracting(after) { try addAll(prefix, name, old) }
    for name in after.subtracting(before) { try addAll(prefix, name, new) }
    for name in try ChangedFiles.texts(upper) where before.contains(name) && after.contains(name) {
      left -= 1
      let isBefore = try old.status(name).kind == .directory
      let isBoth = try new.status(name).kind == .directory && isBefore
      if isBoth, let above = try? upper.directory(name) {
        try compare(
          prefix + name + "/", try old.directory(name), try new.directory(name), above,
          depth: depth + 1)
      } else if !isBoth {
        try addAll(prefix, name, old)
        try addAll(prefix, name, new)
      }
      guard left > 0 else {
        isComplete = false
        return
      }
    }
  }

  /// Names that are text; others cannot stand in a patch.
  private static func texts(_ directory: borrowing Directory) throws(SystemError) -> [String] {
    try directory.names().compactMap { String(validating: $0, as: UTF8.self) }
  }

  /// The name itself, or all that is below it.
  private mutating func addAll(
    _ prefix: String, _ name: String, _ directory: borrowing Directory
  ) throws(SystemError) {
    guard left > 0 else {
      isComplete = false
      return
    }
    guard (try? directory.status(name).kind) == .directory,
      let folder = try? directory.directory(name)
    else {
      left -= 1
      paths.insert(prefix + name)
      return
    }
    let (entries, isWhole) = try folder.walk(atMost: max(0, left))
    left -= entries.count
    if !isWhole { isComplete = false }
    for entry in entries where entry.status.kind != .directory {
      if let path = entry.name { paths.insert(prefix + name + "/" + path) }
    }
  }
}
