internal import CLinux
internal import Glibc

/// An open file descriptor with one owner; closed when the owner goes.
package struct Descriptor: ~Copyable, Sendable {
  /// The number. Valid as long as this value lives.
  package let raw: Int32

  /// Takes over an open descriptor.
  package init(owning raw: Int32) {
    precondition(raw >= 0, "a descriptor is never negative")
    self.raw = raw
  }

  deinit { close(raw) }

  /// Gives up ownership without closing.
  package consuming func release() -> Int32 {
    let raw = raw
    discard self
    return raw
  }

  /// A second descriptor of the same open file, close-on-exec.
  package func duplicate() throws(SystemError) -> Descriptor {
    Descriptor(owning: try checked("dup", "descriptor") { ec_dup_cloexec(raw, 3) })
  }

  /// Both ends of a new pipe, close-on-exec.
  package static func pipe() throws(SystemError) -> Pipe { try Pipe.make() }

  /// A file in memory, close-on-exec, at offset 0 after `contents`.
  package static func memory(_ name: String, _ contents: [UInt8] = []) throws(SystemError)
    -> Descriptor
  {
    let file = Descriptor(owning: try checked("memfd_create", name) { ec_memfd(name) })
    try file.write(contents)
    lseek(file.raw, 0, SEEK_SET)
    return file
  }
}

/// Both ends of a new pipe, close-on-exec.
package struct Pipe: ~Copyable {
  package var reading: Descriptor
  package var writing: Descriptor

  static func make() throws(SystemError) -> Pipe {
    var ends: [Int32] = [0, 0]
    _ = try checked("pipe", "pipe") { ec_pipe2(&ends, O_CLOEXEC) }
    return Pipe(reading: Descriptor(owning: ends[0]), writing: Descriptor(owning: ends[1]))
  }

  /// Closes our writing end, so that reading ends when the last other writer is gone.
  package consuming func closeWriting() -> Descriptor { reading }

  /// Closes our reading end.
  package consuming func closeReading() -> Descriptor { writing }
}

extension Descriptor {
  /// Writes all bytes.
  package func write(_ bytes: some Collection<UInt8>) throws(SystemError) {
    try EdgeSystem.write(bytes, to: raw)
  }

  /// Writes all bytes at that place, in one call.
  package func write(_ bytes: [UInt8], at offset: Int64) throws(SystemError) {
    let count = try checked("write", "descriptor") {
      bytes.withUnsafeBytes { pwrite(raw, $0.baseAddress, $0.count, off_t(offset)) }
    }
    if count < bytes.count { throw SystemError("write", errno: ENOSPC, subject: "descriptor") }
  }

  /// Reads from the current offset to the end.
  /// - Throws: EFBIG where there are more than `most` bytes.
  package func read(atMost most: Int) throws(SystemError) -> [UInt8] {
    try EdgeSystem.read(raw, atMost: most)
  }

  /// What one read(2) gives, at most `most` bytes; empty at the end, nil where it fails.
  package func readSome(atMost most: Int) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: most)
    let count = try? checked("read", "descriptor") {
      bytes.withUnsafeMutableBytes { Glibc.read(raw, $0.baseAddress, $0.count) }
    }
    return count.map { Array(bytes[..<$0]) }
  }

  /// Flushes the content and the metadata to the device, fsync(2). A failure is final: the pages
  /// may be gone, so it is never tried again on the same descriptor.
  package func sync() throws(SystemError) {
    _ = try checked("fsync", "file") { fsync(raw) }
  }
}

/// Writes all bytes to a borrowed descriptor.
package func write(_ bytes: some Collection<UInt8>, to raw: Int32) throws(SystemError) {
  let bytes = ContiguousArray(bytes)
  var offset = 0
  while offset < bytes.count {
    offset += try checked("write", "descriptor \(raw)") {
      bytes.withUnsafeBytes {
        let rest = UnsafeRawBufferPointer(rebasing: $0[offset...])
        return Glibc.write(raw, rest.baseAddress, rest.count)
      }
    }
  }
}

/// Reads a borrowed descriptor from its current offset to the end.
/// - Throws: EFBIG where there are more than `most` bytes.
package func read(_ raw: Int32, atMost most: Int) throws(SystemError) -> [UInt8] {
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = try checked("read", "descriptor \(raw)") {
      chunk.withUnsafeMutableBytes { Glibc.read(raw, $0.baseAddress, $0.count) }
    }
    if count == 0 { return bytes }
    if bytes.count + count > most {
      throw SystemError("read", errno: EFBIG, subject: "more than \(most) bytes")
    }
    bytes += chunk[..<count]
  }
}

extension Descriptor {
  /// A descriptor of our own for an open file that somebody else closes.
  package static func copy(of raw: Int32) throws(SystemError) -> Descriptor {
    Descriptor(owning: try checked("dup", "descriptor \(raw)") { ec_dup_cloexec(raw, 3) })
  }
}
