package import EdgeJob
internal import EdgeSystem

/// One line of the ledger, as it was written.
package struct Entry: Hashable, Sendable {
  /// Its number, from 0; also the index of its leaf.
  package let seq: Int64
  /// Milliseconds UTC.
  package let ts: Int64
  /// The leadership under which it was written.
  package let epoch: UInt32
  /// Who wrote it.
  package let actor: String
  /// What it is; the table in EntryTypes.swift tells them all.
  package let type: String
  /// Why, in words; may be empty.
  package let reason: String
  /// The canonical bytes: what is hashed.
  package let body: [UInt8]
  /// SHA-256(0x00 ‖ body): the entry as a leaf of an RFC 9162 tree.
  package let leaf: Digest
  /// SHA-256(hash of the entry before ‖ leaf).
  package let hash: Digest
  let fact: Fact

  /// The value of `schema` in every entry.
  package static let schema = "edgecoder.entry/1"
  /// Bytes of the longest entry: its length must fit the 16 bits of a C2SP tile.
  package static let bytesMax = 65_535
  /// What stands before entry 0.
  package static let genesisHash = Digest(bytes: [UInt8](repeating: 0, count: 32))

  /// The whole entry as JSON.
  package var json: JSON { Entry.json(seq, ts, epoch, actor, reason, fact) }

  /// The leaf of these bytes.
  package static func leaf(of body: some Collection<UInt8>) -> Digest {
    var stream = SHA256Stream()
    stream.update(CollectionOfOne(0))
    stream.update(body)
    return Digest(bytes: stream.digest())
  }

  /// The hash of an entry with that leaf after an entry with that hash.
  package static func hash(after previous: Digest, leaf: Digest) -> Digest {
    var stream = SHA256Stream()
    stream.update(previous.bytes)
    stream.update(leaf.bytes)
    return Digest(bytes: stream.digest())
  }

  /// A new entry.
  init(
    seq: Int64, ts: Int64, epoch: UInt32, actor: String, reason: String, fact: Fact,
    after previous: Digest
  ) {
    self.seq = seq
    self.ts = ts
    self.epoch = epoch
    self.actor = actor
    self.reason = reason
    self.fact = fact
    type = fact.type
    body = Entry.json(seq, ts, epoch, actor, reason, fact).canonical
    leaf = Entry.leaf(of: body)
    hash = Entry.hash(after: previous, leaf: leaf)
  }

  /// An entry that was read: strictly the members of its type, in canonical form.
  /// - Parameter hash: as it was stored; nobody has compared it yet.
  init(body: [UInt8], hash: Digest) throws(JSONError) {
    let json = try JSON.parse(body)
    guard json.canonical == body else { throw JSONError("the entry is not in canonical form") }
    var fields = try Fields(json, of: "entry")
    try fields.schema(Entry.schema)
    seq = try fields.integer("seq")
    ts = try fields.integer("ts")
    guard let epoch = UInt32(exactly: try fields.integer("epoch")) else {
      throw JSONError("\"epoch\" of an entry is out of range")
    }
    self.epoch = epoch
    actor = try fields.text("actor")
    type = try fields.text("type")
    reason = try fields.text("reason")
    fact = try Fact(type: type, fields: &fields)
    try fields.end()
    self.body = body
    self.hash = hash
    leaf = Entry.leaf(of: body)
  }

  private static func json(
    _ seq: Int64, _ ts: Int64, _ epoch: UInt32, _ actor: String, _ reason: String, _ fact: Fact
  ) -> JSON {
    let head: [(String, JSON?)] = [
      ("schema", .string(schema)), ("seq", .int(seq)), ("ts", .int(ts)),
      ("epoch", .int(Int64(epoch))), ("actor", .string(actor)), ("type", .string(fact.type)),
      ("reason", .string(reason)),
    ]
    return .members(head + fact.members)
  }
}
