internal import EdgeJob

/// What an envelope held, after its signature was verified.
package struct OpenedEnvelope: Hashable, Sendable {
  package let payload: [UInt8]
  /// The id of the key that signed.
  package let keyID: String
}

/// A signed document: Dead Simple Signing Envelope, protocol 1.0.2, with one Ed25519 signature.
///
/// Its bytes are canonical JSON (RFC 8785), so that an envelope has one spelling only and none of
/// its bits can change without being refused.
package enum Envelope {
  /// The largest envelope that is opened, bytes.
  package static let bytesMax = 16 << 20

  /// The envelope of a payload.
  package static func seal(_ payload: [UInt8], type: String, by key: SigningKey) -> [UInt8] {
    let signature = key.sign(preAuthentication(type: type, payload: payload))
    let bytes = document(
      payload: Base64.text(payload), type: type, keyID: key.publicKey.id,
      signature: Base64.text(signature)
    ).canonical
    precondition(bytes.count <= bytesMax, "an envelope that nobody would open")
    return bytes
  }

  /// Verifies an envelope and gives its payload.
  /// - Parameters:
  ///   - type: the payload type that is expected.
  ///   - key: the public key of an id, nil where it is not enrolled. Its own id must be that one.
  package static func open(_ bytes: [UInt8], type: String, key: (String) -> PublicKey?)
    throws(TrustError) -> OpenedEnvelope
  {
    let subject = "envelope of \(type)"
    guard bytes.count <= bytesMax else {
      throw TrustError(.malformed("more than \(bytesMax) bytes"), subject: subject)
    }
    let parts: Parts
    do { parts = try Parts(bytes) } catch {
      throw TrustError(.malformed("\(error)"), subject: subject)
    }
    guard Array(parts.type.utf8) == Array(type.utf8) else {
      throw TrustError(.wrongType(parts.type), subject: subject)
    }
    guard let publicKey = key(parts.keyID), publicKey.id == parts.keyID else {
      throw TrustError(.unknownKey(parts.keyID), subject: subject)
    }
    let signed = preAuthentication(type: parts.type, payload: parts.payload)
    guard publicKey.verifies(parts.signature, of: signed) else {
      throw TrustError(.badSignature(key: parts.keyID), subject: subject)
    }
    return OpenedEnvelope(payload: parts.payload, keyID: publicKey.id)
  }

  /// What is signed: the pre-authentication encoding `DSSEv1 LEN TYPE LEN PAYLOAD`.
  static func preAuthentication(type: String, payload: [UInt8]) -> [UInt8] {
    Array("DSSEv1 \(type.utf8.count) \(type) \(payload.count) ".utf8) + payload
  }

  private static func document(payload: String, type: String, keyID: String, signature: String)
    -> JSON
  {
    [
      "payload": .string(payload), "payloadType": .string(type),
      "signatures": [["keyid": .string(keyID), "sig": .string(signature)]],
    ]
  }

  /// An envelope taken apart, not yet verified.
  private struct Parts {
    let payload: [UInt8]
    let type: String
    let keyID: String
    let signature: [UInt8]

    init(_ bytes: [UInt8]) throws(JSONError) {
      var fields = try Fields(try JSON.parse(bytes), of: "envelope")
      let payloadText = try fields.text("payload")
      type = try fields.text("payloadType")
      let signatures = try fields.elements("signatures")
      try fields.end()
      guard signatures.count == 1 else { throw JSONError("expected one signature") }
      var inner = try Fields(signatures[0], of: "signature")
      keyID = try inner.text("keyid")
      let signatureText = try inner.text("sig")
      try inner.end()
      guard let payload = Base64.bytes(payloadText), let signature = Base64.bytes(signatureText)
      else { throw JSONError("text that is not base64") }
      self.payload = payload
      self.signature = signature
      let canonical = document(
        payload: payloadText, type: type, keyID: keyID, signature: signatureText
      ).canonical
      guard canonical == bytes else { throw JSONError("the bytes are not canonical") }
    }
  }
}
