internal import CArchive
internal import EdgeJob
internal import EdgeSystem

/// Reads the members of a zip archive: names and types as its directory lists them, content through
/// libarchive, which checks sizes and CRC-32.
final class ZipReader: MemberReader {
  private let feed: FileFeed
  private let archive: OpaquePointer
  private let limits: ArchiveLimits
  private let entries: [ZipEntry]
  private var index = 0
  private var remaining: Int64 = 0

  init(_ feed: FileFeed, _ limits: ArchiveLimits) throws(Refusal) {
    self.feed = feed
    self.limits = limits
    entries = try ZipDirectory(feed, limits).entries
    let total = entries.reduce(Int64(0)) { $0 + $1.size }
    guard total <= limits.streamBytes(size: feed.size) else {
      throw Refusal("unpacks to \(total) bytes, too much for \(feed.size) bytes of archive")
    }
    guard let archive = archive_read_new() else { throw Refusal("out of memory") }
    self.archive = archive
    archive_read_support_format_zip_seekable(archive)
    guard entries.isEmpty || feed.open(archive, seekable: true) == ARCHIVE_OK else {
      throw Refusal("the zip archive is damaged: \(libarchiveError(archive))")
    }
  }

  deinit { archive_read_free(archive) }

  func next() throws(Refusal) -> Member? {
    while index < entries.count {
      let entry = entries[index]
      index += 1
      let shown = MemberName.shown(entry.name)
      try advance(entry, shown)
      if let member = try member(entry, shown) { return member }
    }
    return nil
  }

  /// Moves libarchive to the same member.
  private func advance(_ entry: ZipEntry, _ shown: String) throws(Refusal) {
    var handle: OpaquePointer?
    let status = archive_read_next_header(archive, &handle)
    // It warns where it cannot put a name into the locale's charset; the name is ours anyway.
    guard status == ARCHIVE_OK || status == ARCHIVE_WARN, let handle,
      archive_read_has_encrypted_entries(archive) != 1
    else { throw Refusal("\(shown): \(libarchiveError(archive))") }
    guard entry.mode & 0o170000 == 0o120000 || archive_entry_size(handle) == entry.size else {
      throw Refusal("\(shown): its two sizes differ")
    }
  }

  private func member(_ entry: ZipEntry, _ shown: String) throws(Refusal) -> Member? {
    if entry.mode & 0o7000 != 0 {
      throw Refusal("\(shown): setuid, setgid and sticky bits are not taken")
    }
    let isNamedDirectory = entry.name.last == 0x2F
    let kind: Member.Kind
    switch entry.mode & 0o170000 {
    case 0: kind = isNamedDirectory ? .directory : .file
    case 0o100000 where !isNamedDirectory: kind = .file
    case 0o040000: kind = .directory
    case 0o120000 where !isNamedDirectory: kind = .link
    default: throw Refusal("\(shown): neither a file nor a directory nor a link")
    }
    if kind == .directory, entry.size != 0 { throw Refusal("\(shown): a directory with content") }
    guard let name = try MemberName.checked(entry.name, limits) else {
      if kind == .directory { return nil }
      throw Refusal("\(shown): the archive's root is no directory")
    }
    remaining = kind == .file ? entry.size : 0
    switch kind {
    case .directory: return .directory(name)
    case .file: return .file(name, size: entry.size, isExecutable: entry.mode & 0o100 != 0)
    case .link:
      guard entry.method == 0, entry.size <= Int64(limits.nameBytes) else {
        throw Refusal("\(shown): a link whose target is compressed or too long")
      }
      let target = try feed.bytes(at: entry.start, count: Int(entry.size))
      guard CRC32.of(target) == entry.crc else { throw Refusal("\(shown): its CRC is wrong") }
      try MemberName.checkTarget(target, of: name, limits)
      return .link(name, to: String(decoding: target, as: UTF8.self))
    }
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(Refusal) -> Int {
    let count = archive_read_data(archive, buffer.baseAddress, buffer.count)
    if count < 0 { throw Refusal("a member is damaged: \(libarchiveError(archive))") }
    if count == 0 {
      if remaining != 0 { throw Refusal("a member is shorter than it says") }
      return 0
    }
    remaining -= Int64(count)
    if remaining < 0 { throw Refusal("a member is longer than it says") }
    return count
  }
}
