import EdgeJob
import EdgeTestSupport
import Testing

struct CreditsTests {
  @Test(arguments: [
    ("0", 0), ("1", 1_000_000), ("0.5", 500_000), ("0.000001", 1), ("12.345678", 12_345_678),
    ("007", 7_000_000), ("9223372036854.775807", Int64.max),
  ])
  func reads(text: String, micro: Int64) {
    #expect(Credits(decimal: text) == Credits(micro: micro))
  }

  @Test(arguments: [
    "", ".", "1.", ".5", "-1", "+1", "1e3", "1.0000001", "1,5", " 1", "1 ", "0x1", "１", "1.5.5",
    "9223372036854.775808", "99999999999999999999", "1_000", "∞",
  ])
  func refuses(text: String) {
    #expect(Credits(decimal: text) == nil)
  }

  @Test(arguments: Seed.some(100))
  func readsWhatItWrites(seed: Seed) {
    var random = SplitMix64(seed)
    let credits = Credits(micro: random.number(0...Int64.max))
    #expect(Credits(decimal: credits.description) == credits)
    #expect(Credits(microText: String(credits.micro)) == credits)
  }

  @Test
  func writes() {
    #expect(Credits(micro: -1).description == "-0.000001")
    #expect(Credits(micro: .min).description == "-9223372036854.775808")
    #expect(Credits(micro: 1_500_000).description == "1.5")
  }

  @Test
  func trapsRatherThanLosingMoney() async {
    await #expect(processExitsWith: .failure) {
      _ = Credits(micro: .max) + Credits(micro: 1)
    }
  }
}

struct FenceTests {
  @Test
  func countsWithinItsEpoch() {
    #expect(Fence(epoch: 1, count: 2).number == 4_294_967_298)
    #expect(Fence(epoch: 1, count: .max) < Fence(epoch: 2, count: 0))
    #expect(Fence(epoch: 0xDEAD_BEEF, count: 1).description == "deadbeef00000001")
  }

  @Test(arguments: Seed.some(100))
  func readsWhatItWrites(seed: Seed) {
    var random = SplitMix64(seed)
    let fence = random.fence()
    let other = random.fence()
    #expect(Fence(fence.description) == fence)
    #expect(
      (fence.epoch, fence.count) == (
        Fence(epoch: fence.epoch, count: fence.count).epoch, fence.count
      ))
    #expect((fence < other) == (fence.description < other.description))
    let place = FencedJob(job: random.job(), fence: fence)
    #expect(FencedJob(fileName: place.description) == place)
  }

  @Test(arguments: [
    "", "1", "0000000000000001 ", "000000000000000G", "DEADBEEF00000001", "+000000000000001",
  ])
  func refuses(text: String) {
    #expect(Fence(text) == nil)
    #expect(FencedJob(fileName: "00000000000000000000000000.\(text)") == nil)
  }

  @Test
  func refusesOtherFileNames() {
    for name in ["", ".", "..", "00000000000000000000000000", "x.0000000000000001", "a.b.c"] {
      #expect(FencedJob(fileName: name) == nil)
    }
  }
}

struct NameTests {
  @Test
  func takesSafeFileNamesOnly() {
    for name in ["a", "0", "user:alice", "a-b_c.d", String(repeating: "x", count: 64)] {
      #expect(Name.isValid(name), "\(name)")
    }
    for name in ["", ".", "..", "-a", "_a", ".a", ":a", "A", "a/b", "a b", "a\n", "é", "a\0"] {
      #expect(!Name.isValid(name), "\(name)")
    }
    #expect(!Name.isValid(String(repeating: "x", count: 65)))
  }
}

struct UTCTimeTests {
  @Test(.program("python3"), arguments: Seed.some(1))
  func agreesWithAnotherCalendar(seed: Seed) throws {
    var random = SplitMix64(seed)
    var times: [Int64] = (0..<2000).map { _ in
      random.number(-62_135_596_800_000...253_402_300_799_999)
    }
    times += [0, -1, 951_782_400_000, 4_107_542_399_999, -62_135_596_800_000, 253_402_300_799_999]
    let script = """
      import sys
      from datetime import datetime, timedelta
      for line in sys.stdin:
          time = datetime(1970, 1, 1) + timedelta(milliseconds=int(line))
          print(time.isoformat(timespec='milliseconds') + 'Z')
      """
    let result = try Python.run(script, input: Array(times.map { "\($0)\n" }.joined().utf8))
    #expect(result.status == 0, "\(result.errors)")
    let lines = result.output.split(separator: "\n").map(String.init)
    #expect(lines == times.map { UTCTime.text(milliseconds: $0) })
  }

  @Test
  func survivesTheEnds() {
    #expect(UTCTime.text(milliseconds: .max).hasSuffix("Z"))
    #expect(UTCTime.text(milliseconds: .min).hasPrefix("-"))
  }
}

struct HexTests {
  @Test
  func isStrict() {
    #expect(Hex.bytes("00ff7f") == [0, 0xFF, 0x7F])
    #expect(Hex.text([0, 0xFF, 0x7F]) == "00ff7f")
    for text in ["0", "0g", "FF", "0x", " 00", "é", "００"] {
      #expect(Hex.bytes(text) == nil, "\(text)")
    }
    #expect(Digest(hex: String(repeating: "0", count: 63)) == nil)
    #expect(Digest(hex: String(repeating: "0", count: 66)) == nil)
  }
}
