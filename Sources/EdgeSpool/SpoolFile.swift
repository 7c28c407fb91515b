package import EdgeJob
internal import EdgeSystem

/// The content of `spool.json`: which format the tree has, and the id that all its evidence names.
package struct SpoolFile: Hashable, Sendable {
  /// 26 characters as of a job id; never changes.
  package let id: String
  /// Milliseconds UTC.
  package let created: Int64
  /// What else a reader must understand, such as `testClock` or `shared`.
  package let features: [String]

  package init(id: String, created: Int64, features: [String]) {
    self.id = id
    self.created = created
    self.features = features
  }

  /// Its name in the spool.
  package static let name = "spool.json"
  package static let schema = "edgecoder.spool/1"
  /// `testClock` lets `--now` stand in for the clock; `shared` has drop boxes for other uids.
  package static let knownFeatures: Set<String> = ["testClock", "shared"]

  package var json: JSON {
    [
      "schema": .string(SpoolFile.schema), "format": 1, "spool": .string(id),
      "created": .int(created), "features": .texts(features),
    ]
  }

  /// The one in a directory.
  init(at root: borrowing Directory, _ path: String) throws(SpoolError) {
    let bytes: [UInt8]
    do { bytes = try root.read(SpoolFile.name, atMost: 1 << 16) } catch {
      throw SpoolError(.unavailable, "\(path) is no spool: \(error)")
    }
    try self.init(bytes: bytes)
  }

  /// From the file's bytes.
  /// - Throws: `unknownFormat` for a format or feature that this version does not know.
  package init(bytes: [UInt8]) throws(SpoolError) {
    do throws(JSONError) {
      var fields = try Fields(try JSON.parse(bytes), of: SpoolFile.name)
      let schema = try fields.text("schema")
      let format = try fields.integer("format")
      guard schema == SpoolFile.schema, format == 1 else {
        throw JSONError("format \(format), schema \(schema)")
      }
      id = try fields.text("spool")
      created = try fields.integer("created")
      features = try fields.texts("features")
      try fields.end()
      guard JobID(id) != nil else { throw JSONError("\"spool\" is no id") }
    } catch {
      throw SpoolError(
        .unknownFormat, "\(SpoolFile.name): \(error.problem)",
        hint: "use the version of edgecoder that made this spool, or a newer one")
    }
    if let feature = features.first(where: { !SpoolFile.knownFeatures.contains($0) }) {
      throw SpoolError(
        .unknownFormat, "\(SpoolFile.name): unknown feature \"\(feature)\"",
        hint: "use a newer version of edgecoder")
    }
  }
}
