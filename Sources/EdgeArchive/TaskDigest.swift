internal import EdgeJob
internal import EdgeSystem

/// The digest of a task's content: it stays the same when the archive is compressed otherwise,
/// reordered, or put into another container.
///
/// SHA-256 of UTF-8 text that consists of lines, each ended by one line feed (0x0A). The format is
/// final; another one gets another first line.
///
/// 1. `edgecoder.task/1`
/// 2. One line for every member, sorted by the bytes of its path: a JSON array without any space,
///    written as RFC 8785 says, of five elements
///    - the path: UTF-8, components divided by `/`, no leading `./`, no trailing `/`,
///    - `"file"`, `"dir"` or `"link"`,
///    - the mode in octal: `"0644"`, or `"0755"` where the owner may execute the file; `"0755"` for
///      a directory; `"0777"` for a link,
///    - the size as a number: bytes of content; 0 for a directory; bytes of the target for a link,
///    - the SHA-256 of the content, 64 lower-case hexadecimal digits; `""` for a directory; the
///      target itself for a link.
///
/// A directory is a member only where no other member lies below it. Directories that the paths of
/// other members imply are left out, since some archives list them and others do not. Owners,
/// groups and times are not part of it.
struct TaskDigest {
  static let schema = "edgecoder.task/1"

  private var lines: [(path: [UInt8], line: [UInt8])] = []

  /// Adds a file or a link, or a directory that is empty.
  /// - Parameter content: the 32 bytes of the content's SHA-256; empty for other members.
  mutating func add(_ member: Member, content: [UInt8] = []) {
    precondition(member.kind != .file || content.count == 32, "a file has a SHA-256 digest")
    let mode = String(member.mode, radix: 8)
    let size = member.kind == .link ? Int64(member.target.utf8.count) : member.size
    let line: JSON = [
      .string(member.name), .string(member.kind.rawValue), .string("0" + mode), .int(size),
      .string(member.kind == .link ? member.target : Hex.text(content)),
    ]
    lines.append((Array(member.name.utf8), line.canonical))
  }

  /// The digest of everything that was added, in whatever order.
  func digest() -> Digest {
    var stream = SHA256Stream()
    stream.update(Array("\(TaskDigest.schema)\n".utf8))
    for entry in lines.sorted(by: { $0.path.lexicographicallyPrecedes($1.path) }) {
      stream.update(entry.line + [0x0A])
    }
    return Digest(bytes: stream.digest())
  }
}
