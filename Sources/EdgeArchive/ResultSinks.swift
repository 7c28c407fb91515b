internal import EdgeJob
internal import EdgeSystem
internal import Glibc

/// Reads a whole result archive, where only the archive itself can be wrong.
func resultWalk<Sink: MemberSink>(_ file: Int32, _ limits: ArchiveLimits, _ sink: inout Sink)
  throws(Refusal) -> ArchiveWalk
{
  do {
    let reader = try refusing { () throws(Refusal) in try openArchive(file, limits) }
    return try ArchiveWalk.run(reader, limits, isFolding: false, into: &sink)
  } catch {
    switch error {
    case .refused(let refusal): throw refusal
    case .system(let error): throw Refusal(error.description)
    }
  }
}

/// A second descriptor of the same open file.
func duplicate(_ file: Int32) throws(Refusal) -> Descriptor {
  let copy = fcntl(file, F_DUPFD_CLOEXEC, 3)
  guard copy >= 0 else {
    throw Refusal("cannot read the archive: \(String(cString: strerror(errno)))")
  }
  return Descriptor(owning: copy)
}

private func check(_ member: Member) throws(UnpackError) {
  if member.kind == .link {
    throw .refused(Refusal("\(MemberName.shown(member.name)): links are no results"))
  }
}

/// Lists the files.
struct ResultList: MemberSink {
  private(set) var entries: [ResultEntry] = []

  mutating func begin(_ member: Member) throws(UnpackError) { try check(member) }
  mutating func write(_ bytes: UnsafeRawBufferPointer) throws(UnpackError) {}

  mutating func end(_ member: Member, content: [UInt8]) throws(UnpackError) {
    guard member.kind == .file else { return }
    entries.append(
      ResultEntry(
        name: member.name, size: member.size, mode: member.mode, digest: Digest(bytes: content)))
  }
}

/// Keeps the content of one file.
struct ResultFetch: MemberSink {
  let name: String
  private(set) var bytes: [UInt8] = []
  private var isCurrent = false

  init(name: String) { self.name = name }

  mutating func begin(_ member: Member) throws(UnpackError) {
    try check(member)
    isCurrent = member.kind == .file && member.name == name
  }

  mutating func write(_ bytes: UnsafeRawBufferPointer) throws(UnpackError) {
    if isCurrent { self.bytes.append(contentsOf: bytes) }
  }

  mutating func end(_ member: Member, content: [UInt8]) throws(UnpackError) {}
}

/// Writes all files below one directory.
struct ResultExtract: MemberSink {
  let writer: TreeWriter

  mutating func begin(_ member: Member) throws(UnpackError) {
    try check(member)
    _ = try writer.begin(member, at: member.name, owner: nil, layer: 0)
  }

  mutating func write(_ bytes: UnsafeRawBufferPointer) throws(UnpackError) {
    try writer.write(bytes)
  }

  mutating func end(_ member: Member, content: [UInt8]) throws(UnpackError) { writer.end() }
}
