internal import EdgeJob

/// One member as the central directory of a zip archive lists it.
struct ZipEntry {
  let name: [UInt8]
  let made: UInt16
  let flags: UInt16
  let method: UInt16
  let crc: UInt32
  let packed: Int64
  let size: Int64
  let attributes: UInt32
  /// Where its local header starts.
  let offset: Int64
  /// Where its content starts.
  var start: Int64 = 0

  /// The mode that a Unix program has written, or 0.
  var mode: UInt32 { made >> 8 == 3 || made >> 8 == 19 ? attributes >> 16 : 0 }
}

/// The structure of a zip archive (APPNOTE 6.3), taken only where nothing can be read in two ways:
/// the members lie one behind the other from the first byte, each local header says the same as
/// the directory, and the directory is followed by its end record alone.
struct ZipDirectory {
  /// In the order in which they lie in the file.
  private(set) var entries: [ZipEntry] = []

  private let feed: FileFeed

  init(_ feed: FileFeed, _ limits: ArchiveLimits) throws(Refusal) {
    self.feed = feed
    let end = try endRecord()
    guard end.count <= limits.entries else { throw Refusal("more than \(limits.entries) members") }
    // A listed member takes at least 46 bytes and its name.
    guard end.bytes <= Int64(limits.entries) * 4096 else { throw damaged("its directory is huge") }
    let directory = try feed.bytes(at: end.offset, count: Int(end.bytes))
    var cursor = Cursor(directory)
    for _ in 0..<end.count { entries.append(try entry(&cursor)) }
    guard cursor.isAtEnd else { throw damaged("its directory holds more than it says") }
    entries.sort { $0.offset < $1.offset }
    var position: Int64 = 0
    for index in entries.indices {
      position = try check(&entries[index], at: position, end: end.offset)
    }
    guard position == end.offset else { throw damaged("bytes lie between its members") }
  }

  private func damaged(_ why: String) -> Refusal { Refusal("the zip archive is damaged: \(why)") }

  /// The record at the end of the file, and the comment behind it.
  private func endRecord() throws(Refusal) -> (offset: Int64, bytes: Int64, count: Int) {
    let length = Int(min(feed.size, 22 + 65535))
    let start = feed.size - Int64(length)
    let tail = try feed.bytes(at: start, count: length)
    let signature: [UInt8] = [0x50, 0x4B, 0x05, 0x06]
    guard tail.count == length, length >= 22,
      let found = (0...(length - 22)).last(where: { tail[$0...].starts(with: signature) })
    else { throw damaged("it has no end, or bytes follow it") }
    var cursor = Cursor(Array(tail[(found + 4)...]))
    let disks = (cursor.small(), cursor.small())
    let counts = (cursor.small(), cursor.small())
    let (bytes, offset) = (Int64(cursor.word()), Int64(cursor.word()))
    let comment = Int(cursor.small())
    guard found + 22 + comment == length else { throw damaged("bytes follow its end") }
    guard disks == (0, 0), counts.0 == counts.1 else { throw damaged("it has several parts") }
    guard counts.0 != 0xFFFF, bytes != 0xFFFF_FFFF, offset != 0xFFFF_FFFF else {
      throw Refusal("zip64 archives are not taken; use tar.zst")
    }
    guard offset + bytes == start + Int64(found) else {
      throw damaged("its directory is not where its end says")
    }
    return (offset, bytes, Int(counts.0))
  }

  private func entry(_ cursor: inout Cursor) throws(Refusal) -> ZipEntry {
    guard cursor.has(46), cursor.word() == 0x0201_4B50 else { throw damaged("its directory") }
    let made = cursor.small()
    cursor.skip(2)
    let (flags, method) = (cursor.small(), cursor.small())
    cursor.skip(4)
    let crc = cursor.word()
    let (packed, size) = (Int64(cursor.word()), Int64(cursor.word()))
    let lengths = (name: Int(cursor.small()), extra: Int(cursor.small()), Int(cursor.small()))
    let disk = cursor.small()
    cursor.skip(2)
    let attributes = cursor.word()
    let offset = Int64(cursor.word())
    guard cursor.has(lengths.name + lengths.extra + lengths.2) else {
      throw damaged("its directory is truncated")
    }
    let name = cursor.bytes(lengths.name)
    let shown = MemberName.shown(name)
    try checkExtra(cursor.bytes(lengths.extra), name, shown)
    cursor.skip(lengths.2)
    // Bits 0, 6 and 13: encryption; 5: a patch for another file.
    if flags & 0x2041 != 0 { throw Refusal("\(shown): encrypted members are not taken") }
    guard flags & 0x20 == 0, method == 0 || method == 8 else {
      throw Refusal("\(shown): compressed by method \(method), which is not taken")
    }
    guard packed != 0xFFFF_FFFF, size != 0xFFFF_FFFF, offset != 0xFFFF_FFFF else {
      throw Refusal("\(shown): zip64 members are not taken; use tar.zst")
    }
    guard disk == 0, method == 8 || packed == size else {
      throw Refusal("\(shown): its two sizes differ")
    }
    return ZipEntry(
      name: name, made: made, flags: flags, method: method, crc: crc, packed: packed, size: size,
      attributes: attributes, offset: offset)
  }

  /// Compares the local header, and what may follow the content, with the directory.
  /// - Returns: the offset behind the member.
  private func check(_ entry: inout ZipEntry, at position: Int64, end: Int64) throws(Refusal)
    -> Int64
  {
    let shown = MemberName.shown(entry.name)
    guard entry.offset == position else {
      throw Refusal("\(shown): overlaps another member, or bytes lie before it")
    }
    var cursor = Cursor(try feed.bytes(at: position, count: 30))
    guard cursor.has(30), cursor.word() == 0x0403_4B50 else {
      throw Refusal("\(shown): has no local header")
    }
    cursor.skip(2)
    let (flags, method) = (cursor.small(), cursor.small())
    cursor.skip(4)
    let crc = cursor.word()
    let (packed, size) = (Int64(cursor.word()), Int64(cursor.word()))
    let (nameLength, extraLength) = (Int(cursor.small()), Int(cursor.small()))
    let rest = try feed.bytes(at: position + 30, count: nameLength + extraLength)
    guard rest.count == nameLength + extraLength, Array(rest[..<nameLength]) == entry.name,
      flags == entry.flags, method == entry.method
    else { throw Refusal("\(shown): its two headers differ") }
    try checkExtra(Array(rest[nameLength...]), entry.name, shown)
    let isStreamed = flags & 8 != 0
    let pairs = [(Int64(crc), Int64(entry.crc)), (packed, entry.packed), (size, entry.size)]
    // A program that streams does not know them yet, and writes 0.
    guard pairs.allSatisfy({ $0 == $1 || isStreamed && $0 == 0 }) else {
      throw Refusal("\(shown): its two headers differ")
    }
    entry.start = position + 30 + Int64(rest.count)
    let behind = entry.start + entry.packed
    guard behind <= end else { throw Refusal("\(shown): the archive is truncated") }
    return isStreamed ? try descriptorEnd(entry, behind, shown) : behind
  }

  /// The offset behind the record that follows the content of a streamed member.
  private func descriptorEnd(_ entry: ZipEntry, _ offset: Int64, _ shown: String) throws(Refusal)
    -> Int64
  {
    let bytes = try feed.bytes(at: offset, count: 16)
    let isSigned = bytes.starts(with: [0x50, 0x4B, 0x07, 0x08])
    var cursor = Cursor(Array(bytes.dropFirst(isSigned ? 4 : 0)))
    guard cursor.has(12), cursor.word() == entry.crc, Int64(cursor.word()) == entry.packed,
      Int64(cursor.word()) == entry.size
    else { throw Refusal("\(shown): the record behind its content differs from its header") }
    return offset + (isSigned ? 16 : 12)
  }

  /// Refuses extra fields that would change the name or the sizes.
  private func checkExtra(_ bytes: [UInt8], _ name: [UInt8], _ shown: String) throws(Refusal) {
    var cursor = Cursor(bytes)
    while cursor.has(4) {
      let (tag, length) = (cursor.small(), Int(cursor.small()))
      guard cursor.has(length) else { throw Refusal("\(shown): an extra field is damaged") }
      let field = cursor.bytes(length)
      if tag == 0x0001 { throw Refusal("\(shown): zip64 members are not taken; use tar.zst") }
      if tag == 0x7075, Array(field.dropFirst(5)) != name {
        throw Refusal("\(shown): has a second name")
      }
    }
    guard cursor.isAtEnd else { throw Refusal("\(shown): an extra field is damaged") }
  }
}

/// Reads little-endian numbers from bytes; the caller asks `has` before.
private struct Cursor {
  private let all: [UInt8]
  private var index = 0

  init(_ all: [UInt8]) { self.all = all }

  var isAtEnd: Bool { index == all.count }
  func has(_ count: Int) -> Bool { count <= all.count - index }

  mutating func bytes(_ count: Int) -> [UInt8] {
    defer { index += count }
    return Array(all[index..<(index + count)])
  }

  mutating func skip(_ count: Int) { index += count }

  mutating func small() -> UInt16 { UInt16(truncatingIfNeeded: number(2)) }
  mutating func word() -> UInt32 { UInt32(truncatingIfNeeded: number(4)) }

  private mutating func number(_ count: Int) -> UInt64 {
    bytes(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}
