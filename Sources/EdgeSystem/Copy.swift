internal import CLinux
internal import Glibc

/// Appends the whole of one file to another, inside the kernel where it can, copy_file_range(2).
/// - Parameter from: where in the source to begin, bytes.
package func copy(_ source: Int32, from: Int64 = 0, to target: Int32) throws(SystemError) {
  lseek(source, off_t(from), SEEK_SET)
  while true {
    let copied = ec_copy_range(source, target, 1 << 30)
    if copied == 0 { return }
    if copied < 0 {
      if errno == EINTR { continue }
      break
    }
  }
  // Some pairs of file systems cannot: copy through memory from where we are.
  var chunk = [UInt8](repeating: 0, count: 1 << 18)
  while true {
    let count = chunk.withUnsafeMutableBytes { Glibc.read(source, $0.baseAddress, $0.count) }
    if count == 0 { return }
    if count < 0 { throw SystemError("read", "the source of a copy") }
    try write(chunk[..<count], to: target)
  }
}

/// Appends a file from an offset to another and hashes what passes by.
/// - Returns: the 32 bytes of the SHA-256 of what was copied, and its length.
/// - Throws: EFBIG where there are more than `most` bytes.
package func copyHashing(
  _ source: Int32, from: Int64, to target: Int32, atMost most: Int64
) throws(SystemError) -> (sha256: [UInt8], length: Int64) {
  lseek(source, off_t(from), SEEK_SET)
  var stream = SHA256Stream()
  var length: Int64 = 0
  var chunk = [UInt8](repeating: 0, count: 1 << 18)
  while true {
    let count = try checked("read", "the source of a copy") {
      chunk.withUnsafeMutableBytes { Glibc.read(source, $0.baseAddress, $0.count) }
    }
    if count == 0 { return (stream.digest(), length) }
    length += Int64(count)
    if length > most {
      throw SystemError("read", errno: EFBIG, subject: "more than \(most) bytes")
    }
    stream.update(chunk[..<count])
    try write(chunk[..<count], to: target)
  }
}

/// Reads a part of a file, pread(2), wherever its position is.
/// - Returns: `count` bytes, or fewer where the file ends or cannot be read.
package func readRange(_ file: Int32, at offset: Int64, count: Int) -> [UInt8] {
  [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
    done = 0
    while done < count {
      let rest = UnsafeMutableRawBufferPointer(
        rebasing: UnsafeMutableRawBufferPointer(buffer)[done...])
      let got = Glibc.pread(file, rest.baseAddress, rest.count, off_t(offset) + off_t(done))
      if got <= 0 { return }
      done += got
    }
  }
}
