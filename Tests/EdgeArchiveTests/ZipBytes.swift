import EdgeSystem

/// Writes zip archives byte by byte, uncompressed.
struct ZipBytes {
  struct Member {
    var name: [UInt8]
    var content: [UInt8]
    /// Unix mode with its type.
    var mode: UInt32 = 0o100644
    var flags: UInt16 = 0
    var method: UInt16 = 0
    /// What the local header says instead.
    var localName: [UInt8]?
    var localSize: UInt32?
    var directorySize: UInt32?
    var directoryOffset: UInt32?
    var crc: UInt32?
    var extra: [UInt8] = []
    /// The record behind the content: CRC, packed and unpacked size.
    var descriptor: (UInt32, UInt32, UInt32)?

    init(_ name: String, _ text: String = "") {
      self.name = Array(name.utf8)
      content = Array(text.utf8)
    }
  }

  var members: [Member] = []
  /// Bytes before the central directory, behind it, and behind the end.
  var gap: [UInt8] = []
  var trailer: [UInt8] = []
  var comment: [UInt8] = []

  static func task(_ members: [Member]) -> ZipBytes {
    ZipBytes(members: [Member("task.toml", runTOML)] + members)
  }

  private static func small(_ number: Int) -> [UInt8] {
    [UInt8(truncatingIfNeeded: number), UInt8(truncatingIfNeeded: number >> 8)]
  }

  private static func word(_ number: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * UInt32($0))) }
  }

  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    var directory: [UInt8] = []
    for member in members {
      let size = UInt32(member.content.count)
      let crc = member.crc ?? CRC32.of(member.content)
      let isStreamed = member.descriptor != nil
      let flags = member.flags | (isStreamed ? 8 : 0)
      let offset = member.directoryOffset ?? UInt32(bytes.count)
      let local = member.localName ?? member.name
      let given: [UInt32] = isStreamed ? [0, 0, 0] : [crc, size, member.localSize ?? size]
      bytes += ZipBytes.word(0x0403_4B50) + ZipBytes.small(20) + ZipBytes.small(Int(flags))
      bytes += ZipBytes.small(Int(member.method)) + [0, 0, 0x21, 0] + given.flatMap(ZipBytes.word)
      bytes += ZipBytes.small(local.count) + ZipBytes.small(0) + local + member.content
      if let record = member.descriptor {
        bytes += ZipBytes.word(0x0807_4B50) + ZipBytes.word(record.0) + ZipBytes.word(record.1)
        bytes += ZipBytes.word(record.2)
      }
      directory += ZipBytes.word(0x0201_4B50) + ZipBytes.small(0x0314) + ZipBytes.small(20)
      directory += ZipBytes.small(Int(flags)) + ZipBytes.small(Int(member.method))
      directory += [0, 0, 0x21, 0] + ZipBytes.word(crc) + ZipBytes.word(size)
      directory += ZipBytes.word(member.directorySize ?? size) + ZipBytes.small(member.name.count)
      directory += ZipBytes.small(member.extra.count) + [0, 0, 0, 0, 0, 0]
      directory += ZipBytes.word(member.mode << 16) + ZipBytes.word(offset)
      directory += member.name + member.extra
    }
    bytes += gap
    let start = UInt32(bytes.count)
    bytes += directory + ZipBytes.word(0x0605_4B50) + [0, 0, 0, 0]
    bytes += ZipBytes.small(members.count) + ZipBytes.small(members.count)
    bytes += ZipBytes.word(UInt32(directory.count)) + ZipBytes.word(start)
    return bytes + ZipBytes.small(comment.count) + comment + trailer
  }
}
