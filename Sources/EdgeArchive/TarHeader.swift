internal import EdgeJob

/// One block of 512 bytes that stands before a member of a tar archive, POSIX.1-1988 (ustar) or as
/// GNU tar writes it.
struct TarHeader {
  static let size = 512

  let name: [UInt8]
  let target: [UInt8]
  let mode: Int64
  let size: Int64
  let kind: UInt8

  /// - Throws: where the block is no header, or lies.
  init(_ block: [UInt8]) throws(Refusal) {
    precondition(block.count == TarHeader.size, "a tar header is one block")
    var sum = 8 * 0x20
    for (index, byte) in block.enumerated() where !(148..<156).contains(index) { sum += Int(byte) }
    guard let stored = TarHeader.number(block[148..<156]), stored == Int64(sum) else {
      throw Refusal("a tar header is damaged: its checksum does not match")
    }
    let isPosix = block[257..<263].elementsEqual("ustar\0".utf8)
    guard isPosix || block[257..<265].elementsEqual("ustar  \0".utf8) else {
      throw Refusal("a tar header is neither of the POSIX nor of the GNU form")
    }
    let own = try TarHeader.text(block[0..<100])
    let prefix = isPosix ? try TarHeader.text(block[345..<500]) : []
    name = prefix.isEmpty ? own : prefix + [0x2F] + own
    target = try TarHeader.text(block[157..<257])
    kind = block[156]
    guard let mode = TarHeader.number(block[100..<108]),
      let size = TarHeader.number(block[124..<136]), size >= 0
    else { throw Refusal("\(MemberName.shown(name)): a number in the header is damaged") }
    self.mode = mode
    self.size = size
  }

  /// Text up to the first zero byte, behind which there is nothing else.
  private static func text(_ field: ArraySlice<UInt8>) throws(Refusal) -> [UInt8] {
    let text = field.prefix { $0 != 0 }
    if field[text.endIndex...].contains(where: { $0 != 0 }) {
      throw Refusal("\(MemberName.shown(text)): the name goes on behind a zero byte")
    }
    return Array(text)
  }

  /// A number: octal digits between spaces and zero bytes, or 63 bits behind a set highest bit.
  private static func number(_ field: ArraySlice<UInt8>) -> Int64? {
    if let first = field.first, first & 0x80 != 0 {
      guard first == 0x80, field.dropFirst().dropLast(8).allSatisfy({ $0 == 0 }) else { return nil }
      let value = field.suffix(8).dropFirst(field.count == 8 ? 1 : 0)
        .reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      return Int64(exactly: value)
    }
    let digits = field.drop { $0 == 0x20 }.prefix { $0 != 0x20 && $0 != 0 }
    if digits.isEmpty { return 0 }
    guard digits.allSatisfy({ (0x30...0x37).contains($0) }) else { return nil }
    return Int64(String(decoding: digits, as: UTF8.self), radix: 8)
  }

  /// The block for a member with short names.
  static func block(
    name: [UInt8], prefix: [UInt8], kind: UInt8, mode: UInt32, size: Int64, target: [UInt8]
  )
    -> [UInt8]
  {
    var block = [UInt8](repeating: 0, count: TarHeader.size)
    func put(_ bytes: some Sequence<UInt8>, at offset: Int) {
      for (index, byte) in bytes.enumerated() { block[offset + index] = byte }
    }
    func octal(_ number: Int64, _ digits: Int) -> [UInt8] {
      let text = String(number, radix: 8)
      return Array((String(repeating: "0", count: digits - text.count) + text).utf8)
    }
    put(name, at: 0)
    put(octal(Int64(mode), 7), at: 100)
    put(octal(0, 7), at: 108)
    put(octal(0, 7), at: 116)
    put(octal(size, 11), at: 124)
    put(octal(0, 11), at: 136)
    put([kind], at: 156)
    put(target, at: 157)
    put("ustar\u{0}00".utf8, at: 257)
    put(octal(0, 7), at: 329)
    put(octal(0, 7), at: 337)
    put(prefix, at: 345)
    put("        ".utf8, at: 148)
    let sum = block.reduce(0) { $0 + Int64($1) }
    put(octal(sum, 6) + [0, 0x20], at: 148)
    return block
  }
}
