/// Where members of one part are written, and to whom they belong.
package struct UnpackTarget: Hashable, Sendable {
  /// A borrowed descriptor of the directory; it must stay open while unpacking.
  package var directory: Int32
  /// The uid and gid that files and directories are given; nil leaves them to the caller's.
  package var owner: UInt32?
  /// Where two parts go to one directory: of two files with the same path the higher layer stays,
  /// whatever their order in the archive. Within a layer a second file is an error.
  package var layer: Int

  package init(directory: Int32, owner: UInt32? = nil, layer: Int = 0) {
    self.directory = directory
    self.owner = owner
    self.layer = layer
  }
}

/// What was unpacked, besides the files on the disk.
package struct Unpacked: Sendable {
  /// Files and links that were written.
  package let written: Int
  /// The text of `instruction.md`, where there is one.
  package let instruction: String?
  /// The bytes of `candidate.patch`, where there is one.
  package let patch: [UInt8]?
  /// Bytes of all members together, also of those that were skipped.
  package let bytes: Int64
}
