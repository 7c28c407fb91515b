/// The name of a job: 128 bits, written as 26 lower-case Crockford base32 characters.
///
/// With an idempotency key it is derived, so that the same submission always has the same id;
/// without one it is a UUID version 7 (RFC 9562 §5.7). Order never comes from the id.
package struct JobID: Hashable, Sendable, Comparable, CustomStringConvertible {
  private let high: UInt64
  private let low: UInt64

  /// From the first 128 bits of a digest, most significant byte first.
  package init(prefixOf digest: Digest) {
    self.init(sixteen: Array(digest.bytes.prefix(16)))
  }

  /// A UUID version 7 of that time (milliseconds UTC, 48 bits) and ten random bytes.
  package init(milliseconds: Int64, random: [UInt8]) {
    precondition(random.count == 10, "a UUIDv7 takes ten random bytes")
    precondition((0..<1 << 48).contains(milliseconds), "a time outside the range of UUIDv7")
    var bytes = (0..<6).map { UInt8(truncatingIfNeeded: milliseconds >> (40 - 8 * $0)) } + random
    bytes[6] = bytes[6] & 0x0F | 0x70
    bytes[8] = bytes[8] & 0x3F | 0x80
    self.init(sixteen: bytes)
  }

  private init(sixteen bytes: [UInt8]) {
    high = bytes[0..<8].reduce(0) { $0 << 8 | UInt64($1) }
    low = bytes[8..<16].reduce(0) { $0 << 8 | UInt64($1) }
  }

  private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

  /// From exactly 26 characters of the alphabet, or nil; nothing is corrected.
  package init?(_ text: some StringProtocol) {
    let text = Array(text.utf8)
    guard text.count == 26 else { return nil }
    var high: UInt64 = 0
    var low: UInt64 = 0
    for (index, character) in text.enumerated() {
      guard let digit = JobID.alphabet.firstIndex(of: character) else { return nil }
      // 26 × 5 = 130 bits: the first character carries only three.
      if index == 0, digit > 7 { return nil }
      high = high << 5 | low >> 59
      low = low << 5 | UInt64(digit)
    }
    self.high = high
    self.low = low
  }

  package var description: String {
    var characters: [UInt8] = []
    for shift in stride(from: 125, through: 0, by: -5) {
      let digit: UInt64 =
        shift >= 64
        ? high >> (shift - 64)
        : shift > 59 ? high << (64 - shift) | low >> shift : low >> shift
      characters.append(JobID.alphabet[Int(digit & 31)])
    }
    return String(decoding: characters, as: UTF8.self)
  }

  /// Two hexadecimal digits that spread jobs over 256 directories; taken from the last byte,
  /// since the first ones of a UUIDv7 are its time.
  package var shard: String { Hex.text([UInt8(truncatingIfNeeded: low)]) }

  /// The name of the batch that a job of that batch belongs to: its own with the last sixteen bits
  /// cleared. Jobs that were submitted alone have such a name, too, but no batch bears it.
  package var batch: JobID { JobID(high: high, low: low & ~0xFFFF) }

  /// True for the name of a batch, which no job of it has.
  package var isBatch: Bool { low & 0xFFFF == 0 }

  /// What it names and the id, for messages: `job …` or `batch …`.
  package var named: String { "\(isBatch ? "batch" : "job") \(self)" }

  /// The place of a job in its batch, from 0; nil for the batch itself.
  package var place: Int? { isBatch ? nil : Int(low & 0xFFFF) - 1 }

  /// The name of the job at a place of this batch, from 0.
  package func job(at place: Int) -> JobID {
    precondition(isBatch && (0..<0xFFFF).contains(place), "a batch has at most 65 535 jobs")
    return JobID(high: high, low: low | UInt64(place + 1))
  }

  private init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  package static func < (left: JobID, right: JobID) -> Bool {
    (left.high, left.low) < (right.high, right.low)
  }

  /// What is hashed to name a job with an idempotency key: the parts, each ended by a zero byte
  /// (none of them may hold one), so that no two different triples give the same bytes.
  package static func keyedPreimage(spool: String, account: String, key: String) -> [UInt8] {
    var bytes: [UInt8] = []
    for part in ["edgecoder.job/1", spool, account, key] {
      precondition(!part.utf8.contains(0), "a part of a job key holds a zero byte")
      bytes += part.utf8
      bytes.append(0)
    }
    return bytes
  }
}
