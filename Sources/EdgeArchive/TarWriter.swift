internal import CArchive
internal import EdgeJob
internal import EdgeSystem
internal import Glibc

/// Writes a tar archive, compressed by zstd at level 3 in one thread, so that the same members give
/// the same bytes on every machine with the same zstd. Times, owners and groups are 0.
///
/// The tar bytes are ours, POSIX.1-2001 with pax headers only for what the old header cannot hold.
final class TarWriter {
  private let archive: OpaquePointer
  private let output: Output
  private var left: Int64 = 0
  private var unpacked: Int64 = 0

  enum Destination {
    case memory
    /// A borrowed descriptor.
    case file(Int32)
  }

  /// Where the compressed bytes go; libarchive holds an unretained pointer to it.
  private final class Output {
    let file: Int32?
    var memory: [UInt8] = []
    var hash = SHA256Stream()
    var bytes: Int64 = 0
    var error: SystemError?

    init(_ destination: Destination) {
      if case .file(let file) = destination { self.file = file } else { file = nil }
    }

    /// −1 where they cannot be written.
    func take(_ buffer: UnsafeRawBufferPointer) -> Int {
      hash.update(buffer)
      bytes += Int64(buffer.count)
      if let file {
        do { try EdgeSystem.write(buffer, to: file) } catch {
          self.error = error
          return -1
        }
      } else {
        memory.append(contentsOf: buffer)
      }
      return buffer.count
    }
  }

  init(to destination: Destination) throws(ArchiveError) {
    output = Output(destination)
    guard let archive = archive_write_new(), let entry = archive_entry_new() else {
      throw ArchiveError("write an archive", why: "out of memory")
    }
    self.archive = archive
    defer { archive_entry_free(entry) }
    archive_entry_set_filetype(entry, UInt32(Glibc.S_IFREG))
    let isReady =
      archive_write_set_format_raw(archive) == ARCHIVE_OK
      && archive_write_add_filter_zstd(archive) == ARCHIVE_OK
      && archive_write_set_filter_option(archive, "zstd", "compression-level", "3") == ARCHIVE_OK
      && archive_write_set_bytes_in_last_block(archive, 1) == ARCHIVE_OK
      && archive_write_open(
        archive, Unmanaged.passUnretained(output).toOpaque(), nil,
        { _, context, bytes, count in
          guard let context else { return -1 }
          let output = Unmanaged<Output>.fromOpaque(context).takeUnretainedValue()
          return output.take(UnsafeRawBufferPointer(start: bytes, count: count))
        }, nil) == ARCHIVE_OK
      && archive_write_header(archive, entry) == ARCHIVE_OK
    if !isReady {
      throw ArchiveError("write an archive", why: libarchiveError(archive))
    }
  }

  deinit { archive_write_free(archive) }

  /// Starts a member; its content follows in `write`, exactly as long as it says.
  func begin(_ member: Member) throws(ArchiveError) {
    precondition(left == 0, "the member before is complete")
    let path = Array((member.kind == .directory ? member.name + "/" : member.name).utf8)
    let target = Array(member.target.utf8)
    var records: [(key: String, value: [UInt8])] = []
    let (prefix, short) = TarWriter.split(path) ?? ([], [])
    if short.isEmpty { records.append(("path", path)) }
    let name = short.isEmpty ? Array("pax".utf8) : short
    if target.count > 100 { records.append(("linkpath", target)) }
    if !records.isEmpty {
      let body = PaxRecords.encoded(records)
      try put(header(Array("pax".utf8), [], UInt8(ascii: "x"), 0o644, Int64(body.count), []))
      try put(body + [UInt8](repeating: 0, count: -body.count & 511))
    }
    let kind: UInt8 =
      switch member.kind {
      case .file: UInt8(ascii: "0")
      case .directory: UInt8(ascii: "5")
      case .link: UInt8(ascii: "2")
      }
    let near = target.count > 100 ? [] : target
    try put(header(name, prefix, kind, member.mode, member.size, near))
    left = member.size
  }

  private func header(
    _ name: [UInt8], _ prefix: [UInt8], _ kind: UInt8, _ mode: UInt32, _ size: Int64,
    _ target: [UInt8]
  ) -> [UInt8] {
    TarHeader.block(
      name: name, prefix: prefix, kind: kind, mode: mode, size: size, target: target)
  }

  /// The two halves of a path as the old header holds it, or nil where they do not fit.
  private static func split(_ path: [UInt8]) -> (prefix: [UInt8], name: [UInt8])? {
    if path.count <= 100 { return ([], path) }
    // The last byte may be the slash of a directory, which belongs to the name.
    guard
      let slash = path.dropLast().indices.first(where: {
        path[$0] == 0x2F && path.count - $0 <= 101
      }),
      slash <= 155, slash > 0
    else { return nil }
    return (Array(path[..<slash]), Array(path[(slash + 1)...]))
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws(ArchiveError) {
    precondition(Int64(bytes.count) <= left, "a member is no longer than it says")
    left -= Int64(bytes.count)
    try putRaw(bytes)
  }

  /// Writes the first `size` bytes of a borrowed file.
  /// - Returns: their SHA-256.
  @discardableResult
  func copy(_ file: Int32, _ size: Int64, _ name: String) throws(ArchiveError) -> [UInt8] {
    var hash = SHA256Stream()
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 17, alignment: 16)
    defer { buffer.deallocate() }
    var offset: Int64 = 0
    while offset < size {
      let count = pread(
        file, buffer.baseAddress, min(buffer.count, Int(size - offset)), off_t(offset))
      if count < 0, errno == EINTR { continue }
      if count < 0 {
        throw ArchiveError("read \(MemberName.shown(name))", SystemError("read", "file"))
      }
      if count == 0 {
        throw ArchiveError("pack \(MemberName.shown(name))", why: "it became shorter meanwhile")
      }
      let piece = UnsafeRawBufferPointer(rebasing: buffer[..<count])
      hash.update(piece)
      try write(piece)
      offset += Int64(count)
    }
    return hash.digest()
  }

  /// Ends a member.
  func end(_ member: Member) throws(ArchiveError) {
    precondition(left == 0, "a member is as long as it says")
    let padding = Int(-member.size & 511)
    if padding > 0 { try put([UInt8](repeating: 0, count: padding)) }
  }

  /// Ends the archive.
  func finish() throws(ArchiveError) -> (
    blob: Digest, bytes: Int64, unpacked: Int64, memory: [UInt8]
  ) {
    try put([UInt8](repeating: 0, count: 2 * TarHeader.size))
    guard archive_write_close(archive) == ARCHIVE_OK else { throw failure() }
    return (Digest(bytes: output.hash.digest()), output.bytes, unpacked, output.memory)
  }

  private func put(_ bytes: [UInt8]) throws(ArchiveError) {
    try bytes.withUnsafeBufferPointer { piece throws(ArchiveError) in
      try putRaw(UnsafeRawBufferPointer(piece))
    }
  }

  private func putRaw(_ bytes: UnsafeRawBufferPointer) throws(ArchiveError) {
    if bytes.isEmpty { return }
    unpacked += Int64(bytes.count)
    guard archive_write_data(archive, bytes.baseAddress, bytes.count) == bytes.count else {
      throw failure()
    }
  }

  private func failure() -> ArchiveError {
    if let error = output.error { return ArchiveError("write an archive", error) }
    return ArchiveError("write an archive", why: libarchiveError(archive))
  }
}
