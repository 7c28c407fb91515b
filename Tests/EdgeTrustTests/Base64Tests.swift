import EdgeTestSupport
import EdgeTrust
import Testing

struct Base64Tests {
  /// RFC 4648 §10.
  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
    ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
  ])
  func givesTheVectorsOfTheStandard(plain: String, text: String) {
    #expect(Base64.text(Array(plain.utf8)) == text)
    #expect(Base64.bytes(text) == Array(plain.utf8))
  }

  @Test(arguments: [
    "=", "==", "===", "====", "Z", "Zg", "Zg=", "Zg===", "Zg==\n", " Zg==", "Zg= =", "Z=g=",
    "Zm9v=",
    "Zm9vZ===", "=Zm9", "Zm9-", "Zm9_", "Zm9é", "Zh==", "Zm9=", "ZmF", "Zm\n9v", "Zg==Zg==",
    "\0\0\0\0",
  ])
  func refuses(text: String) {
    #expect(Base64.bytes(text) == nil)
  }

  @Test(arguments: Seed.some(100))
  func readsWhatItWritesAndNothingElse(seed: Seed) {
    var random = SplitMix64(seed)
    let bytes = random.bytes(random.number(0...100))
    let text = Base64.text(bytes)
    #expect(Base64.bytes(text) == bytes)
    // No other text gives the same bytes.
    guard !text.isEmpty else { return }
    var other = Array(text.utf8)
    other[random.number(0...other.count - 1)] ^= 1 << random.number(0...6)
    #expect(Base64.bytes(String(decoding: other, as: UTF8.self)) != bytes)
  }

  @Test(.program("python3"))
  func agreesWithAnotherImplementation() throws {
    var random = SplitMix64(seed: 64)
    for count in 0..<70 {
      let bytes = random.bytes(count)
      let script = "import base64, sys; print(base64.b64encode(sys.stdin.buffer.read()).decode())"
      if count > 6, !count.isMultiple(of: 9) { continue }
      #expect(try Python.run(script, input: bytes).output == Base64.text(bytes) + "\n")
    }
  }
}
