/// How much an archive may hold; everything beyond is refused before it is written anywhere.
package struct ArchiveLimits: Hashable, Sendable {
  /// Members, directories included.
  package var entries: Int
  /// Bytes of all files together, unpacked.
  package var bytes: Int64
  /// Bytes of one file, unpacked.
  package var fileBytes: Int64
  /// Unpacked bytes per archive byte, beyond the first MiB.
  package var ratio: Int64
  /// Bytes of one component of a name.
  package var componentBytes: Int
  /// Bytes of a whole name.
  package var nameBytes: Int
  /// Components of a name.
  package var depth: Int
  /// Bytes of `task.toml`.
  package var manifestBytes: Int64
  /// Bytes of `instruction.md`.
  package var instructionBytes: Int64
  /// Bytes of `candidate.patch`.
  package var patchBytes: Int64

  package init(
    entries: Int = 20_000, bytes: Int64 = 1 << 30, fileBytes: Int64 = 512 << 20,
    ratio: Int64 = 200, componentBytes: Int = 255, nameBytes: Int = 1024, depth: Int = 32,
    manifestBytes: Int64 = 256 << 10, instructionBytes: Int64 = 1 << 20,
    patchBytes: Int64 = 8 << 20
  ) {
    self.entries = entries
    self.bytes = bytes
    self.fileBytes = fileBytes
    self.ratio = ratio
    self.componentBytes = componentBytes
    self.nameBytes = nameBytes
    self.depth = depth
    self.manifestBytes = manifestBytes
    self.instructionBytes = instructionBytes
    self.patchBytes = patchBytes
  }

  /// The limits of task archives.
  package static let task = ArchiveLimits()

  /// The limits of result archives. Output of a task may compress very well, and its size was
  /// capped when it was collected, so the ratio is left open.
  package static let result = ArchiveLimits(ratio: 1 << 20)

  /// The most unpacked bytes, headers and padding included, that an archive of `size` bytes may
  /// turn into: the rule against bombs.
  func streamBytes(size: Int64) -> Int64 {
    let (product, overflow) = size.multipliedReportingOverflow(by: ratio)
    let byRatio = overflow ? Int64.max >> 1 : product + (1 << 20)
    // A member costs at most a header, a long name and padding beside its content.
    return min(byRatio, bytes + Int64(entries) * 8192 + (1 << 20))
  }
}
