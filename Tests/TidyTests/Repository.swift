import Glibc

/// A file of the source tree, by its path from the root.
struct SourceFile: Sendable {
  let path: String
  let text: String
  /// What a compiler reads of it; empty where it is not Swift.
  let swift: SwiftText

  init(path: String, text: String) {
    self.path = path
    self.text = text
    swift = SwiftText(path.hasSuffix(".swift") ? text : "")
  }

  /// The last component.
  var name: String { String(path.split(separator: "/").last ?? "") }

  /// The part of the name before its last dot.
  var stem: String { name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name }

  /// The target whose folder holds the file, such as `EdgeSpool` or `EdgeSpoolTests`.
  var module: String? {
    let parts = path.split(separator: "/")
    guard parts.count > 2, parts[0] == "Sources" || parts[0] == "Tests" else { return nil }
    return String(parts[1])
  }

  var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }

  func isIn(_ folder: String) -> Bool { path.hasPrefix(folder + "/") }
}

/// The checkout that this file lies in.
enum Repository {
  /// The absolute path of the root, with links resolved.
  static let root: String = {
    guard let resolved = realpath(#filePath, nil) else {
      preconditionFailure("the source of this test is not where it was compiled")
    }
    defer { free(resolved) }
    let parts = String(cString: resolved).split(separator: "/")
    return "/" + parts.dropLast(3).joined(separator: "/")
  }()

  /// All text files of the tree, sorted, without hidden folders other than `.ci`.
  static let files: [SourceFile] = paths.compactMap { path in
    read(path).map { SourceFile(path: path, text: $0) }
  }

  /// Swift files below Sources and Tests, and the manifest.
  static let swift = files.filter { $0.path.hasSuffix(".swift") }

  /// C files and headers.
  static let c = files.filter { $0.path.hasSuffix(".c") || $0.path.hasSuffix(".h") }

  static let markdown = files.filter { $0.path.hasSuffix(".md") }

  /// Paths of all files from the root, sorted; build folders and version control are left out.
  static let paths: [String] = walk("").sorted()

  /// The text of a file, or nil where it is no UTF-8 or missing.
  static func read(_ path: String) -> String? {
    guard let file = fopen("\(root)/\(path)", "re") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while case let count = fread(&buffer, 1, buffer.count, file), count > 0 {
      bytes += buffer[..<count]
    }
    return String(validating: bytes, as: UTF8.self)
  }

  static func exists(_ path: String) -> Bool { access("\(root)/\(path)", F_OK) == 0 }

  private static func walk(_ folder: String) -> [String] {
    guard let directory = opendir(folder.isEmpty ? root : "\(root)/\(folder)") else { return [] }
    defer { closedir(directory) }
    var found: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name == "." || name == ".." || name == "__pycache__" { continue }
      let path = folder.isEmpty ? name : "\(folder)/\(name)"
      if isFolder(path) {
        if !name.hasPrefix(".") || path == ".ci" { found += walk(path) }
      } else {
        found.append(path)
      }
    }
    return found
  }

  /// True for a real directory; a link to one is a leaf.
  private static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return lstat("\(root)/\(path)", &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }
}
