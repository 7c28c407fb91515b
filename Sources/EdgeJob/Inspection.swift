/// What an inspector found out about an archive: what the task is, and both digests.
package struct Inspection: Hashable, Sendable {
  /// SHA-256 of the archive's bytes; names the file in `blobs/`.
  package let blob: Digest
  /// SHA-256 of the canonical member list; stays the same when the archive is recompressed.
  package let task: Digest
  package let manifest: TaskManifest
  /// Files, directories and links together.
  package let members: Int64
  /// Bytes of all members together, unpacked.
  package let bytes: Int64

  package init(
    blob: Digest, task: Digest, manifest: TaskManifest, members: Int64, bytes: Int64
  ) {
    self.blob = blob
    self.task = task
    self.manifest = manifest
    self.members = members
    self.bytes = bytes
  }

  package static let schema = "edgecoder.inspection/1"

  package var json: JSON {
    [
      "schema": .string(Inspection.schema), "blob": .string(blob.hex), "task": .string(task.hex),
      "manifest": manifest.json, "members": .int(members), "bytes": .int(bytes),
    ]
  }

  package init(json: JSON) throws(JSONError) {
    var fields = try Fields(json, of: "inspection")
    try fields.schema(Inspection.schema)
    self.init(
      blob: try fields.digest("blob"), task: try fields.digest("task"),
      manifest: try TaskManifest(json: try fields.value("manifest")),
      members: try fields.integer("members"), bytes: try fields.integer("bytes"))
    try fields.end()
  }
}

/// Why an archive is not taken.
package struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong with it, in words, with the member's name where there is one.
  package let reason: String

  package init(_ reason: String) { self.reason = reason }

  package var description: String { reason }

  package static let schema = "edgecoder.refusal/1"

  package var json: JSON {
    ["schema": .string(Refusal.schema), "reason": .string(reason)]
  }
}

/// Looks into an archive without letting its bytes meet the ledger.
package protocol ArchiveInspector: Sendable {
  /// Reads the archive from `descriptor` (from its beginning, which stays open) in a process of its
  /// own.
  /// - Throws: `Refusal`, also where the inspecting process died or answered nonsense.
  func inspect(_ descriptor: Int32) throws(Refusal) -> Inspection
}
