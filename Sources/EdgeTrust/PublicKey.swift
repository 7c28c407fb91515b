internal import Crypto
internal import EdgeJob
internal import EdgeSystem

/// An Ed25519 public key (RFC 8032).
package struct PublicKey: Hashable, Sendable, CustomStringConvertible {
  /// The 32 bytes of the key.
  package let bytes: [UInt8]

  /// From 32 bytes, or nil. Whether they are a point of the curve shows only when something is
  /// verified.
  package init?(bytes: [UInt8]) {
    guard bytes.count == 32 else { return nil }
    self.bytes = bytes
  }

  /// From its PEM text, RFC 8410 §4, or nil.
  package init?(pem: String) {
    guard let der = PEM.content(pem, label: PublicKey.label), der.count == 44,
      der.starts(with: PublicKey.prefix)
    else { return nil }
    self.init(bytes: Array(der.suffix(32)))
  }

  private static let label = "PUBLIC KEY"
  /// SubjectPublicKeyInfo with the algorithm 1.3.101.112, up to the key itself.
  private static let prefix: [UInt8] = [
    0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00,
  ]

  /// PEM text that other tools read, RFC 8410 §4.
  package var pem: String { PEM.text(PublicKey.prefix + bytes, label: PublicKey.label) }

  /// `ed25519:` and the first 16 hexadecimal digits of the key's SHA-256.
  package var id: String { "ed25519:" + Hex.text(Hash.sha256(bytes).prefix(8)) }

  package var description: String { id }

  /// True where this key signed these bytes.
  package func verifies(_ signature: [UInt8], of message: [UInt8]) -> Bool {
    guard signature.count == 64,
      let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes)
    else { return false }
    return key.isValidSignature(signature, for: message)
  }
}

/// Textual encoding of keys, RFC 7468, in its strict form.
enum PEM {
  static func text(_ bytes: [UInt8], label: String) -> String {
    let content = Base64.text(bytes)
    precondition(content.utf8.count <= 64, "keys fit one line")
    return "-----BEGIN \(label)-----\n\(content)\n-----END \(label)-----\n"
  }

  /// The bytes between the two lines, or nil.
  static func content(_ text: String, label: String) -> [UInt8]? {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.count == 4, lines[0] == "-----BEGIN \(label)-----",
      lines[2] == "-----END \(label)-----", lines[3].isEmpty
    else { return nil }
    return Base64.bytes(String(lines[1]))
  }
}
