internal import EdgeSystem

extension Spool {
  /// Below so many bytes left nothing more is taken in: the rest is for what was begun. On a small
  /// file system a tenth of it.
  private static let lowestBytes: Int64 = 16 << 20
  /// The same for names that can still be made.
  private static let lowestFiles: Int64 = 256

  /// Why nothing more should be taken in at present; nil where it may, or that cannot be told.
  package func shortage() -> String? {
    guard let room = try? root.room() else { return nil }
    let bytes = min(Spool.lowestBytes, room.allBytes / 10)
    if room.bytes < bytes {
      return "\(room.bytes >> 10) KiB are left on the spool's disk, \(bytes >> 10) are needed"
    }
    let files = min(Spool.lowestFiles, room.allFiles / 10)
    if room.files < files {
      return "\(room.files) files are left on the spool's disk, \(files) are needed"
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
