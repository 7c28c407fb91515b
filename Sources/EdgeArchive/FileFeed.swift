internal import CArchive
internal import EdgeJob
internal import Glibc

/// Hands the bytes of a file to libarchive, and to us; it uses pread(2), so the offset of the
/// descriptor does not matter.
final class FileFeed {
  let file: Int32
  let size: Int64
  fileprivate var offset: Int64 = 0
  fileprivate let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)

  /// - Parameter file: a borrowed descriptor of a regular file.
  init(_ file: Int32) throws(Refusal) {
    var info = stat()
    guard fstat(file, &info) == 0, info.st_mode & S_IFMT == S_IFREG else {
      throw Refusal("not a regular file")
    }
    self.file = file
    size = Int64(info.st_size)
  }

  deinit { chunk.deallocate() }

  /// Up to `count` bytes at an offset; fewer only at the end.
  func bytes(at offset: Int64, count: Int) throws(Refusal) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var got = 0
    while got < count {
      let piece = bytes.withUnsafeMutableBytes {
        let rest = UnsafeMutableRawBufferPointer(rebasing: $0[got...])
        return pread(file, rest.baseAddress, rest.count, off_t(offset) + got)
      }
      if piece < 0, errno == EINTR { continue }
      if piece < 0 { throw Refusal("cannot read the archive: \(String(cString: strerror(errno)))") }
      if piece == 0 { break }
      got += piece
    }
    return Array(bytes[..<got])
  }

  /// Reads on from where the last call ended; −1 with errno, as read(2).
  func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    while true {
      let count = pread(file, buffer.baseAddress, buffer.count, off_t(offset))
      if count < 0, errno == EINTR { continue }
      if count > 0 { offset += Int64(count) }
      return count
    }
  }

  /// Lets libarchive read from this feed, which must outlive the use of `archive`.
  func open(_ archive: OpaquePointer, seekable: Bool) -> Int32 {
    archive_read_set_callback_data(archive, Unmanaged.passUnretained(self).toOpaque())
    archive_read_set_read_callback(archive) { _, context, buffer in
      guard let context, let buffer else { return -1 }
      let feed = Unmanaged<FileFeed>.fromOpaque(context).takeUnretainedValue()
      buffer.pointee = UnsafeRawPointer(feed.chunk.baseAddress)
      return feed.read(into: feed.chunk)
    }
    if seekable {
      archive_read_set_seek_callback(archive) { _, context, offset, whence in
        guard let context else { return -1 }
        let feed = Unmanaged<FileFeed>.fromOpaque(context).takeUnretainedValue()
        let base: Int64 = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? feed.offset : feed.size
        let (sum, overflow) = base.addingReportingOverflow(offset)
        guard !overflow, (0...feed.size).contains(sum) else { return -1 }
        feed.offset = sum
        return sum
      }
    }
    return archive_read_open1(archive)
  }
}

/// What libarchive says about its last error.
func libarchiveError(_ archive: OpaquePointer) -> String {
  guard let text = archive_error_string(archive) else { return "unknown error" }
  return MemberName.shown(String(cString: text))
}
