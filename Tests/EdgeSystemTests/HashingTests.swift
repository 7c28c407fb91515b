import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

struct HashingTests {
  let temporary = TemporaryDirectory()

  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func givesTheVectorsOfTheStandard(text: String, digest: String) {
    #expect(hex(Hash.sha256(Array(text.utf8))) == digest)
  }

  @Test(arguments: Seed.some(6))
  func agreesWithSha256sum(seed: Seed) throws {
    var random = SplitMix64(seed)
    let bytes = random.bytes(random.number(0...600_000))
    let path = try temporary.write("data", bytes)
    let result = try runProgram("sha256sum", [path])
    let expected = String(result.output.prefix(64))
    let file = try temporary.open().open("data", O_RDONLY)
    #expect(try hex(Hash.sha256(file: file.raw)) == expected)
    #expect(hex(Hash.sha256(bytes)) == expected)
    var stream = SHA256Stream()
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = random.number(1...min(rest.count, 70_000))
      stream.update(rest.prefix(count))
      rest = rest.dropFirst(count)
    }
    // A stream may be asked more than once.
    #expect(hex(stream.digest()) == expected)
    #expect(hex(stream.digest()) == expected)
  }

  @Test
  func hashesWhatItCopies() throws {
    var random = SplitMix64(seed: 5)
    let bytes = random.bytes(300_000)
    let source = try Descriptor.memory("source", bytes)
    let target = try Descriptor.memory("target")
    let (digest, length) = try copyHashing(source.raw, from: 100, to: target.raw, atMost: 300_000)
    #expect(digest == Hash.sha256(bytes[100...]))
    #expect(length == 299_900)
    lseek(target.raw, 0, SEEK_SET)
    #expect(try target.read(atMost: 1 << 20) == Array(bytes[100...]))
    do {
      _ = try copyHashing(source.raw, from: 0, to: target.raw, atMost: 299_999)
      Issue.record("a file above the limit was copied")
    } catch {
      #expect(error.errno == EFBIG)
    }
  }

  @Test(.program("python3"), arguments: Seed.some(3))
  func crcAgreesWithZlib(seed: Seed) throws {
    var random = SplitMix64(seed)
    #expect(CRC32.of(Array("123456789".utf8)) == 0xCBF4_3926)
    #expect(CRC32.of([UInt8]()) == 0)
    let bytes = random.bytes(random.number(1...100_000))
    let script = "import sys, zlib; print(zlib.crc32(sys.stdin.buffer.read()))"
    let result = try Python.run(script, input: bytes)
    #expect(UInt32(result.output.dropLast()) == CRC32.of(bytes))
  }

  private func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}

struct RandomTests {
  @Test
  func givesAsManyBytesAsAsked() {
    for count in [0, 1, 10, 256, 257, 1000] {
      #expect(Random.bytes(count).count == count)
    }
    // 1000 zero bytes would mean that a part was never filled in.
    #expect(Random.bytes(1000).suffix(200).contains { $0 != 0 })
    #expect(Hex16.random().count == 16)
    #expect(Hex16.random() != Hex16.random())
  }

  @Test
  func clocksAreThoseOfTheSystem() throws {
    let before = Clocks.milliseconds()
    let result = try runProgram("/bin/date", ["+%s%3N"])
    let shown = try #require(Int64(result.output.dropLast()))
    #expect((before...Clocks.milliseconds()).contains(shown))
    let first = Clocks.bootNanoseconds()
    #expect(Clocks.bootNanoseconds() >= first)
    let boot = try runProgram("/bin/cat", ["/proc/sys/kernel/random/boot_id"])
    #expect(try Clocks.bootID() + "\n" == boot.output)
  }
}
