internal import EdgeJob

/// Reads the members of a tar archive in order, strictly: whatever two programs might read in two
/// ways is refused.
///
/// It is ours and not libarchive's because libarchive respells names that pax headers give (NFC),
/// guesses charsets from the locale, resynchronises behind damaged headers and ignores what follows
/// the end; here every byte counts.
final class TarReader: MemberReader {
  private let stream: ByteStream
  private let limits: ArchiveLimits
  private var remaining: Int64 = 0
  private var padding = 0

  /// The longest pax header or GNU name that is read, bytes.
  private static let extensionBytes: Int64 = 128 << 10
  /// The most zeros behind the end: programs fill up their last write.
  private static let zerosMax: Int64 = 1 << 20

  init(_ stream: ByteStream, _ limits: ArchiveLimits) {
    self.stream = stream
    self.limits = limits
  }

  func next() throws(Refusal) -> Member? {
    var pax: PaxRecords?
    var longName: [UInt8]?
    var longTarget: [UInt8]?
    while true {
      try skip(remaining)
      remaining = 0
      try skip(Int64(padding))
      padding = 0
      guard let header = try header() else {
        if pax != nil || longName != nil || longTarget != nil {
          throw Refusal("the archive ends behind a header without its member")
        }
        return nil
      }
      switch header.kind {
      case UInt8(ascii: "x"):
        guard pax == nil else { throw Refusal("two pax headers for one member") }
        pax = try PaxRecords(try body(header), isGlobal: false)
      case UInt8(ascii: "g"): _ = try PaxRecords(try body(header), isGlobal: true)
      case UInt8(ascii: "L"):
        guard longName == nil else { throw Refusal("two long names for one member") }
        longName = try text(header)
      case UInt8(ascii: "K"):
        guard longTarget == nil else { throw Refusal("two long link targets for one member") }
        longTarget = try text(header)
      default:
        if pax?.path != nil && longName != nil || pax?.target != nil && longTarget != nil {
          throw Refusal("a member has a pax name and a GNU name")
        }
        let name = pax?.path ?? longName ?? header.name
        let target = pax?.target ?? longTarget ?? header.target
        if let member = try member(header, name, target, pax?.size) { return member }
        (pax, longName, longTarget) = (nil, nil, nil)
      }
    }
  }

  /// The member of a header, or nil for the archive's own root.
  private func member(_ header: TarHeader, _ raw: [UInt8], _ target: [UInt8], _ size: Int64?)
    throws(Refusal) -> Member?
  {
    let shown = MemberName.shown(raw)
    if let size, size != header.size { throw Refusal("\(shown): its two sizes differ") }
    guard header.mode & ~0o177777 == 0 else { throw Refusal("\(shown): the mode is damaged") }
    if header.mode & 0o7000 != 0 {
      throw Refusal("\(shown): setuid, setgid and sticky bits are not taken")
    }
    let isNamedDirectory = raw.last == 0x2F
    let kind: Member.Kind
    switch header.kind {
    case UInt8(ascii: "0"), 0: kind = isNamedDirectory ? .directory : .file
    case UInt8(ascii: "5"): kind = .directory
    case UInt8(ascii: "2"): kind = .link
    default: throw Refusal("\(shown): \(TarReader.word(header.kind))")
    }
    if kind != .file, header.size != 0 {
      throw Refusal("\(shown): a directory or link with content")
    }
    guard let name = try MemberName.checked(raw, limits) else {
      if kind == .directory { return nil }
      throw Refusal("\(shown): the archive's root is no directory")
    }
    remaining = header.size
    padding = Int(-header.size & 511)
    switch kind {
    case .directory: return .directory(name)
    case .link:
      if isNamedDirectory { throw Refusal("\(shown): a link named like a directory") }
      try MemberName.checkTarget(target, of: name, limits)
      return .link(name, to: String(decoding: target, as: UTF8.self))
    case .file:
      return .file(name, size: header.size, isExecutable: header.mode & 0o100 != 0)
    }
  }

  private static func word(_ kind: UInt8) -> String {
    switch kind {
    case UInt8(ascii: "1"): "hard links are not taken"
    case UInt8(ascii: "3"), UInt8(ascii: "4"): "devices are not taken"
    case UInt8(ascii: "6"): "FIFOs are not taken"
    case UInt8(ascii: "S"): "sparse members are not taken"
    default: "members of type \\x\(Hex.text([kind])) are not taken"
    }
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(Refusal) -> Int {
    let most = min(Int64(buffer.count), remaining)
    if most == 0 { return 0 }
    let count = try stream.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(most)]))
    if count == 0 { throw Refusal("the archive is truncated") }
    remaining -= Int64(count)
    return count
  }

  /// The next header, or nil behind the last one.
  private func header() throws(Refusal) -> TarHeader? {
    let block = try bytes(TarHeader.size)
    if block.contains(where: { $0 != 0 }) { return try TarHeader(block) }
    try end()
    return nil
  }

  /// Behind a block of zeros there must be another, and nothing but zeros until the very end.
  private func end() throws(Refusal) {
    guard try bytes(TarHeader.size).allSatisfy({ $0 == 0 }) else {
      throw Refusal("bytes follow the end of the archive")
    }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 15, alignment: 16)
    defer { buffer.deallocate() }
    var zeros: Int64 = 0
    while true {
      let count = try stream.read(into: buffer)
      if count == 0 { break }
      if buffer[..<count].contains(where: { $0 != 0 }) {
        throw Refusal("bytes follow the end of the archive")
      }
      zeros += Int64(count)
      if zeros > TarReader.zerosMax {
        throw Refusal("too many zeros follow the end of the archive")
      }
    }
    guard try stream.isConsumed() else { throw Refusal("bytes follow the end of the archive") }
  }

  private func body(_ header: TarHeader) throws(Refusal) -> [UInt8] {
    guard header.size <= TarReader.extensionBytes else {
      throw Refusal("a header is longer than \(TarReader.extensionBytes) bytes")
    }
    let body = try bytes(Int(header.size))
    padding = Int(-header.size & 511)
    return body
  }

  /// A GNU long name: its body without the zero byte that ends it.
  private func text(_ header: TarHeader) throws(Refusal) -> [UInt8] {
    let body = try body(header)
    return body.last == 0 ? body.dropLast() : body
  }

  private func bytes(_ count: Int) throws(Refusal) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    try bytes.withUnsafeMutableBufferPointer { buffer throws(Refusal) in
      try stream.fill(UnsafeMutableRawBufferPointer(buffer))
    }
    return bytes
  }

  private func skip(_ count: Int64) throws(Refusal) {
    var left = count
    while left > 0 {
      let piece = Int(min(left, 1 << 15))
      _ = try bytes(piece)
      left -= Int64(piece)
    }
  }
}
