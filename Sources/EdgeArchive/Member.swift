/// What one member of an archive is, before its content.
struct Member: Hashable {
  /// A checked name.
  let name: String
  let kind: Kind
  /// Bytes of content; 0 for directories and links.
  let size: Int64
  /// True where the owner may execute the file: 0755 instead of 0644.
  let isExecutable: Bool
  /// Where a link points to, otherwise empty.
  let target: String

  enum Kind: String {
    case file
    case directory = "dir"
    case link
  }

  static func file(_ name: String, size: Int64, isExecutable: Bool) -> Member {
    Member(name: name, kind: .file, size: size, isExecutable: isExecutable, target: "")
  }

  static func directory(_ name: String) -> Member {
    Member(name: name, kind: .directory, size: 0, isExecutable: false, target: "")
  }

  static func link(_ name: String, to target: String) -> Member {
    Member(name: name, kind: .link, size: 0, isExecutable: false, target: target)
  }

  /// The permission bits that it gets: 0755 or 0644, and 0777 for a link, which has none.
  var mode: UInt32 {
    switch kind {
    case .file: isExecutable ? 0o755 : 0o644
    case .directory: 0o755
    case .link: 0o777
    }
  }
}
