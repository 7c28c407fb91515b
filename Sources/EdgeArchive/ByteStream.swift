internal import CArchive
internal import EdgeJob
internal import Glibc

/// The uncompressed bytes of an archive in order, from a file that is compressed once or not.
///
/// It stops at the number of bytes that an archive of that size may turn into, so a bomb costs no
/// more than that, whatever its headers say.
final class ByteStream {
  private let feed: FileFeed
  /// libarchive's handle where the file is compressed.
  private let archive: OpaquePointer?
  private let most: Int64
  /// Bytes given out so far.
  private(set) var position: Int64 = 0

  /// The kinds of compression, by the magic bytes at the start of a file.
  enum Filter: CaseIterable {
    case none, gzip, xz, zstd

    init(magic: [UInt8]) {
      self =
        if magic.starts(with: [0x1F, 0x8B]) {
          .gzip
        } else if magic.starts(with: [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]) {
          .xz
        } else if magic.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) {
          .zstd
        } else {
          .none
        }
    }
  }

  init(_ feed: FileFeed, _ filter: Filter, most: Int64) throws(Refusal) {
    self.feed = feed
    self.most = most
    guard filter != .none else {
      archive = nil
      return
    }
    guard let archive = archive_read_new() else { throw Refusal("out of memory") }
    self.archive = archive
    _ =
      switch filter {
      case .none, .gzip: archive_read_support_filter_gzip(archive)
      case .xz: archive_read_support_filter_xz(archive)
      case .zstd: archive_read_support_filter_zstd(archive)
      }
    archive_read_support_format_raw(archive)
    var entry: OpaquePointer?
    guard feed.open(archive, seekable: false) == ARCHIVE_OK,
      archive_read_next_header(archive, &entry) == ARCHIVE_OK
    else { throw Refusal("cannot be uncompressed: \(libarchiveError(archive))") }
    // libarchive tries its filters again on what comes out: the one, and the file itself.
    guard archive_filter_count(archive) == 2 else { throw Refusal("compressed more than once") }
  }

  deinit { if let archive { archive_read_free(archive) } }

  /// Reads some bytes; 0 at the end.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(Refusal) -> Int {
    let count: Int
    if let archive {
      count = archive_read_data(archive, buffer.baseAddress, buffer.count)
      if count < 0 { throw Refusal("cannot be uncompressed: \(libarchiveError(archive))") }
    } else {
      count = feed.read(into: buffer)
      if count < 0 { throw Refusal("cannot read the archive: \(String(cString: strerror(errno)))") }
    }
    position += Int64(count)
    if position > most {
      throw Refusal(
        "unpacks to more than \(most) bytes, too much for \(feed.size) bytes of archive")
    }
    return count
  }

  /// Fills the buffer.
  /// - Throws: where the stream ends before.
  func fill(_ buffer: UnsafeMutableRawBufferPointer) throws(Refusal) {
    var filled = 0
    while filled < buffer.count {
      let count = try read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
      if count == 0 { throw Refusal("the archive is truncated") }
      filled += count
    }
  }

  /// True where all bytes of the file took part in what came out, except for some zeros: a program
  /// that writes to a pipe fills up its last block.
  func isConsumed() throws(Refusal) -> Bool {
    guard let archive else { return position == feed.size }
    let used = archive_filter_bytes(archive, -1)
    guard used <= feed.size, feed.size - used <= 1 << 16 else { return false }
    return try feed.bytes(at: used, count: Int(feed.size - used)).allSatisfy { $0 == 0 }
  }
}
