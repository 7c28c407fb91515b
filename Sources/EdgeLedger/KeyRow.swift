internal import FoundationEssentials
internal import GRDB

/// An enrolled public key.
package struct KeyRow: Hashable, Sendable {
  package let id: String
  /// Such as `ed25519`.
  package let algorithm: String
  package let publicKey: [UInt8]
  /// `worker` or `coordinator`.
  package let purpose: String
  /// Whose it is.
  package let holder: String
  /// The entry that enrolled it.
  package let added: Int64
  /// The time of that entry, milliseconds UTC.
  package let addedAt: Int64
  /// The entry that ended its use, or nil.
  package let retired: Int64?
  /// The time of that entry, milliseconds UTC.
  package let retiredAt: Int64?

  /// From `Queries.keyColumns`.
  init(row: Row) {
    id = row[0] as String? ?? ""
    algorithm = row[1] as String? ?? ""
    publicKey = Array(row[2] as Data? ?? Data())
    purpose = row[3] as String? ?? ""
    holder = row[4] as String? ?? ""
    added = row[5] as Int64? ?? -1
    retired = row[6]
    addedAt = row[7] as Int64? ?? 0
    retiredAt = row[8]
  }

  var enrolled: EnrolledKey {
    EnrolledKey(
      id: id, algorithm: algorithm, publicKey: publicKey, purpose: purpose, holder: holder)
  }
}
