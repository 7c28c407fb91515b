internal import EdgeJob
internal import EdgeSystem

/// A length, a check and bytes: how documents stand one after another inside one file.
///
/// Layout: 4 bytes kind (ASCII), 8 bytes length, 4 bytes CRC-32 of the body (both most significant
/// byte first), then the body.
package struct Frame: Hashable, Sendable {
  package let kind: Kind
  package let body: [UInt8]

  package init(_ kind: Kind, _ body: [UInt8]) {
    self.kind = kind
    self.body = body
  }

  /// What the body is.
  package enum Kind: String, Hashable, Sendable {
    /// Canonical JSON of a request, or of a batch of them.
    case request = "ECRQ"
    /// Canonical JSON of the head of a batch.
    case batch = "ECBT"
    /// Canonical JSON of a ticket.
    case ticket = "ECTK"
    /// A DSSE envelope around a receipt.
    case receipt = "ECRC"
    /// A result archive; belongs to the receipt before it.
    case result = "ECRS"
    /// The bytes of a task archive up to the end of the file; has no check of its own, since its
    /// digests are taken anyway.
    case archive = "ECAR"
  }

  /// Bytes of a header.
  package static let headerLength = 16
  /// The longest body of one frame, bytes.
  package static let lengthMax = 64 << 20

  /// Header and body.
  package var bytes: [UInt8] { Frame.header(kind, length: body.count, check: body) + body }

  static func header(_ kind: Kind, length: Int, check body: [UInt8]) -> [UInt8] {
    let check = kind == .archive ? 0 : CRC32.of(body)
    return Array(kind.rawValue.utf8) + bigEndian(UInt64(length)) + bigEndian(check)
  }

  private static func bigEndian<Word: FixedWidthInteger>(_ word: Word) -> [UInt8] {
    withUnsafeBytes(of: word.bigEndian) { Array($0) }
  }

  /// The kind and length that a header announces.
  static func parse(header: ArraySlice<UInt8>) -> (kind: Kind, length: Int, check: UInt32)? {
    let header = Array(header)
    guard header.count == headerLength,
      let kind = Kind(rawValue: String(decoding: header[0..<4], as: UTF8.self)),
      let length = Int(exactly: header[4..<12].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }),
      length >= 0
    else { return nil }
    return (kind, length, header[12..<16].reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
  }

  /// All frames of a file that holds nothing else.
  /// - Throws: `badInput` with the offset of the first frame that is torn or unknown.
  package static func all(in bytes: [UInt8]) throws(SpoolError) -> [Frame] {
    var frames: [Frame] = []
    var offset = 0
    while offset < bytes.count {
      let end = offset + headerLength
      guard end <= bytes.count, let header = parse(header: bytes[offset..<end]),
        header.length <= bytes.count - end
      else { throw SpoolError(.badInput, "a torn frame at byte \(offset)") }
      let body = Array(bytes[end..<end + header.length])
      guard header.kind == .archive || CRC32.of(body) == header.check else {
        throw SpoolError(.badInput, "a frame with a wrong check at byte \(offset)")
      }
      frames.append(Frame(header.kind, body))
      offset = end + header.length
    }
    return frames
  }
}
