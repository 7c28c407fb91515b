internal import EdgeArchive
internal import EdgeJob
internal import EdgeSystem

/// Unpacks all parts of a task archive to where they stand in a task directory.
enum UnpackTask {
  static func unpack(_ file: Int32, _ inspection: Inspection, into target: borrowing Directory)
    throws
  {
    var raws: [ArchivePart: Int32] = [:]
    defer { for raw in raws.values { _ = Descriptor(owning: raw) } }
    for part in ArchivePart.allCases {
      try target.makeDirectory(part.rawValue, mode: 0o755)
      raws[part] = try target.directory(part.rawValue).descriptor.duplicate().release()
    }
    let places = raws
    let unpacked = try unpackTask(
      file, in: try ArchiveConfined.process(),
      expecting: (blob: inspection.blob, task: inspection.task), limits: .task
    ) { part, _ in places[part].map { UnpackTarget(directory: $0) } }
    for part in ArchivePart.allCases { try? target.removeDirectory(part.rawValue) }
    if let instruction = unpacked.instruction {
      try target.publish("instruction.md", Array(instruction.utf8), mode: 0o644, durable: false)
    }
    if let patch = unpacked.patch {
      try target.publish("candidate.patch", patch, mode: 0o644, durable: false)
    }
    let manifest = taskTOML(for: inspection.manifest)
    try target.publish("task.toml", Array(manifest.utf8), mode: 0o644, durable: false)
  }
}
