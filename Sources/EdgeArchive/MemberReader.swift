internal import EdgeJob

/// Reads the members of an archive one behind the other.
protocol MemberReader: AnyObject {
  /// The next member, or nil behind the last one; content of the one before that was not read is
  /// skipped.
  func next() throws(Refusal) -> Member?
  /// Some bytes of the content of the member; 0 at its end.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(Refusal) -> Int
}

/// Opens an archive by its first bytes: tar, tar.gz, tar.xz, tar.zst or zip.
/// - Parameter file: a borrowed descriptor of a regular file; its offset does not matter.
func openArchive(_ file: Int32, _ limits: ArchiveLimits) throws(Refusal) -> any MemberReader {
  let feed = try FileFeed(file)
  let magic = try feed.bytes(at: 0, count: 512)
  if magic.starts(with: [0x50, 0x4B, 0x03, 0x04]) || magic.starts(with: [0x50, 0x4B, 0x05, 0x06]) {
    return try ZipReader(feed, limits)
  }
  let filter = ByteStream.Filter(magic: magic)
  let isTar = magic.count == 512 && magic[257..<262].elementsEqual("ustar".utf8)
  guard filter != .none || isTar else {
    throw Refusal("not a tar, tar.gz, tar.xz, tar.zst or zip archive")
  }
  return TarReader(
    try ByteStream(feed, filter, most: limits.streamBytes(size: feed.size)), limits)
}
