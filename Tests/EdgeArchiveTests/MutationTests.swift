import EdgeArchive
import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// Honest archives, damaged at random: refused or taken, but the program goes on and nothing is
/// written outside. With EDGECODER_SEED the walk starts from that seed.
@Suite(.serialized) struct MutationTests {
  private let place = TemporaryDirectory()

  /// Makes the checksums of tar headers right again, so that the damage gets further.
  private func mend(_ bytes: inout [UInt8]) {
    for start in stride(from: 0, through: bytes.count - 512, by: 512)
    where bytes[(start + 257)..<(start + 262)].elementsEqual("ustar".utf8) {
      var sum = 8 * 0x20
      for index in start..<(start + 512) where !(148..<156).contains(index - start) {
        sum += Int(bytes[index])
      }
      let text = String(sum, radix: 8)
      let field = Array((String(repeating: "0", count: 6 - text.count) + text).utf8) + [0, 0x20]
      bytes.replaceSubrange((start + 148)..<(start + 156), with: field)
    }
  }

  private func mutate(_ bytes: inout [UInt8], _ random: inout SplitMix64) {
    let spices: [[UInt8]] = [
      Array("../".utf8), Array("/".utf8), [0], [0xFF], Array("path=../../x\n".utf8), [0x80],
      Array("source/".utf8), [0x50, 0x4B, 0x03, 0x04], Array("7777777".utf8), [0xC3],
    ]
    for _ in 0..<random.number(1...8) {
      if bytes.isEmpty { return }
      let index = random.number(0...(bytes.count - 1))
      switch random.number(0...6) {
      case 0: bytes[index] ^= 1 << UInt8(random.number(0...7))
      case 1: bytes[index] = UInt8(random.number(0...255))
      case 2:
        for (offset, byte) in random.one(of: spices).enumerated() where index + offset < bytes.count
        {
          bytes[index + offset] = byte
        }
      case 3:
        // Type, size and name of some header.
        let header = index & ~511
        let field = random.one(of: [0, 5, 100, 124, 130, 156, 157, 345])
        if header + field < bytes.count {
          bytes[header + field] = random.one(of: Array("012345xgLKS/.\u{0}7".utf8))
        }
      case 4: bytes.removeSubrange((index & ~511)..<min((index & ~511) + 512, bytes.count))
      case 5:
        bytes.insert(contentsOf: Array(bytes[(index & ~511)...].prefix(1024)), at: index & ~511)
      default: bytes.removeLast(min(bytes.count - 1, random.number(0...600)))
      }
    }
  }

  private func bases() throws -> [(name: String, bytes: [UInt8])] {
    try makeTask(place)
    try tool("/bin/sh", ["-c", "rm source/big"], in: place.path("task"))
    let commands = [
      "tar --format=gnu -cf - .", "tar --format=pax -cf - .", "bsdtar -cf - *", "tar -czf - .",
      "tar --zstd -cf - .", "tar -cJf - .", "rm -f ../z.zip; zip -q -r -y ../z.zip .; cat ../z.zip",
    ]
    return try commands.map {
      ($0, try tool("/bin/sh", ["-c", "umask 022; \($0)"], in: place.path("task")))
    }
  }

  @Test func damage() throws {
    let bases = try bases()
    let site = try Site()
    let before = try site.surroundings()
    var taken = 0
    var refused: Set<String> = []
    for seed in Seed.some(900) {
      var random = SplitMix64(seed)
      let base = bases[Int(seed.number % UInt64(bases.count))]
      var bytes = base.bytes
      mutate(&bytes, &random)
      if base.name.contains("-cf -"), random.once(in: 2) { mend(&bytes) }
      let file = try memory(bytes)
      var inspected: Inspection?
      do {
        inspected = try inspectTask(file.raw)
        taken += 1
      } catch { refused.insert(String(error.reason.suffix(24))) }
      do {
        let expecting = inspected.map { (blob: $0.blob, task: $0.task) }
        try site.unpack(file.raw, expecting: expecting)
      } catch { #expect(inspected == nil, "\(seed), \(base.name): \(error)") }
      for part in ArchivePart.allCases {
        let dest = try Directory(path: site.root.path("dest"))
        try dest.removeTree("\(part)")
        try dest.makeDirectory("\(part)", mode: 0o755)
      }
    }
    #expect(try site.surroundings() == before)
    // The walk reaches many different checks, and some damage hits nothing that counts.
    #expect(refused.count > 15, "\(refused.sorted())")
    #expect(taken > 10)
  }
}
