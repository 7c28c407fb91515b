internal import EdgeJob
internal import EdgeSystem
internal import Glibc

extension Spool {
  /// Makes a new spool: single-user (0700), or with drop boxes for the members of a group.
  ///
  /// The directory may exist if it is empty. `spool.json` is written last, so a crash on the way
  /// leaves no spool.
  /// - Throws: `conflict` where there is one already.
  package static func create(
    at path: String, sharedWith group: UInt32?, testClock: Bool
  ) throws(SpoolError) -> Spool {
    do throws(SystemError) {
      try makePath(path)
      let root = try Directory(path: path)
      if root.contains(SpoolFile.name) {
        throw SystemError("mkdir", errno: EEXIST, subject: path)
      }
      // An interrupted earlier try left nothing else; what people put here is not ours to change.
      if let other = try root.names().map({ String(decoding: $0, as: UTF8.self) })
        .first(where: { !Layout.directories.contains($0) })
      {
        throw SystemError("mkdir", errno: ENOTEMPTY, subject: "\(path), which holds \(other)")
      }
      try root.descriptor.set(mode: group == nil ? 0o700 : 0o750, group: group)
      for name in Layout.directories {
        let mode = Layout.mode(of: name, isShared: group != nil)
        try root.ensureDirectory(name, mode: mode)
        try root.directory(name).descriptor.set(mode: mode)
      }
      try root.ensureDirectory(Layout.admittedBatches)
      var features: [String] = []
      if group != nil { features.append("shared") }
      if testClock { features.append("testClock") }
      let id = JobID(milliseconds: Clocks.milliseconds(), random: Random.bytes(10)).description
      let file = SpoolFile(id: id, created: Clocks.milliseconds(), features: features)
      let mode: UInt32 = group == nil ? 0o600 : 0o644
      try root.publish(SpoolFile.name, file.json.canonical + [0x0A], mode: mode)
      try root.sync()
    } catch  where error.exists {
      throw SpoolError(.conflict, "there is a spool at \(path) already")
    } catch  where error.errno == ENOTEMPTY {
      throw SpoolError(
        .conflict, "\(error.subject) is not empty", hint: "name a new or an empty directory")
    } catch {
      throw SpoolError(error)
    }
    return try Spool(path: path)
  }

  /// The directories of the layout that are not there.
  /// - Throws: `unknownFormat`; `unavailable` where there is no spool.
  package static func missingDirectories(at path: String) throws(SpoolError) -> [String] {
    let root = try spoolCalls { () throws(SystemError) in try Directory(path: path) }
    _ = try SpoolFile(at: root, path)
    return (Layout.directories + [Layout.admittedBatches]).filter { !root.contains($0) }
  }

  /// Makes directories of the layout again that somebody removed.
  package static func makeMissingDirectories(at path: String) throws(SpoolError) {
    let root = try spoolCalls { () throws(SystemError) in try Directory(path: path) }
    let file = try SpoolFile(at: root, path)
    for name in try missingDirectories(at: path) {
      let mode = Layout.mode(of: name, isShared: file.features.contains("shared"))
      try calls { () throws(SystemError) in
        try root.makeDirectory(name, mode: mode)
        try root.directory(name).descriptor.set(mode: mode)
        try root.sync()
      }
    }
  }

  /// Makes a directory and those above it that are missing; the new names are durable.
  private static func makePath(_ path: String) throws(SystemError) {
    var current = path.hasPrefix("/") ? "" : "."
    for part in path.split(separator: "/") {
      let parent = current.isEmpty ? "/" : current
      current += "/\(part)"
      if mkdir(current, 0o700) == 0 {
        try Directory(path: parent).sync()
      } else if errno != EEXIST {
        throw SystemError("mkdir", current)
      }
    }
  }
}
