/// CRC-32 as in ISO 3309, polynomial 0xEDB88320: finds torn records, proves nothing.
package enum CRC32 {
  /// Eight tables of 256 words: what a byte does that has 0 … 7 others behind it.
  private static let tables: [UInt32] = {
    var tables: [UInt32] = []
    for index in 0..<UInt32(256) {
      var value = index
      for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
      tables.append(value)
    }
    for index in 256..<2048 {
      let before = tables[index - 256]
      tables.append(tables[Int(before & 0xFF)] ^ before >> 8)
    }
    return tables
  }()

  /// The checksum of these bytes.
  package static func of(_ bytes: [UInt8]) -> UInt32 {
    tables.withUnsafeBufferPointer { tables in
      bytes.withUnsafeBytes { bytes in of(bytes, tables) }
    }
  }

  /// Eight bytes a step, and the rest one by one.
  private static func of(_ bytes: UnsafeRawBufferPointer, _ tables: UnsafeBufferPointer<UInt32>)
    -> UInt32
  {
    var value = ~UInt32(0)
    var offset = 0
    while offset + 8 <= bytes.count {
      let loaded = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      var word = UInt64(littleEndian: loaded) ^ UInt64(value)
      value = 0
      for table in stride(from: 1792, through: 0, by: -256) {
        value ^= tables[table + Int(word & 0xFF)]
        word >>= 8
      }
      offset += 8
    }
    while offset < bytes.count {
      value = tables[Int((value ^ UInt32(bytes[offset])) & 0xFF)] ^ value >> 8
      offset += 1
    }
    return ~value
  }
}
