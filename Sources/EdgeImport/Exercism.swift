internal import EdgeJob
internal import EdgeSystem

/// Exercism practice exercises: `stub/`, `exemplar/`, `tests/`, `instruction.md` and `meta.json`.
enum Exercism {
  /// Exercises whose exemplar cannot pass with the files that the collection holds, and why.
  static let broken: [String: String] = [
    "exercism-python/error-handling": "its tests import test_utils, which the collection lacks",
    "exercism-javascript/grep": "its tests read data files that the collection lacks",
  ]

  private struct Meta {
    let id: String
    let testFiles: [String]
    let editorFiles: [String]
  }

  /// One exercise directory.
  static func draft(_ directory: borrowing Directory, slug: String) throws(ImportError) -> Draft {
    let place = "\(slug)/meta.json"
    let meta = try meta(directory, place)
    guard let name = TaskName.safe(meta.id), let slash = meta.id.firstIndex(of: "/") else {
      return .refused(name: slug, reason: "\(place): no safe name: \(quoted(meta.id))")
    }
    let parts = Parts(
      stub: try part(directory, "stub"), exemplar: try part(directory, "exemplar"),
      tests: try part(directory, "tests"),
      instruction: try read(directory, "instruction.md", slug))
    var draft: TaskDraft
    do {
      switch meta.id[..<slash] {
      case "exercism-python": draft = try python(name, slug, meta, parts)
      case "exercism-javascript": draft = try javaScript(name, slug, meta, parts)
      default: return .refused(name: name, reason: "\(place): another language")
      }
    } catch {
      return .refused(name: name, reason: "\(slug)/\(error.description)")
    }
    if let why = broken[meta.id] {
      draft.manifest.notices.append("the exemplar does not pass: \(why)")
      draft.reasons.append(why)
    }
    return .task(draft)
  }

  private struct Parts {
    let stub: [BuildContext.File]
    let exemplar: [BuildContext.File]
    let tests: [BuildContext.File]
    let instruction: [UInt8]
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

  private static func part(_ directory: borrowing Directory, _ name: String) throws(ImportError)
    -> [BuildContext.File]
  {
    do {
      return try BuildContext(reading: try directory.directory(name)).files
    } catch let error as ImportError {
      throw error
    } catch {
      throw ImportError("cannot be read: \(error)", at: "\(directory.name)/\(name)")
    }
  }

  private static func meta(_ directory: borrowing Directory, _ place: String) throws(ImportError)
    -> Meta
  {
    let bytes = try read(directory, "meta.json", lastComponent(directory.name))
    let json: JSON
    do {
      json = try JSON.parse(bytes)
    } catch {
      let line = bytes.prefix(error.offset ?? 0).count { $0 == 0x0A } + 1
      throw ImportError(error.description, at: "\(place):\(line)")
    }
    let record = JSONRecord(json: json, place: place)
    let meta = Meta(
      id: try record.text("task_id"), testFiles: try record.texts("test_files"),
      editorFiles: try record.texts("editor_files"))
    for file in meta.testFiles + meta.editorFiles where !TaskName.isFileName(file) {
      throw ImportError("no safe file name: \(quoted(file))", at: place)
    }
    return meta
  }

  private static func manifest(
    _ name: String, _ slug: String, language: String, _ verifier: TaskManifest.Verifier,
    requirements: [String]
  ) -> TaskManifest {
    TaskManifest(
      name: name, summary: "The exercise \(slug).", kind: .verify, language: language,
      profile: language, verifier: verifier, requirements: requirements)
  }

  private static func text(_ file: BuildContext.File) throws(ImportError) -> String {
    guard let text = String(validating: file.bytes, as: UTF8.self) else {
      throw ImportError("not UTF-8 text", at: file.path)
    }
    return text
  }

  private static func python(_ name: String, _ slug: String, _ meta: Meta, _ parts: Parts)
    throws(ImportError) -> TaskDraft
  {
    let files = meta.testFiles.filter { $0.hasSuffix("_test.py") }
    var expected: [String] = []
    for file in files {
      guard let found = parts.tests.first(where: { $0.path == file }) else {
        throw ImportError("the test file is missing", at: "tests/\(file)")
      }
      expected += RunnerNames.pytest(file, try PythonTests.names(in: text(found), file: file))
    }
    if expected.isEmpty { throw ImportError("no tests", at: "tests") }
    var draft = TaskDraft(
      manifest: manifest(
        name, slug, language: "python",
        TaskManifest.Verifier(
          runner: .pytest, files: files, expected: expected,
          limits: Limits(cpuMilliseconds: 30_000, wallMilliseconds: 90_000)),
        requirements: ["program:python3", "python:pytest"]),
      instruction: parts.instruction)
    for file in parts.stub { draft.add("source/" + file.path, file.bytes) }
    for file in parts.exemplar { draft.add("solution/" + file.path, file.bytes) }
    for file in parts.tests { draft.add("tests/" + file.path, file.bytes) }
    return draft
  }

  private static func javaScript(_ name: String, _ slug: String, _ meta: Meta, _ parts: Parts)
    throws(ImportError) -> TaskDraft
  {
    var expected: [String] = []
    var skipped = 0
    for file in meta.testFiles {
      guard let found = parts.tests.first(where: { $0.path == file }) else {
        throw ImportError("the test file is missing", at: "tests/\(file)")
      }
      let names = try JavaScriptTests.names(in: text(found), file: file)
      expected += RunnerNames.jest(file, names)
      skipped += names.count(where: \.isSkipped)
    }
    if expected.isEmpty { throw ImportError("no tests", at: "tests") }
    var manifest = manifest(
      name, slug, language: "javascript",
      TaskManifest.Verifier(
        runner: .jest, files: meta.testFiles, expected: expected,
        // Node has a dozen threads before a program's first, and one exercise starts fifty.
        limits: Limits(cpuMilliseconds: 60_000, wallMilliseconds: 180_000, processes: 128)),
      requirements: ["program:node"])
    if skipped > 0 { manifest.notices.append("\(skipped) tests that upstream skips are left out") }
    // Given files: the candidate sees them, and the tests use them as they were given.
    manifest.protected = meta.editorFiles
    var draft = TaskDraft(manifest: manifest, instruction: parts.instruction)
    for file in parts.stub { draft.add("source/" + file.path, file.bytes) }
    for file in parts.tests {
      let isTest = meta.testFiles.contains(file.path)
      draft.add((isTest ? "tests/" : "source/") + file.path, file.bytes)
    }
    for file in parts.exemplar { draft.add("solution/" + file.path, try moved(file, meta)) }
    return draft
  }

  /// An exemplar as it reads in the workspace's root. Upstream keeps it one directory lower, so it
  /// imports given files as `../NAME`.
  private static func moved(_ file: BuildContext.File, _ meta: Meta) throws(ImportError) -> [UInt8]
  {
    var result = try text(file)
    for given in meta.editorFiles where given.hasSuffix(".js") {
      let name = given.dropLast(3)
      result = replace("'../\(name)'", by: "'./\(name)'", in: result)
    }
    return Array(result.utf8)
  }
}

/// Replaces every occurrence of a text.
func replace(_ old: String, by new: String, in text: String) -> String {
  let pattern = Array(old.utf8)
  let bytes = Array(text.utf8)
  var result: [UInt8] = []
  var position = 0
  while position < bytes.count {
    if bytes[position...].prefix(pattern.count).elementsEqual(pattern) {
      result += new.utf8
      position += pattern.count
    } else {
      result.append(bytes[position])
      position += 1
    }
  }
  return String(decoding: result, as: UTF8.self)
}
