package import EdgeJob
package import EdgeSystem

/// A task directory that was read and passes every check that packing makes, except those of its
/// files' content.
package struct TaskDirectory: Hashable, Sendable {
  package let manifest: TaskManifest
  /// Members that an archive of it would have.
  package let members: Int
  /// Bytes of all its files together.
  package let bytes: Int64

  /// Reads and checks an open task directory.
  package init(reading directory: borrowing Directory, limits: ArchiveLimits = .task)
    throws(ArchiveError)
  {
    var tree = TaskTree(limits: limits)
    try tree.add(directory, prefix: "", isRoot: true)
    manifest = try tree.checked()
    members = tree.table.members.count
    bytes = tree.table.bytes
  }
}
