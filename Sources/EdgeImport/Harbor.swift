internal import EdgeArchive
internal import EdgeJob
internal import EdgeSystem

/// Harbor task directories: `task.toml`, `instruction.md`, `environment/Dockerfile` with its files,
/// `tests/test.sh`, and perhaps `solution/solve.sh`.
///
/// The Dockerfile is read, never built. Its last `WORKDIR` becomes the mount point of the
/// workspace, what it copies there becomes the snapshot. A candidate is a `solve.sh` (with helpers)
/// that the first phase runs in the workspace, as Harbor runs its oracle; the verify phase then
/// runs `tests/test.sh`, which writes `/logs/verifier/reward.txt`.
enum Harbor {
  static func draft(_ directory: borrowing Directory, slug: String) throws(ImportError) -> Draft {
    guard let name = TaskName.safe("harbor-" + slug), !slug.contains("/") else {
      return .refused(name: quoted(slug), reason: "no safe name: \(quoted(slug))")
    }
    let task = HarborTask(
      slug: slug, instruction: try read(directory, "instruction.md", slug),
      manifest: try HarborManifest(
        try toml(try read(directory, "task.toml", slug), "\(slug)/task.toml"),
        file: "\(slug)/task.toml"),
      context: try context(directory, "environment"), tests: try context(directory, "tests"),
      solution: try context(directory, "solution"))
    if directory.contains("steps") {
      return .refused(name: name, reason: "\(slug): a task of several steps")
    }
    guard task.tests.files.contains(where: { $0.path == "test.sh" }) else {
      return .refused(name: name, reason: "\(slug): tests/test.sh is missing")
    }
    return try HarborMapping(task).draft(named: name)
  }

  private static func toml(_ bytes: [UInt8], _ file: String) throws(ImportError) -> JSON {
    do {
      return try readTOML(bytes, file: file)
    } catch {
      throw ImportError(error.problem, at: "\(error.file):\(error.line)")
    }
  }

  private static func read(_ directory: borrowing Directory, _ name: String, _ slug: String)
    throws(ImportError) -> [UInt8]
  {
    do {
      return try directory.read(name, atMost: 1 << 20)
    } catch {
      throw ImportError("cannot be read: \(error)", at: "\(slug)/\(name)")
    }
  }

  private static func context(_ directory: borrowing Directory, _ name: String)
    throws(ImportError) -> BuildContext
  {
    if !directory.contains(name) { return BuildContext(files: []) }
    let part: Directory
    do {
      part = try directory.directory(name)
    } catch {
      throw ImportError("cannot be opened: \(error)", at: "\(directory.name)/\(name)")
    }
    return try BuildContext(reading: part)
  }
}

/// A Harbor task as it was read.
struct HarborTask {
  let slug: String
  let instruction: [UInt8]
  let manifest: HarborManifest
  let context: BuildContext
  let tests: BuildContext
  let solution: BuildContext
}
