import EdgeJob
import EdgeTestSupport
import Testing

struct JobIDTests {
  @Test
  func writesKnownNumbers() throws {
    let zero = JobID(prefixOf: Digest(bytes: [UInt8](repeating: 0, count: 32)))
    #expect(zero.description == "00000000000000000000000000")
    let ones = JobID(prefixOf: Digest(bytes: [UInt8](repeating: 0xFF, count: 32)))
    #expect(ones.description == "7zzzzzzzzzzzzzzzzzzzzzzzzz")
    let bytes = try #require(Hex.bytes("0123456789abcdef0123456789abcdef"))
    let some = JobID(prefixOf: Digest(bytes: bytes + bytes))
    #expect(some.description == "014d2pf2dbsqqg28t5cy4tqkff")
    #expect(some.shard == "ef")
  }

  @Test(arguments: Seed.some(200))
  func readsWhatItWrites(seed: Seed) {
    var random = SplitMix64(seed)
    let job = random.job()
    #expect(JobID(job.description) == job)
    #expect(job.description.utf8.count == 26)
    let other = random.job()
    // The order of ids is that of their texts.
    #expect((job < other) == (job.description < other.description))
  }

  @Test(.program("python3"))
  func agreesWithAnotherImplementation() throws {
    var random = SplitMix64(seed: 32)
    let digests = (0..<500).map { _ in random.digest() }
    let script = """
      import sys
      alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
      for line in sys.stdin:
          n = int(line[:32], 16)
          print(''.join(alphabet[n >> s & 31] for s in range(125, -1, -5)))
      """
    let result = try Python.run(script, input: Array(digests.map { "\($0)\n" }.joined().utf8))
    let lines = result.output.split(separator: "\n").map(String.init)
    #expect(lines == digests.map { JobID(prefixOf: $0).description })
  }

  @Test(arguments: [
    "", "0", "0000000000000000000000000", "000000000000000000000000000",
    "80000000000000000000000000", "zzzzzzzzzzzzzzzzzzzzzzzzzz", "0000000000000000000000000i",
    "0000000000000000000000000l", "0000000000000000000000000o", "0000000000000000000000000u",
    "0000000000000000000000000A", "0000000000000000000000000 ", "0000000000000000000000000.",
    "../../../../../../../../00", "000000000000000000000000é",
  ])
  func refuses(text: String) {
    #expect(JobID(text) == nil)
  }

  @Test
  func isDerivedFromItsKey() throws {
    let preimage = JobID.keyedPreimage(
      spool: "spool-1", account: "alice", key: "nightly-2026-01-02")
    #expect(preimage == Array("edgecoder.job/1\0spool-1\0alice\0nightly-2026-01-02\0".utf8))
    // From sha256sum over those bytes.
    let digest = try #require(
      Digest(hex: "1a03cebe171e69934483fc6755e6518abc5c5c2c0ea0698c28b60b747d18239b"))
    #expect(JobID(prefixOf: digest).description == "0t0f7bw5ryd69m90zwcxaycmca")
  }

  @Test
  func keepsThePartsOfItsKeyApart() {
    let left = JobID.keyedPreimage(spool: "a", account: "b", key: "c:d")
    #expect(left != JobID.keyedPreimage(spool: "a", account: "b:c", key: "d"))
    #expect(left != JobID.keyedPreimage(spool: "ab", account: "", key: "c:d"))
  }

  @Test
  func refusesZeroBytesInItsKey() async {
    await #expect(processExitsWith: .failure) {
      _ = JobID.keyedPreimage(spool: "a", account: "b\0c", key: "d")
    }
  }

  @Test
  func isAUUIDOfVersion7() throws {
    // The example of RFC 9562 appendix A.6: 017F22E2-79B0-7CC3-98C4-DC0C0C07398F.
    let random = try #require(Hex.bytes("0cc318c4dc0c0c07398f"))
    let job = JobID(milliseconds: 1_645_557_742_000, random: random)
    #expect(job.description == "01fwhe4ydgfk1shh6w1g60eecf")
  }

  @Test(arguments: Seed.some(50))
  func hasVersionAndVariantWhateverTheRandomBytes(seed: Seed) {
    var random = SplitMix64(seed)
    let time = random.time()
    let early = JobID(milliseconds: time, random: random.bytes(10))
    let late = JobID(milliseconds: time + 1, random: random.bytes(10))
    #expect(early < late)
    #expect(JobID(milliseconds: time, random: [UInt8](repeating: 0, count: 10)) <= early)
    #expect(early <= JobID(milliseconds: time, random: [UInt8](repeating: 0xFF, count: 10)))
  }
}
