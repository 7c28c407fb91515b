import EdgeJob
import EdgeSystem
import EdgeTestSupport
import EdgeTrust
import Glibc
import Testing

struct SignatureTests {
  let temporary = TemporaryDirectory()

  /// RFC 8032 §7.1, tests 1 to 3.
  @Test(arguments: [
    (
      "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
      """
      e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155\
      5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b
      """
    ),
    (
      "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
      """
      92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
      085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00
      """
    ),
    (
      "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
      "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
      """
      6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
      18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a
      """
    ),
  ])
  func givesTheVectorsOfTheStandard(seed: String, key: String, message: String, signature: String)
    throws
  {
    let signing = try SigningKey(seed: try #require(Hex.bytes(seed)))
    let message = try #require(Hex.bytes(message))
    let expected = try #require(Hex.bytes(signature))
    #expect(Hex.text(signing.publicKey.bytes) == key)
    #expect(signing.publicKey.verifies(expected, of: message))
    #expect(signing.publicKey.verifies(signing.sign(message), of: message))
  }

  @Test(arguments: Seed.some(5))
  func refusesEveryBitFlip(seed: Seed) throws {
    var random = SplitMix64(seed)
    let key = try SigningKey(seed: random.bytes(32))
    let message = random.bytes(40)
    let signature = key.sign(message)
    for bit in 0..<512 {
      var other = signature
      other[bit / 8] ^= 1 << (bit % 8)
      #expect(!key.publicKey.verifies(other, of: message))
    }
    for bit in 0..<320 {
      var other = message
      other[bit / 8] ^= 1 << (bit % 8)
      #expect(!key.publicKey.verifies(signature, of: other))
    }
    #expect(!SigningKey.generate().publicKey.verifies(signature, of: message))
    #expect(!key.publicKey.verifies(signature + [0], of: message))
    #expect(!key.publicKey.verifies([], of: message))
  }

  @Test(.program("openssl"), arguments: Seed.some(4))
  func opensslAcceptsWhatWeSign(seed: Seed) throws {
    var random = SplitMix64(seed)
    let key = SigningKey.generate()
    let message = random.bytes(random.number(1...5000))
    try temporary.write("key.pem", text: key.publicKey.pem)
    try temporary.write("message", message)
    try temporary.write("signature", key.sign(message))
    let verify = [
      "pkeyutl", "-verify", "-pubin", "-inkey", temporary.path("key.pem"), "-rawin", "-in",
      temporary.path("message"), "-sigfile", temporary.path("signature"),
    ]
    let result = try runProgram("openssl", verify)
    #expect(result.status == 0 && result.output.contains("Verified Successfully"), "\(result)")
    // The oracle can say no.
    try temporary.write("message", message + [0])
    #expect(try runProgram("openssl", verify).status != 0)
  }

  @Test(.program("openssl"))
  func weAcceptWhatOpensslSigns() throws {
    let path = temporary.path("key")
    let key = SigningKey.generate()
    try key.store(path)
    try temporary.write("message", text: "text")
    // It also reads our key files, which are PKCS #8.
    let signed = try runProgram(
      "openssl",
      ["pkeyutl", "-sign", "-inkey", path, "-rawin", "-in", temporary.path("message")])
    #expect(signed.status == 0, "\(signed)")
    #expect(key.publicKey.verifies(signed.stdout, of: Array("text".utf8)))
    let shown = try runProgram("openssl", ["pkey", "-in", path, "-pubout"])
    #expect(shown.output == key.publicKey.pem)
    #expect(PublicKey(pem: shown.output) == key.publicKey)
  }

  @Test(.python("cryptography"))
  func pythonAcceptsWhatWeSign() throws {
    let key = SigningKey.generate()
    let message = Array("some bytes".utf8)
    let script = """
      import sys
      from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
      key, signature, message = (bytes.fromhex(text) for text in sys.argv[1:])
      Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
      print('ok')
      """
    let arguments = [key.publicKey.bytes, key.sign(message), message].map { Hex.text($0) }
    #expect(try Python.run(script, arguments).output == "ok\n")
  }
}

struct KeyFileTests {
  let temporary = TemporaryDirectory()

  private func problem(_ body: () throws -> Void) -> TrustError.Problem? {
    do { try body() } catch { return (error as? TrustError)?.problem }
    return nil
  }

  @Test
  func readsWhatItWrites() throws {
    let key = SigningKey.generate()
    let path = temporary.path("key")
    try key.store(path)
    let status = try temporary.open().status("key")
    #expect(status.mode == 0o600)
    #expect(status.kind == .file)
    #expect(try SigningKey.load(path).publicKey == key.publicKey)
    #expect(try temporary.open().names().count == 1)
  }

  @Test
  func neverOverwrites() throws {
    let path = temporary.path("key")
    let key = SigningKey.generate()
    try key.store(path)
    #expect(problem { try SigningKey.generate().store(path) } == .exists)
    #expect(try SigningKey.load(path).publicKey == key.publicKey)
    symlink(temporary.path("elsewhere"), temporary.path("link"))
    #expect(problem { try key.store(temporary.path("link")) } != nil)
    #expect(access(temporary.path("elsewhere"), F_OK) != 0)
    #expect(problem { try key.store(temporary.path("absent/key")) } != nil)
  }

  @Test(arguments: [0o604, 0o640, 0o660, 0o602, 0o620, 0o601, 0o610, 0o644] as [UInt32])
  func refusesKeysThatOthersMayUse(mode: UInt32) throws {
    let path = temporary.path("key")
    try SigningKey.generate().store(path)
    chmod(path, mode)
    #expect(problem { _ = try SigningKey.load(path) } == .exposed(mode: mode))
    chmod(path, 0o400)
    #expect(problem { _ = try SigningKey.load(path) } == nil)
  }

  @Test
  func refusesWhatIsNoFile() throws {
    try SigningKey.generate().store(temporary.path("key"))
    symlink("key", temporary.path("link"))
    mkfifo(temporary.path("fifo"), 0o600)
    mkdir(temporary.path("directory"), 0o700)
    for name in ["link", "fifo", "directory"] {
      #expect(problem { _ = try SigningKey.load(temporary.path(name)) } == .notAFile, "\(name)")
    }
    #expect(problem { _ = try SigningKey.load(temporary.path("absent")) } != nil)
  }

  @Test(.enabled(if: geteuid() == 0, "only root can give files away"))
  func refusesKeysOfOthers() throws {
    let path = temporary.path("key")
    try SigningKey.generate().store(path)
    chown(path, 12_345, 12_345)
    #expect(problem { _ = try SigningKey.load(path) } == .foreign(owner: 12_345))
  }

  @Test
  func refusesOtherContent() throws {
    let key = SigningKey.generate()
    try key.store(temporary.path("key"))
    let text = String(decoding: try temporary.read("key"), as: UTF8.self)
    let others = [
      "", "x", text + "\n", text.replacing("PRIVATE", with: "PUBLIC"),
      text.replacing("MC4", with: "MC5"),
      key.publicKey.pem, String(text.dropLast(1)), text.replacing("\n", with: "\r\n"),
      String(repeating: "x", count: 10_000),
    ]
    for (number, other) in others.enumerated() {
      let path = try temporary.write("other-\(number)", text: other)
      #expect(problem { _ = try SigningKey.load(path) } != nil, "\(number)")
    }
  }

  @Test
  func namesKeysByTheirDigest() throws {
    let bytes = [UInt8](repeating: 7, count: 32)
    let key = try #require(PublicKey(bytes: bytes))
    #expect(key.id == "ed25519:" + Hex.text(Hash.sha256(bytes).prefix(8)))
    #expect(key.id.utf8.count == 24)
    #expect(PublicKey(bytes: [1, 2, 3]) == nil)
    #expect(PublicKey(pem: key.pem) == key)
    for pem in ["", key.pem + "x", key.pem.replacing("PUBLIC", with: "PRIVATE")] {
      #expect(PublicKey(pem: pem) == nil)
    }
  }

  @Test
  func neverShowsItsSecret() throws {
    let seed = [UInt8](repeating: 0x5A, count: 32)
    let key = try SigningKey(seed: seed)
    let shown = "\(key) \(String(describing: key.publicKey))"
    #expect(!shown.contains("5a5a5a") && !shown.contains("90, 90"), "\(shown)")
    #expect(throws: TrustError.self) { try SigningKey(seed: [1, 2, 3]) }
  }
}
