internal import Crypto
internal import Glibc

/// SHA-256 of bytes that come in pieces (FIPS 180-4).
package struct SHA256Stream {
  private var hash = Crypto.SHA256()

  package init() {}

  /// Takes more bytes.
  package mutating func update(_ bytes: some Collection<UInt8>) {
    if bytes.withContiguousStorageIfAvailable({ hash.update(bufferPointer: .init($0)) }) == nil {
      hash.update(data: Array(bytes))
    }
  }

  /// Takes more bytes.
  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    hash.update(bufferPointer: bytes)
  }

  /// The 32 bytes of the digest of everything so far.
  package func digest() -> [UInt8] { Array(hash.finalize()) }
}

/// SHA-256 in one call.
package enum Hash {
  /// The 32 bytes of the digest of these bytes.
  package static func sha256(_ bytes: some Collection<UInt8>) -> [UInt8] {
    var stream = SHA256Stream()
    stream.update(bytes)
    return stream.digest()
  }

  /// The 32 bytes of the digest of a file from its beginning; its offset is left at the end.
  package static func sha256(file raw: Int32) throws(SystemError) -> [UInt8] {
    var stream = SHA256Stream()
    var chunk = [UInt8](repeating: 0, count: 1 << 18)
    lseek(raw, 0, SEEK_SET)
    while true {
      let count = try checked("read", "descriptor \(raw)") {
        chunk.withUnsafeMutableBytes { Glibc.read(raw, $0.baseAddress, $0.count) }
      }
      if count == 0 { return stream.digest() }
      chunk.withUnsafeBytes { stream.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }
  }
}
