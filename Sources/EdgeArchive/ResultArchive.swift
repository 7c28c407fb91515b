package import EdgeJob
package import EdgeSystem

/// Why a result archive cannot hold a file of that name, or nil where it can.
///
/// Names of artifacts are the task's to choose; who collects them leaves such a file out and says
/// so.
package func resultNameProblem(_ name: [UInt8], limits: ArchiveLimits = .result) -> String? {
  do {
    guard let checked = try MemberName.checked(name, limits), Array(checked.utf8) == name else {
      return "\(MemberName.shown(name)): a name that is written otherwise"
    }
    return nil
  } catch { return error.reason }
}

/// One file of a result archive that is to be written.
package struct ResultMember: Sendable {
  package let name: String
  package let content: Content
  /// 0644, or 0755 where the owner may execute it; other bits are dropped.
  package let mode: UInt32

  /// Where its bytes come from.
  package enum Content: Sendable {
    case bytes([UInt8])
    /// The first `size` bytes of a borrowed descriptor of a regular file.
    case file(Int32, size: Int64)
  }

  /// True where an archive takes this name.
  package static func canBeNamed(_ name: String) -> Bool {
    do throws(Refusal) { return try MemberName.checked(Array(name.utf8), .result) != nil } catch {
      return false
    }
  }

  package init(name: String, bytes: [UInt8], mode: UInt32 = 0o644) {
    self.name = name
    content = .bytes(bytes)
    self.mode = mode
  }

  package init(name: String, file: Int32, size: Int64, mode: UInt32 = 0o644) {
    self.name = name
    content = .file(file, size: size)
    self.mode = mode
  }
}

/// Writes a result archive, tar.zst, with its members in the given order.
/// - Parameter file: a borrowed descriptor, written from its current offset.
/// - Returns: the SHA-256 of what was written, and its size.
/// - Throws: also where a name is not one that the reader takes.
package func writeResultArchive(
  _ members: [ResultMember], to file: Int32, limits: ArchiveLimits = .result
) throws(ArchiveError) -> (blob: Digest, bytes: Int64) {
  let writer = try TarWriter(to: .file(file))
  try write(members, writer, limits)
  let end = try writer.finish()
  return (end.blob, end.bytes)
}

/// Writes a result archive in memory.
package func writeResultArchive(_ members: [ResultMember], limits: ArchiveLimits = .result)
  throws(ArchiveError) -> [UInt8]
{
  let writer = try TarWriter(to: .memory)
  try write(members, writer, limits)
  return try writer.finish().memory
}

private func write(_ members: [ResultMember], _ writer: TarWriter, _ limits: ArchiveLimits)
  throws(ArchiveError)
{
  var table = MemberTable(limits, isFolding: false)
  for member in members {
    let size =
      switch member.content {
      case .bytes(let bytes): Int64(bytes.count)
      case .file(_, let size): size
      }
    let header = Member.file(member.name, size: size, isExecutable: member.mode & 0o100 != 0)
    if let problem = resultNameProblem(Array(member.name.utf8), limits: limits) {
      throw ArchiveError("write the result", why: problem)
    }
    do { try table.add(header) } catch {
      throw ArchiveError("write the result", why: error.reason)
    }
    try writer.begin(header)
    switch member.content {
    case .bytes(let bytes):
      try bytes.withUnsafeBufferPointer { piece throws(ArchiveError) in
        try writer.write(UnsafeRawBufferPointer(piece))
      }
    case .file(let file, _): try writer.copy(file, size, member.name)
    }
    try writer.end(header)
  }
}

/// A member of a result archive.
package struct ResultEntry: Hashable, Sendable {
  package let name: String
  /// Bytes of its content.
  package let size: Int64
  /// 0644 or 0755.
  package let mode: UInt32
  /// SHA-256 of its content.
  package let digest: Digest
}

/// A result archive that was read and checked once; content is read again on demand.
package struct ResultArchive: ~Copyable {
  private let file: Descriptor
  private let limits: ArchiveLimits
  /// SHA-256 of the archive's bytes.
  package let blob: Digest
  /// The files in the order of the archive.
  package let entries: [ResultEntry]

  private init(
    _ file: consuming Descriptor, _ limits: ArchiveLimits, _ blob: Digest, _ entries: [ResultEntry]
  ) {
    self.file = file
    self.limits = limits
    self.blob = blob
    self.entries = entries
  }

  static func read(_ file: consuming Descriptor, _ limits: ArchiveLimits) throws(Refusal)
    -> ResultArchive
  {
    let blob = try blobDigest(file.raw)
    var list = ResultList()
    _ = try resultWalk(file.raw, limits, &list)
    return ResultArchive(file, limits, blob, list.entries)
  }

  /// The content of a file, or nil where there is none of that name.
  /// - Throws: also where it has more than `most` bytes.
  package func contents(_ name: String, atMost most: Int = 64 << 20) throws(Refusal) -> [UInt8]? {
    guard let entry = entries.first(where: { $0.name == name }) else { return nil }
    guard entry.size <= Int64(most) else {
      throw Refusal("\(MemberName.shown(name)): larger than \(most) bytes")
    }
    var fetch = ResultFetch(name: name)
    _ = try resultWalk(file.raw, limits, &fetch)
    guard Digest(bytes: Hash.sha256(fetch.bytes)) == entry.digest else {
      throw Refusal("\(MemberName.shown(name)): the archive changed while it was read")
    }
    return fetch.bytes
  }

  /// Writes all files below an open directory, which should be empty: a file that is there already
  /// is an error.
  /// - Throws: on any error some files may be there.
  package func extract(into directory: borrowing Directory) throws(UnpackError) {
    var sink = ResultExtract(writer: try TreeWriter(directory.raw))
    let raw = file.raw
    let reader = try refusing { () throws(Refusal) in try openArchive(raw, limits) }
    _ = try ArchiveWalk.run(reader, limits, isFolding: false, into: &sink)
  }
}

/// Reads a result archive through a second descriptor of its own.
/// - Parameter file: a borrowed descriptor of a regular file.
package func readResultArchive(_ file: Int32, limits: ArchiveLimits = .result) throws(Refusal)
  -> ResultArchive
{
  try ResultArchive.read(try duplicate(file), limits)
}

/// Reads a result archive that is in memory.
package func readResultArchive(_ bytes: [UInt8], limits: ArchiveLimits = .result) throws(Refusal)
  -> ResultArchive
{
  let file: Descriptor
  do { file = try Descriptor.memory("result", bytes) } catch { throw Refusal(error.description) }
  return try ResultArchive.read(file, limits)
}
