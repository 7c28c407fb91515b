package import EdgeSystem
internal import Glibc

/// A directory of its own for one test, removed when its owner goes.
///
/// Keep it in a property of the suite or use it to the end of the test: the compiler may end a
/// local variable after its last use.
package final class TemporaryDirectory: Sendable {
  /// The real path, without links.
  package let path: String

  /// Makes `$TMPDIR/edgecoder-test.XXXXXX`, mode 0700; /tmp where TMPDIR is unset.
  package init() {
    let parent = environmentVariable("TMPDIR") ?? "/tmp"
    var template = Array("\(parent)/edgecoder-test.XXXXXX".utf8CString)
    precondition(
      mkdtemp(&template) != nil,
      "no directory can be made in \(parent): \(String(cString: strerror(errno)))")
    let text = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    guard let resolved = realpath(text, nil) else { preconditionFailure("\(text) is gone") }
    defer { free(resolved) }
    path = String(cString: resolved)
  }

  deinit {
    guard let cut = path.lastIndex(of: "/") else { return }
    let parent = try? Directory(path: String(path[..<cut]))
    try? parent?.removeTree(String(path[path.index(after: cut)...]))
  }

  /// The directory, open.
  package func open() throws(SystemError) -> Directory { try Directory(path: path) }

  /// The path of a name in it.
  package func path(_ name: String) -> String { "\(path)/\(name)" }

  /// Writes a file in it and gives its path; directories on the way must exist.
  @discardableResult
  package func write(_ name: String, _ bytes: [UInt8], mode: UInt32 = 0o600) throws(SystemError)
    -> String
  {
    let directory = try open()
    let file = try directory.open(name, O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
    try file.write(bytes)
    return path(name)
  }

  /// Writes a file of text in it and gives its path.
  @discardableResult
  package func write(_ name: String, text: String, mode: UInt32 = 0o600) throws(SystemError)
    -> String
  {
    try write(name, Array(text.utf8), mode: mode)
  }

  /// The content of a file in it.
  package func read(_ name: String, atMost most: Int = 64 << 20) throws(SystemError) -> [UInt8] {
    try open().read(name, atMost: most)
  }
}
