internal import EdgeJob
internal import EdgeSystem

/// Takes the content of members as they come.
protocol MemberSink {
  /// Called before the content of every member that passed all checks of names and limits.
  mutating func begin(_ member: Member) throws(UnpackError)
  mutating func write(_ bytes: UnsafeRawBufferPointer) throws(UnpackError)
  mutating func end(_ member: Member, content: [UInt8]) throws(UnpackError)
}

/// What came out of reading a whole archive once.
struct ArchiveWalk {
  let table: MemberTable
  let task: Digest

  /// Reads every byte of an archive, checks every member against the ones before, and computes the
  /// task digest.
  static func run<Sink: MemberSink>(
    _ reader: any MemberReader, _ limits: ArchiveLimits, isFolding: Bool = true,
    into sink: inout Sink
  ) throws(UnpackError) -> ArchiveWalk {
    var table = MemberTable(limits, isFolding: isFolding)
    var contents: [[UInt8]: [UInt8]] = [:]
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 17, alignment: 16)
    defer { buffer.deallocate() }
    while let member = try refusing({ () throws(Refusal) in try reader.next() }) {
      try refusing { () throws(Refusal) in try table.add(member) }
      try sink.begin(member)
      var hash = SHA256Stream()
      if member.kind == .file {
        while true {
          let count = try refusing { () throws(Refusal) in try reader.read(into: buffer) }
          if count == 0 { break }
          let piece = UnsafeRawBufferPointer(rebasing: buffer[..<count])
          hash.update(piece)
          try sink.write(piece)
        }
        contents[Array(member.name.utf8)] = hash.digest()
      }
      try sink.end(member, content: contents[Array(member.name.utf8)] ?? [])
    }
    return ArchiveWalk(table: table, task: digest(table, contents))
  }

  static func digest(_ table: MemberTable, _ contents: [[UInt8]: [UInt8]]) -> Digest {
    var digest = TaskDigest()
    for member in table.members {
      if member.kind == .directory, !table.isEmpty(member.name) { continue }
      digest.add(member, content: contents[Array(member.name.utf8)] ?? [])
    }
    return digest.digest()
  }
}

/// Turns what is wrong with the archive into what stops the unpacking.
func refusing<Result>(_ body: () throws(Refusal) -> Result) throws(UnpackError) -> Result {
  do { return try body() } catch { throw .refused(error) }
}

/// The SHA-256 of the bytes of a borrowed regular file.
func blobDigest(_ file: Int32) throws(Refusal) -> Digest {
  // Reading from a pipe would wait for somebody.
  _ = try FileFeed(file)
  do { return Digest(bytes: try Hash.sha256(file: file)) } catch {
    throw Refusal("cannot read the archive: \(error)")
  }
}
