import EdgeJob
import EdgeSpool
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// Bytes that somebody damaged or made up: refused or understood, never a crash, and never accepted
/// with a wrong check.
struct FuzzTests {
  /// CRC-32 once more, bit by bit.
  static func crc(_ bytes: some Sequence<UInt8>) -> UInt32 {
    var crc: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    return ~crc
  }

  static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reduce(0) { $0 << 8 | UInt64($1) }
  }

  static func bigEndian(_ number: UInt64, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * (count - 1 - $0))) }
  }

  /// A frame built here and not by the code under test.
  static func frame(_ kind: String, _ body: [UInt8]) -> [UInt8] {
    var frame = Array(kind.utf8)
    frame += bigEndian(UInt64(body.count), 8)
    frame += bigEndian(UInt64(crc(body)), 4)
    return frame + body
  }

  @Test func `a frame has the documented bytes`() {
    let body = Array("123456789".utf8)
    let numbers: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 9, 0xCB, 0xF4, 0x39, 0x26]
    let golden: [UInt8] = Array("ECRQ".utf8) + numbers + body
    #expect(Frame(.request, body).bytes == golden)
    #expect(Self.frame("ECRQ", body) == golden)
    let kinds: [(Frame.Kind, String)] = [
      (.ticket, "ECTK"), (.receipt, "ECRC"), (.result, "ECRS"),
    ]
    for (kind, name) in kinds { #expect(Frame(kind, body).bytes == Self.frame(name, body)) }
  }

  @Test(arguments: Seed.some(4)) func `damaged frames are refused`(seed: Seed) throws {
    var random = SplitMix64(seed)
    for _ in 0..<500 {
      let frames = (0..<random.number(1...4)).map { _ in
        Frame(
          random.one(of: [.request, .ticket, .receipt, .result]),
          random.bytes(random.number(0...80)))
      }
      let bytes = frames.flatMap(\.bytes)
      #expect(try Frame.all(in: bytes) == frames)
      let damaged = random.damaged(bytes)
      do throws(SpoolError) {
        let found = try Frame.all(in: damaged)
        // Understood: then every frame says exactly what stands there, its check included.
        let hasArchive = found.contains { $0.kind == .archive }
        #expect(hasArchive || found.flatMap(\.bytes) == damaged)
        for frame in found where frame.kind != .archive {
          #expect(Self.number(frame.bytes[12..<16]) == UInt64(Self.crc(frame.body)))
        }
      } catch {
        #expect(error.kind == .badInput)
      }
    }
  }

  @Test(arguments: Seed.some(3)) func `every flipped bit is found`(seed: Seed) throws {
    var random = SplitMix64(seed)
    let bytes = Frame(.receipt, random.bytes(60)).bytes + Frame(.result, random.bytes(40)).bytes
    for bit in 0..<bytes.count * 8 {
      var damaged = bytes
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      // In the four letters a flip may name another kind; what it holds is still checked.
      if let found = try? Frame.all(in: damaged) {
        #expect(found.map(\.body) == (try? Frame.all(in: bytes))?.map(\.body))
        #expect(bit % (76 * 8) < 32)
      }
    }
  }

  @Test(arguments: Seed.some(4)) func `damaged requests are refused`(seed: Seed) throws {
    var random = SplitMix64(seed)
    let file = try Descriptor.memory("submission")
    for _ in 0..<400 {
      let requests = (0..<random.number(1...3)).map { _ in
        Request(key: "k" + random.name(), queue: random.name(), priority: random.number(-100...100))
      }
      let list = RequestList(requests)
      let head = Submission.head(list)
      try Self.replace(file, head + random.bytes(random.number(0...40)))
      let whole = try Submission(head: file.raw)
      #expect(whole.requests == list)
      #expect(whole.archiveOffset == Int64(head.count))
      // Damaged as a disk does it, and as somebody does it who knows the check.
      let body = Array(head.dropFirst(16))
      let isSealed = random.once(in: 2)
      let bytes = isSealed ? Self.frame("ECRQ", random.damaged(body)) : random.damaged(head)
      try Self.replace(file, bytes)
      do throws(SpoolError) {
        let found = try Submission(head: file.raw)
        guard found.archiveOffset > 0 else {
          #expect(found.requests == nil)
          continue
        }
        let end = Int(found.archiveOffset)
        #expect(end <= bytes.count)
        #expect(Self.number(bytes[4..<12]) == UInt64(end - 16))
        #expect(Self.number(bytes[12..<16]) == UInt64(Self.crc(bytes[16..<end])))
        for request in found.requests ?? [] { #expect(throws: Never.self) { try request.check() } }
      } catch {
        #expect(error.kind == .badInput)
      }
    }
  }

  private static func replace(_ file: borrowing Descriptor, _ bytes: [UInt8]) throws {
    ftruncate(file.raw, 0)
    lseek(file.raw, 0, SEEK_SET)
    try file.write(bytes)
  }

  @Test(arguments: Seed.some(3)) func `damaged records and outbox files are refused`(seed: Seed)
    throws
  {
    var random = SplitMix64(seed)
    let site = try Site()
    try site.spool.makeWorkerFolders("w")
    let item = "workers/w/outbox/x.item"
    for _ in 0..<350 {
      let ticket = Ticket.some(.number(1))
      let receipts = (0..<random.number(0...2)).map { _ in random.bytes(random.number(0...50)) }
      let result = random.bytes(30)
      var record = Self.frame("ECTK", ticket.json.canonical)
      for receipt in receipts { record += Self.frame("ECRC", receipt) }
      record += Self.frame("ECRS", result)
      try check(site, record, ticket, receipts, result)
      let sealed = Self.frame("ECTK", random.damaged(ticket.json.canonical))
      let damaged = random.once(in: 2) ? sealed : random.damaged(record)
      try site.write("done/\(JobID.number(1))", damaged)
      do throws(SpoolError) {
        let found = try site.spool.record(.done, .number(1))
        #expect(found.receipts.allSatisfy { damaged.contains(Self.frame("ECRC", $0)) })
        #expect(found.result.map { damaged.contains(Self.frame("ECRS", $0)) } ?? true)
      } catch {
        #expect(error.kind == .badInput)
      }
      var whole: [UInt8] = []
      for receipt in receipts { whole += Self.frame("ECRC", receipt) + Self.frame("ECRS", result) }
      try site.write(item, whole)
      let attempts = try site.spool.takeOutbox(item, of: "w").attempts
      #expect(attempts.map(\.envelope) == receipts)
      #expect(attempts.allSatisfy { $0.result == result })
      let broken = random.damaged(whole + Self.frame("ECRC", [1]))
      try site.write(item, broken)
      do throws(SpoolError) {
        for attempt in try site.spool.takeOutbox(item, of: "w").attempts {
          #expect(broken.contains(Self.frame("ECRC", attempt.envelope)))
          #expect(attempt.result.map { broken.contains(Self.frame("ECRS", $0)) } ?? true)
        }
      } catch {
        #expect(error.kind == .badInput)
      }
    }
  }

  private func check(
    _ site: Site, _ record: [UInt8], _ ticket: Ticket, _ receipts: [[UInt8]], _ result: [UInt8]
  ) throws {
    try site.write("done/\(ticket.job)", record)
    let found = try site.spool.record(.done, ticket.job)
    #expect(found.ticket == ticket)
    #expect(found.receipts == receipts)
    #expect(found.result == result)
  }

  @Test func `an outbox file holds receipts and results alone`() throws {
    let site = try Site()
    try site.spool.makeWorkerFolders("w")
    let item = "workers/w/outbox/x.item"
    let result = Self.frame("ECRS", [1])
    let twoResults: [UInt8] = Self.frame("ECRC", [1]) + result + result
    let endless: [UInt8] = Array("ECRC".utf8) + [UInt8](repeating: 0xFF, count: 12)
    let wrong: [[UInt8]] = [
      result, Self.frame("ECTK", [1]), Self.frame("ECRQ", [1]), Self.frame("ECAR", [1]), twoResults,
      [1], endless,
    ]
    for bytes in wrong {
      try site.write(item, bytes)
      #expect(
        kind { () throws(SpoolError) in _ = try site.spool.takeOutbox(item, of: "w") } == .badInput)
    }
  }
}

extension SplitMix64 {
  /// The bytes with one to three damages.
  mutating func damaged(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<number(1...3) where !bytes.isEmpty {
      let place = number(0...bytes.count - 1)
      switch number(0...7) {
      case 0: bytes[place] ^= 1 << UInt8(number(0...7))
      case 1: bytes[place] = one(of: [0, 1, 0x7F, 0x80, 0xFF, 0x22, 0x5C, 0x7B])
      case 2: bytes.removeSubrange(place...)
      case 3: bytes.insert(contentsOf: self.bytes(number(1...20)), at: place)
      case 4: bytes.removeSubrange(place..<min(bytes.count, place + number(1...20)))
      case 5: bytes += bytes[place...]
      case 6: bytes.swapAt(place, number(0...bytes.count - 1))
      default:
        // A length that lies.
        var length = self.bytes(8)
        length[0] = one(of: [0, 0x7F, 0xFF])
        length[1] = one(of: [0, 0xFF])
        for (index, byte) in length.enumerated() where index + 4 < bytes.count {
          bytes[index + 4] = byte
        }
      }
    }
    return bytes
  }
}
