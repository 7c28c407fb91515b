internal import EdgeArchive
internal import EdgeJob
internal import EdgeSystem

/// Writes one task directory: built under a name with a leading dot, then renamed, so that a
/// directory with the task's name is always whole. Files are 0644 or 0755, directories 0755.
/// - Throws: where the name is taken; nothing is overwritten and nothing is left behind.
func writeTask(_ draft: TaskDraft, _ format: ImportFormat, into target: borrowing Directory)
  throws(ImportError)
{
  let name = draft.manifest.name
  let temporary = ".\(name).\(Hex16.random())"
  do {
    try fill(temporary, with: draft, format, in: target)
    try target.rename(temporary, to: target, name)
  } catch {
    try? target.removeTree(temporary)
    let place = "\(target.name)/\(name)"
    guard error.exists else { throw ImportError("cannot be written: \(error)", at: place) }
    throw ImportError(
      "the name is taken; nothing was changed", at: place,
      hint: "Import into an empty directory, or remove the old task first.")
  }
}

private func fill(
  _ name: String, with draft: TaskDraft, _ format: ImportFormat, in target: borrowing Directory
)
  throws(SystemError)
{
  try target.makeDirectory(name, mode: 0o755)
  let directory = try target.directory(name)
  let manifest = Array(taskTOML(for: draft.manifest(from: format)).utf8)
  try directory.publish("task.toml", manifest, mode: 0o644, durable: false)
  try directory.publish("instruction.md", draft.instruction, mode: 0o644, durable: false)
  var made: Set<String> = []
  for member in draft.members {
    guard let bytes = member.bytes else {
      try makeDirectories(member.path, in: directory, made: &made)
      continue
    }
    try makeDirectories(parent(member.path), in: directory, made: &made)
    let mode: UInt32 = member.executable ? 0o755 : 0o644
    try directory.publish(member.path, bytes, mode: mode, durable: false)
  }
}

/// Makes a directory and those above it, once each.
private func makeDirectories(
  _ path: String, in directory: borrowing Directory, made: inout Set<String>
) throws(SystemError) {
  if path == "." || made.contains(path) { return }
  try makeDirectories(parent(path), in: directory, made: &made)
  try directory.ensureDirectory(path, mode: 0o755)
  made.insert(path)
}
