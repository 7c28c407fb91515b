import EdgeJob
import EdgeTestSupport
import EdgeTrust
import Testing

struct EnvelopeTests {
  static let type = "application/vnd.in-toto+json"
  let key = SigningKey.generate()

  private func open(_ bytes: [UInt8], type: String = type) throws(TrustError) -> OpenedEnvelope {
    let known = key.publicKey
    return try Envelope.open(bytes, type: type) { $0 == known.id ? known : nil }
  }

  private func problem(_ bytes: [UInt8], type: String = type) -> TrustError.Problem? {
    do { _ = try open(bytes, type: type) } catch { return error.problem }
    return nil
  }

  @Test(arguments: Seed.some(50))
  func opensWhatItSealed(seed: Seed) throws {
    var random = SplitMix64(seed)
    let payload = random.bytes(random.number(0...2000))
    let opened = try open(Envelope.seal(payload, type: Self.type, by: key))
    #expect(opened.payload == payload)
    #expect(opened.keyID == key.publicKey.id)
  }

  /// The bytes are final.
  @Test
  func hasTheseBytes() throws {
    let key = try SigningKey(seed: Array(0..<32))
    let sealed = Envelope.seal(Array("{}".utf8), type: "text/x", by: key)
    let signature = key.sign(Array("DSSEv1 6 text/x 2 {}".utf8))
    let expected = #"""
      {"payload":"e30=","payloadType":"text/x","signatures":[{"keyid":"ed25519:56475aa75463474c",\#
      "sig":"\#(Base64.text(signature))"}]}
      """#
    #expect(String(decoding: sealed, as: UTF8.self) == expected)
  }

  /// Every single bit of the envelope, not a sample.
  @Test
  func refusesEveryBitFlip() {
    let sealed = Envelope.seal(Array(#"{"a":"é and more"}"#.utf8), type: Self.type, by: key)
    for bit in 0..<sealed.count * 8 {
      var other = sealed
      other[bit / 8] ^= 1 << (bit % 8)
      #expect(problem(other) != nil, "bit \(bit)")
    }
  }

  @Test(arguments: Seed.some(100))
  func refusesWhateverElseIsDoneToIt(seed: Seed) {
    var random = SplitMix64(seed)
    let sealed = Envelope.seal(random.bytes(60), type: Self.type, by: key)
    var other = sealed
    for _ in 0..<random.number(1...4) {
      let place = random.number(0...other.count - 1)
      switch random.number(0...3) {
      case 0: other.remove(at: place)
      case 1: other.insert(UInt8(random.number(0...255)), at: place)
      case 2: other.swapAt(place, random.number(0...other.count - 1))
      default: other = Array(other.prefix(place)) + Array(other.suffix(other.count - place / 2))
      }
      if other.isEmpty { break }
    }
    #expect(other == sealed || problem(other) != nil)
  }

  @Test
  func hasOneSpelling() throws {
    let sealed = Envelope.seal([1, 2, 3], type: Self.type, by: key)
    let text = String(decoding: sealed, as: UTF8.self)
    let json = try JSON.parse(sealed)
    let signature = try #require(json["signatures"]?.elements?.first)
    func members(_ extra: JSON.Member...) -> [UInt8] {
      JSON.object((json.members ?? []) + extra).canonical
    }
    let others: [[UInt8]] = [
      Array((text + "\n").utf8), Array((" " + text).utf8),
      Array(text.replacing(":", with: ": ").utf8),
      Array(text.replacing("vnd", with: "\\u0076nd").utf8),
      members(JSON.Member("x", 1)),
      JSON.object([
        JSON.Member("payload", json["payload"] ?? .null),
        JSON.Member("payloadType", .string(Self.type)),
        JSON.Member("signatures", [signature, signature]),
      ]).canonical,
    ]
    for other in others {
      guard case .malformed = problem(other) else {
        Issue.record("\(String(decoding: other, as: UTF8.self))")
        continue
      }
    }
  }

  @Test
  func keepsTypesApart() {
    let sealed = Envelope.seal([1], type: "text/one", by: key)
    #expect(problem(sealed, type: "text/two") == .wrongType("text/one"))
    // Lengths are signed too, so no byte can move from the type into the payload.
    let left = Envelope.seal(Array("b".utf8), type: "a 1 ", by: key)
    let right = Envelope.seal(Array("1 b".utf8), type: "a ", by: key)
    #expect(left != right)
  }

  @Test
  func acceptsEnrolledKeysOnly() {
    let other = SigningKey.generate()
    let sealed = Envelope.seal([1], type: Self.type, by: other)
    #expect(problem(sealed) == .unknownKey(other.publicKey.id))
    // A key that is filed under the id of another one.
    let wrong = key.publicKey
    #expect(throws: TrustError.self) { try Envelope.open(sealed, type: Self.type) { _ in wrong } }
    let forged = String(decoding: sealed, as: UTF8.self)
      .replacing(other.publicKey.id, with: key.publicKey.id)
    #expect(problem(Array(forged.utf8)) == .badSignature(key: key.publicKey.id))
  }

  @Test
  func limitsItsSize() {
    let bytes = [UInt8](repeating: 0x20, count: Envelope.bytesMax + 1)
    #expect(problem(bytes) != nil)
  }

  /// securesystemslib is the reference implementation of DSSE.
  @Test(.python("securesystemslib", "cryptography"), arguments: Seed.some(3))
  func theReferenceImplementationAcceptsIt(seed: Seed) throws {
    var random = SplitMix64(seed)
    let statement: JSON = [
      "_type": "https://in-toto.io/Statement/v1", "x": .string(random.text(atMost: 99)),
    ]
    let sealed = Envelope.seal(statement.canonical, type: Self.type, by: key)
    let script = """
      import json, sys
      from securesystemslib.dsse import Envelope
      from securesystemslib.signer import SSlibKey
      envelope = Envelope.from_dict(json.load(sys.stdin))
      def key(public):
          return SSlibKey(sys.argv[2], 'ed25519', 'ed25519', {'public': public})
      accepted = envelope.verify([key(sys.argv[1])], 1)
      assert len(accepted) == 1
      try: envelope.verify([key('00' * 31 + '01')], 1)
      except Exception: print('ok', envelope.payload.hex(), envelope.payload_type)
      """
    let result = try Python.run(
      script, [Hex.text(key.publicKey.bytes), key.publicKey.id], input: sealed)
    #expect(
      result.output == "ok \(Hex.text(statement.canonical)) \(Self.type)\n", "\(result)")
  }

  /// The same with openssl alone, for sites without that library.
  @Test(.program("openssl"))
  func opensslAcceptsIt() throws {
    let temporary = TemporaryDirectory()
    let payload = Array("payload".utf8)
    let json = try JSON.parse(Envelope.seal(payload, type: Self.type, by: key))
    let text = try #require(json["signatures"]?.elements?.first?["sig"]?.text)
    try temporary.write("message", text: "DSSEv1 28 \(Self.type) 7 payload")
    try temporary.write("signature", try #require(Base64.bytes(text)))
    try temporary.write("key", text: key.publicKey.pem)
    let result = try runProgram(
      "openssl",
      [
        "pkeyutl", "-verify", "-pubin", "-inkey", temporary.path("key"), "-rawin", "-in",
        temporary.path("message"), "-sigfile", temporary.path("signature"),
      ])
    #expect(result.status == 0, "\(result)")
  }
}
