/// Collections of coding tasks that can be turned into task directories.
package enum ImportFormat: String, CaseIterable, Sendable {
  /// OpenAI's HumanEval, one JSON object for each line.
  case humaneval
  /// Google's Mostly Basic Python Problems, one JSON object for each line.
  case mbpp
  /// QuixBugs, one JSON object for each line: a program with one defect, and its repair.
  case quixbugs
  /// Exercism practice exercises, one directory each; Python and JavaScript.
  case exercism
  /// Harbor (Terminal-Bench) task directories.
  case harbor
}

/// What became of one task of a collection.
package struct ImportedTask: Hashable, Sendable {
  /// The task's name, as it stands in task.toml; for a refused task, what the collection calls it.
  package let name: String
  /// The directory that was made, relative to the target; nil where the task was refused.
  package let directory: String?
  package let status: Status
  /// What was changed, ignored or is known about the task, for people.
  package let notices: [String]
  /// What the machine must offer, as in the manifest.
  package let requirements: [String]

  /// How far the import came.
  package enum Status: Hashable, Sendable {
    case imported
    /// The directory is there, but the task cannot reach a fair verdict here.
    case importedNotRunnable([String])
    /// No directory was made.
    case refused(String)
  }
}

/// How many tasks ended in which way.
package struct ImportCounts: Hashable, Sendable {
  /// Task directories made, runnable or not.
  package let imported: Int
  /// Task directories that can reach a fair verdict, as far as the importer can tell.
  package let runnable: Int
  /// Tasks of which no directory was made.
  package let refused: Int

  package init(_ tasks: [ImportedTask]) {
    var imported = 0
    var runnable = 0
    var refused = 0
    for task in tasks {
      switch task.status {
      case .imported:
        imported += 1
        runnable += 1
      case .importedNotRunnable: imported += 1
      case .refused: refused += 1
      }
    }
    self.imported = imported
    self.runnable = runnable
    self.refused = refused
  }
}
