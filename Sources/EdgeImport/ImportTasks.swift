internal import EdgeJob
package import EdgeSystem

/// Turns a collection of other people's tasks into task directories, one for each task, below
/// `target`. The same collection gives the same bytes each time.
///
/// - Parameters:
///   - path: the `.jsonl` file (humaneval, mbpp, quixbugs), or a directory of task directories, or
///     one of them (exercism, harbor).
///   - profile: the sandbox profile of all tasks; nil = what each one's language has.
///   - isWanted: tells by the name of a task directory whether it is made.
/// - Returns: what became of each task, in the order of the collection; a task that is refused
///   leaves no directory.
/// - Throws: where the collection as a whole cannot be read (no such file, wrong JSON, a line too
///   long), and where a directory cannot be made. JSON is read whole before the first directory is
///   made.
package func importTasks(
  format: ImportFormat, from path: String, into target: borrowing Directory,
  profile: String? = nil, selecting isWanted: (String) -> Bool = { _ in true }
) throws(ImportError) -> [ImportedTask] {
  var result = ImportResult(format: format, profile: profile)
  switch format {
  case .humaneval: try result.importLines(path, target, isWanted, HumanEval.draft)
  case .mbpp: try result.importLines(path, target, isWanted, MBPP.draft)
  case .quixbugs: try result.importLines(path, target, isWanted, QuixBugs.draft)
  case .exercism: try result.importFolders(path, "meta.json", target, isWanted, Exercism.draft)
  case .harbor: try result.importFolders(path, "task.toml", target, isWanted, Harbor.draft)
  }
  return result.tasks
}

private struct ImportResult {
  let format: ImportFormat
  let profile: String?
  private(set) var tasks: [ImportedTask] = []
  private var names: Set<String> = []

  init(format: ImportFormat, profile: String?) {
    self.format = format
    self.profile = profile
  }

  mutating func importLines(
    _ path: String, _ target: borrowing Directory, _ isWanted: (String) -> Bool,
    _ draft: (JSONRecord) throws(ImportError) -> Draft
  ) throws(ImportError) {
    for record in try JSONLines.read(path) {
      let made: Draft
      do {
        made = try draft(record)
      } catch {
        made = .refused(name: record.place, reason: error.description)
      }
      try take(made, record.place, target, isWanted)
    }
  }

  mutating func importFolders(
    _ path: String, _ mark: String, _ target: borrowing Directory, _ isWanted: (String) -> Bool,
    _ draft: (borrowing Directory, String) throws(ImportError) -> Draft
  ) throws(ImportError) {
    let names = try folders(path, mark)
    for name in names {
      let made: Draft
      do {
        made = try draft(try open(path + "/" + name), name == "." ? lastComponent(path) : name)
      } catch {
        made = .refused(name: name, reason: error.description)
      }
      try take(made, name, target, isWanted)
    }
  }

  /// The directories that hold a file called `mark`, relative to the path; `.` for itself.
  private func folders(_ path: String, _ mark: String) throws(ImportError) -> [String] {
    let directory = try open(path)
    if directory.contains(mark) { return ["."] }
    var folders: [String] = []
    do {
      for name in try directory.entries() where directory.contains("\(name)/\(mark)") {
        folders.append(name)
      }
    } catch {
      throw ImportError("cannot be read: \(error)", at: path)
    }
    if folders.isEmpty {
      throw ImportError(
        "no directory with a \(mark)", at: path, hint: "Name the directory of the collection.")
    }
    return folders
  }

  private func open(_ path: String) throws(ImportError) -> Directory {
    do {
      return try Directory(path: path)
    } catch {
      throw ImportError("cannot be opened: \(error)", at: path)
    }
  }

  private mutating func take(
    _ draft: Draft, _ place: String, _ target: borrowing Directory, _ isWanted: (String) -> Bool
  ) throws(ImportError) {
    guard isWanted(draft.name) else { return }
    switch draft {
    case .refused(let name, let reason):
      tasks.append(
        ImportedTask(
          name: name, directory: nil, status: .refused(reason), notices: [], requirements: []))
    case .task(var task):
      task.manifest.profile = profile ?? task.manifest.profile
      let name = task.manifest.name
      guard names.insert(name).inserted else {
        let reason = "\(place): the name \(name) occurs twice"
        tasks.append(
          ImportedTask(
            name: name, directory: nil, status: .refused(reason), notices: [], requirements: []))
        return
      }
      try writeTask(task, format, into: target)
      tasks.append(
        ImportedTask(
          name: name, directory: name,
          status: task.reasons.isEmpty ? .imported : .importedNotRunnable(task.reasons),
          notices: task.manifest.notices, requirements: task.manifest.requirements))
    }
  }
}
