internal import EdgeSystem

/// The files next to a Dockerfile that `COPY` may take.
struct BuildContext {
  /// Files by their path in the context, sorted.
  let files: [File]

  struct File: Hashable {
    let path: String
    let bytes: [UInt8]
    let executable: Bool
  }

  /// The most files, and the most bytes of all of them.
  static let filesMax = 2_000
  static let bytesMax = 64 << 20
  static let depthMax = 16

  init(files: [File]) { self.files = files.sorted { $0.path < $1.path } }

  /// Reads every file below a directory; links and special files are refused.
  init(reading directory: borrowing Directory) throws(ImportError) {
    var files: [File] = []
    var bytes = 0
    try BuildContext.read(directory, prefix: "", depth: 0, into: &files, &bytes)
    self.init(files: files)
  }

  private static func read(
    _ directory: borrowing Directory, prefix: String, depth: Int, into files: inout [File],
    _ bytes: inout Int
  ) throws(ImportError) {
    let place = directory.name
    if depth > depthMax { throw ImportError("directories too deep", at: place) }
    do {
      for raw in try directory.names() {
        guard let name = String(validating: raw, as: UTF8.self) else {
          throw ImportError("a file name that is not UTF-8", at: place)
        }
        let status = try directory.status(name)
        switch status.kind {
        case .directory:
          let child = try directory.directory(name)
          try read(child, prefix: prefix + name + "/", depth: depth + 1, into: &files, &bytes)
        case .file:
          let content = try directory.read(name, atMost: bytesMax - bytes)
          bytes += content.count
          let executable = status.mode & 0o111 != 0
          files.append(File(path: prefix + name, bytes: content, executable: executable))
        case .link, .other:
          throw ImportError("a link or special file", at: "\(place)/\(name)")
        }
        if files.count > filesMax {
          throw ImportError("more than \(filesMax) files", at: place)
        }
      }
    } catch let error as ImportError {
      throw error
    } catch {
      throw ImportError("cannot be read: \(error)", at: place)
    }
  }

  /// What a source of `COPY` names: one file (its `path` is then empty), or the files below a
  /// directory with their paths relative to it. Empty where there is no such thing.
  func select(_ source: String) -> [(path: String, file: File)] {
    let wanted = AbsolutePath.resolve(source, from: "/").dropFirst()
    if wanted.isEmpty { return files.map { ($0.path, $0) } }
    if let file = files.first(where: { $0.path == wanted }) { return [("", file)] }
    return files.compactMap { file in
      file.path.hasPrefix(wanted + "/")
        ? (String(file.path.dropFirst(wanted.count + 1)), file) : nil
    }
  }
}
