internal import Crypto
internal import EdgeSystem
internal import Glibc

/// An Ed25519 key that signs (RFC 8032). It never appears in text, logs or messages.
package struct SigningKey: Sendable {
  private let key: Curve25519.Signing.PrivateKey

  /// A new key from the kernel's random numbers.
  package static func generate() -> SigningKey {
    guard let key = try? SigningKey(seed: Random.bytes(32)) else {
      preconditionFailure("any 32 bytes are an Ed25519 seed")
    }
    return key
  }

  /// From its 32 secret bytes.
  package init(seed: [UInt8]) throws(TrustError) {
    guard seed.count == 32, let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed)
    else { throw TrustError(.malformed("a seed has 32 bytes"), subject: "Ed25519 key") }
    self.key = key
  }

  /// The key that verifies what this one signs.
  package var publicKey: PublicKey {
    guard let publicKey = PublicKey(bytes: Array(key.publicKey.rawRepresentation)) else {
      preconditionFailure("an Ed25519 public key has 32 bytes")
    }
    return publicKey
  }

  /// The 64 bytes of the signature.
  package func sign(_ message: [UInt8]) -> [UInt8] {
    guard let signature = try? key.signature(for: message) else {
      preconditionFailure("signing bytes in memory does not fail")
    }
    let bytes = Array(signature)
    // A signature that its own key refuses must never become evidence.
    precondition(publicKey.verifies(bytes, of: message), "a fresh signature does not verify")
    return bytes
  }
}

// A key in a file: PKCS #8 in PEM (RFC 8410 §7), which other tools read too.
extension SigningKey {
  private static let label = "PRIVATE KEY"
  /// PrivateKeyInfo version 0 with the algorithm 1.3.101.112, up to the seed itself.
  private static let prefix: [UInt8] = [
    0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
  ]

  /// Reads a key. The file must be regular, no link, not usable by group or others, and belong to
  /// the caller or to root.
  package static func load(_ path: String) throws(TrustError) -> SigningKey {
    let text = try onFile(path) { (directory, name) throws(SystemError) in
      // O_NONBLOCK: a FIFO that lies here instead must not stop us.
      let file = try directory.open(name, O_RDONLY | O_NONBLOCK)
      let status = try file.status()
      guard status.kind == .file else { return .problem(.notAFile) }
      guard status.mode & 0o077 == 0 else { return .problem(.exposed(mode: status.mode)) }
      guard status.owner == geteuid() || status.owner == 0 else {
        return .problem(.foreign(owner: status.owner))
      }
      return .bytes(try file.read(atMost: 4096))
    }
    guard let pem = String(validating: text, as: UTF8.self),
      let der = PEM.content(pem, label: label), der.count == 48, der.starts(with: prefix)
    else { throw TrustError(.malformed("this is no Ed25519 key in PKCS #8 PEM"), subject: path) }
    return try SigningKey(seed: Array(der.suffix(32)))
  }

  /// Writes the key to a new file, mode 0600; it is on the disk when this returns.
  /// - Throws: `exists` where the name is taken; a file that could not be completed is removed.
  package func store(_ path: String) throws(TrustError) {
    let pem = PEM.text(SigningKey.prefix + Array(key.rawRepresentation), label: SigningKey.label)
    _ = try SigningKey.onFile(path) { (directory, name) throws(SystemError) in
      var isMade = false
      do throws(SystemError) {
        let file = try directory.open(name, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        isMade = true
        try file.write(Array(pem.utf8))
        try file.sync()
        try directory.sync()
      } catch {
        if error.exists { return .problem(.exists) }
        if isMade { try? directory.remove(name) }
        throw error
      }
      return .bytes([])
    }
  }

  /// What came of a file: its bytes, or why they are not taken.
  private enum FileAnswer {
    case bytes([UInt8])
    case problem(TrustError.Problem)
  }

  /// Lets `body` work in the directory of `path` on the last component of it.
  private static func onFile(
    _ path: String, _ body: (borrowing Directory, String) throws(SystemError) -> FileAnswer
  ) throws(TrustError) -> [UInt8] {
    let cut = path.lastIndex(of: "/")
    let parent = cut.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    let name = cut.map { String(path[path.index(after: $0)...]) } ?? path
    let answer: FileAnswer
    do {
      let directory = try Directory(path: parent)
      answer = try body(directory, name)
    } catch {
      let problem: TrustError.Problem = error.errno == ELOOP ? .notAFile : .system("\(error)")
      throw TrustError(problem, subject: path)
    }
    switch answer {
    case .bytes(let bytes): return bytes
    case .problem(let problem): throw TrustError(problem, subject: path)
    }
  }
}
