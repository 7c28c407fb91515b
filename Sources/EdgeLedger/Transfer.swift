package import EdgeJob
internal import EdgeSystem

/// Names one transfer: 16 bytes, derived from what it is for, so that doing the same thing twice
/// gives the same id.
package struct TransferID: Hashable, Sendable, CustomStringConvertible {
  package let bytes: [UInt8]

  /// From exactly 16 bytes.
  init?(bytes: [UInt8]) {
    guard bytes.count == 16 else { return nil }
    self.bytes = bytes
  }

  /// The first 16 bytes of SHA-256(`edgecoder.transfer/1` ‖ 0 ‖ job ‖ 0 ‖ phase ‖ 0 ‖ leg), the
  /// parts as text and the leg in decimal digits.
  ///
  /// A transfer that belongs to no job has an empty job and the phase `entry/SEQ`.
  init(job: String, phase: String, leg: Int) {
    var preimage = Array("edgecoder.transfer/1".utf8)
    for part in [job, phase, String(leg)] {
      preimage.append(0)
      preimage += part.utf8
    }
    bytes = Array(Hash.sha256(preimage).prefix(16))
  }

  /// 32 lower-case hexadecimal digits.
  package var description: String { Hex.text(bytes) }
}

/// Credits that go from one account (`dr`, debited) to another (`cr`, credited).
package struct Transfer: Hashable, Sendable {
  package let id: TransferID
  package let kind: Kind
  package let dr: String
  package let cr: String
  /// What is moved or held back, more than zero; of a void, what is released.
  package let amount: Credits
  /// The pending transfer that this one ends.
  package let pending: TransferID?
  /// The whole amount of that pending transfer.
  package let held: Credits?

  /// How a transfer changes its accounts.
  package enum Kind: String, Hashable, Sendable {
    /// Moves the amount at once.
    case single
    /// Holds the amount back.
    case pending
    /// Ends a pending transfer: moves the amount, releases the rest.
    case post
    /// Ends a pending transfer: releases all of it.
    case void
  }

  /// A transfer that stands alone.
  static func single(_ id: TransferID, dr: String, cr: String, _ amount: Credits) -> Transfer {
    Transfer(id: id, kind: .single, dr: dr, cr: cr, amount: amount, pending: nil, held: nil)
  }

  /// What the transfer does to the pending sums of both accounts, µcr.
  var pendingChange: Int64 {
    switch kind {
    case .single: 0
    case .pending: amount.micro
    case .post, .void: -(held?.micro ?? 0)
    }
  }

  /// What the transfer does to the posted sums of both accounts, µcr.
  var postedChange: Int64 {
    switch kind {
    case .single, .post: amount.micro
    case .pending, .void: 0
    }
  }
}

extension Transfer {
  /// In canonical order, so that nothing is left to sort.
  var json: JSON {
    .members([
      ("amount", .string(String(amount.micro))), ("cr", .string(cr)), ("dr", .string(dr)),
      ("held", held.map { .string(String($0.micro)) }), ("id", .string(id.description)),
      ("kind", .string(kind.rawValue)), ("pending", pending.map { .string($0.description) }),
    ])
  }

  init(json: JSON) throws(JSONError) {
    var fields = try Fields(json, of: "transfer")
    guard let kind = Kind(rawValue: try fields.text("kind")) else {
      throw JSONError("an unknown kind of transfer")
    }
    var pending: TransferID?
    if let text = try fields.optionalText("pending") { pending = try fields.transferID(text) }
    var held: Credits?
    if let value = fields.take("held") { held = try Fields.positive(value, "held") }
    self.init(
      id: try fields.transferID(try fields.text("id")), kind: kind, dr: try fields.text("dr"),
      cr: try fields.text("cr"), amount: try Fields.positive(try fields.value("amount"), "amount"),
      pending: pending, held: held)
    try fields.end()
    let ends = kind == .post || kind == .void
    guard ends == (pending != nil), ends == (held != nil) else {
      throw JSONError("\"pending\" and \"held\" belong to a post or void, and to nothing else")
    }
  }
}

extension Fields {
  fileprivate func transferID(_ text: String) throws(JSONError) -> TransferID {
    guard let bytes = Hex.bytes(text), let id = TransferID(bytes: bytes) else {
      throw JSONError("the id of a transfer is no 32 hexadecimal digits")
    }
    return id
  }

  /// 1 … 2^53 − 1 µcr, written as decimal text in its one shortest form.
  fileprivate static func positive(_ value: JSON, _ name: String) throws(JSONError) -> Credits {
    guard let text = value.text, let micro = Int64(text), (1...Draft.amountMax).contains(micro),
      String(micro) == text
    else { throw JSONError("\"\(name)\" of a transfer is no amount") }
    return Credits(micro: micro)
  }
}
