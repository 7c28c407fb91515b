package import EdgeSystem

extension Spool {
  /// What a file system must have left before more is taken in: enough to finish and to settle what
  /// was begun.
  package static let lowestRoom = Room(bytes: 16 << 20, files: 256)

  /// What is left for the spool, to who owns it; nil where that cannot be told.
  package func room() -> Room? { try? root.room() }

  /// Why nothing more should be taken in at present; nil where it may.
  package func shortage() -> String? {
    guard let room = room() else { return nil }
    if room.bytes < Spool.lowestRoom.bytes {
      return "\(room.bytes >> 20) MiB are left on the spool's disk, "
        + "\(Spool.lowestRoom.bytes >> 20) are needed"
    }
    if room.files < Spool.lowestRoom.files {
      return "\(room.files) files are left on the spool's disk, "
        + "\(Spool.lowestRoom.files) are needed"
    }
    return nil
  }

  /// Tries whether the spool takes a file, durably, and leaves none.
  package func checkWritable() throws(SpoolError) {
    try Spool.calls { () throws(SystemError) in
      let file = try root.directory(Layout.temporary).unnamedFile()
      try file.write([UInt8](repeating: 0, count: 1 << 16))
      try file.sync()
    }
  }
}
