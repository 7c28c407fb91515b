/// The directories of a task archive; each is unpacked to a place of its own.
package enum ArchivePart: String, Hashable, Sendable, CaseIterable {
  /// The frozen snapshot.
  case source
  /// Hidden tests, not unpacked before the verify phase.
  case tests
  /// The reference solution, read by `validate` only.
  case solution
  /// Further inputs of the command.
  case attachments
  /// Files that are laid over the snapshot.
  case candidate
  /// What other formats keep for building images; kept, not used.
  case environment
}

/// The files at the top of a task archive.
package enum ArchiveFile: String, Hashable, Sendable, CaseIterable {
  case manifest = "task.toml"
  case instruction = "instruction.md"
  /// A unified diff against the snapshot, instead of `candidate/`.
  case patch = "candidate.patch"
}

/// Where a name stands in a task archive.
enum ArchivePlace: Hashable {
  case file(ArchiveFile)
  /// The path inside the part; empty for the part's own directory.
  case part(ArchivePart, String)

  /// Of a checked name, or nil where a task archive has no such place.
  init?(_ name: String) {
    if let file = ArchiveFile(rawValue: name) {
      self = .file(file)
      return
    }
    let cut = name.firstIndex(of: "/")
    guard let part = ArchivePart(rawValue: String(name[..<(cut ?? name.endIndex)])) else {
      return nil
    }
    self = .part(part, cut.map { String(name[name.index(after: $0)...]) } ?? "")
  }

  /// The places in words, for messages.
  static let list =
    (ArchiveFile.allCases.map(\.rawValue) + ArchivePart.allCases.map { $0.rawValue + "/" })
    .joined(separator: ", ")
}
