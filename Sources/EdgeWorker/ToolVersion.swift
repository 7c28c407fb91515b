internal import EdgeJob
internal import EdgeSandbox
internal import EdgeSystem
internal import Glibc

/// What a program says to `--version`. It is asked once for each file that it was: an interpreter
/// takes longer to say so than a whole short job.
enum ToolVersion {
  /// The version; nil where there is no such program, or it says none.
  /// - Parameter caches: the folder for the caches of all programs; nil asks in any case.
  static func of(_ program: String, caches: String? = PrivateCache.base) -> String? {
    guard let caches, let digest = digest(program) else { return ask(program) }
    let cache = PrivateCache(base: caches, kind: "tools")
    if let kept = cache.read(digest) { return String(decoding: kept, as: UTF8.self) }
    let version = ask(program)
    if let version { cache.write(digest, Array(version.utf8)) }
    return version
  }

  /// Of the file that a name stands for: another one, or another content, has another digest.
  private static func digest(_ program: String) -> Digest? {
    guard let resolved = realpath(program, nil) else { return nil }
    defer { free(resolved) }
    let path = String(cString: resolved)
    guard let cut = path.lastIndex(of: "/"), cut > path.startIndex,
      let folder = try? Directory(path: String(path[..<cut])),
      let status = try? folder.status(String(path[path.index(after: cut)...]))
    else { return nil }
    let json: JSON = [
      "schema": "edgecoder.tool/1", "program": .string(program), "path": .string(path),
      "device": .string("\(status.device)"), "inode": .string("\(status.inode)"),
      "size": .string("\(status.size)"), "modified": .string("\(status.modified)"),
    ]
    return Digest(bytes: Hash.sha256(json.canonical))
  }

  private static func ask(_ program: String) -> String? {
    guard let pipe = try? Descriptor.pipe() else { return nil }
    return firstLine(program, pipe)
  }

  private static func firstLine(_ program: String, _ pipe: consuming Pipe) -> String? {
    let spawn = Spawn(
      path: program, arguments: ["--version"], environment: ["LC_ALL=C"],
      descriptors: [1: pipe.writing.raw])
    guard var child = try? spawn.start() else { return nil }
    let reading = pipe.closeWriting()
    let bytes = (try? reading.read(atMost: 1 << 16)) ?? []
    guard child.wait() == .exited(0) else { return nil }
    let line = String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
    return line.split(separator: " ").first { $0.contains(where: \.isNumber) }.map(String.init)
      ?? line
  }
}
