package import EdgeJob
internal import EdgeSystem

/// Unpacks a task archive in one pass, each part to where `route` sends it.
///
/// Nothing is written before the bytes of the file match `expecting.blob`; while unpacking, the
/// member list is hashed again and compared with `expecting.task`. On any error the caller drops
/// the destinations: what is there then is incomplete.
/// - Parameters:
///   - file: a borrowed descriptor of a regular file that nobody else may change.
///   - process: where the archive is parsed; nil parses it here, for archives of our own making.
///   - expecting: the digests that the ticket carries; nil takes what is there.
///   - route: for a part and a path inside it, the place to write to, or nil to leave it out. Asked
///     for every file, link and listed directory; directories above them are made as needed.
/// - Throws: `.refused` about the archive, `.system` about the destination.
package func unpackTask(
  _ file: Int32, in process: ArchiveProcess?,
  expecting: (blob: Digest, task: Digest)?, limits: ArchiveLimits = .task,
  route: (ArchivePart, String) -> UnpackTarget?
) throws(UnpackError) -> Unpacked {
  if let expecting {
    let blob = try refusing { () throws(Refusal) in try blobDigest(file) }
    guard blob == expecting.blob else {
      throw .refused(Refusal("the archive's bytes are not those of \(expecting.blob)"))
    }
  }
  return try withoutActuallyEscaping(route) { route throws(UnpackError) in
    var sink = UnpackSink(limits: limits, route: route)
    let reader: any MemberReader
    if let process {
      reader = try process.members(file, limits)
    } else {
      reader = try refusing { () throws(Refusal) in try openArchive(file, limits) }
    }
    let walk = try ArchiveWalk.run(reader, limits, into: &sink)
    if let expecting, walk.task != expecting.task {
      throw .refused(Refusal("the members are not those of task \(expecting.task)"))
    }
    let instruction = sink.files.texts[.instruction].map { String(decoding: $0, as: UTF8.self) }
    return Unpacked(
      written: sink.written, instruction: instruction, patch: sink.files.texts[.patch],
      bytes: walk.table.bytes)
  }
}

/// Sends members to their places.
private struct UnpackSink: MemberSink {
  var files: TaskFiles
  private(set) var written = 0
  private let limits: ArchiveLimits
  private let route: (ArchivePart, String) -> UnpackTarget?
  private var writers: [Int32: TreeWriter] = [:]
  private var current: TreeWriter?

  init(limits: ArchiveLimits, route: @escaping (ArchivePart, String) -> UnpackTarget?) {
    files = TaskFiles(limits: limits)
    self.limits = limits
    self.route = route
  }

  mutating func begin(_ member: Member) throws(UnpackError) {
    try files.begin(member)
    current = nil
    guard case .part(let part, let path) = ArchivePlace(member.name), !path.isEmpty,
      let target = route(part, path)
    else { return }
    let writer = try writer(target.directory)
    let isWritten = try writer.begin(member, at: path, owner: target.owner, layer: target.layer)
    if isWritten, member.kind != .directory { written += 1 }
    if isWritten, member.kind == .file { current = writer }
  }

  private mutating func writer(_ directory: Int32) throws(UnpackError) -> TreeWriter {
    if let writer = writers[directory] { return writer }
    let writer = try TreeWriter(directory)
    writers[directory] = writer
    return writer
  }

  mutating func write(_ bytes: UnsafeRawBufferPointer) throws(UnpackError) {
    try files.write(bytes)
    try current?.write(bytes)
  }

  mutating func end(_ member: Member, content: [UInt8]) throws(UnpackError) {
    current?.end()
    current = nil
  }
}
