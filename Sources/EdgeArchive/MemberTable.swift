internal import EdgeJob

/// All members of one archive by name: refuses those that cannot stand beside each other, and
/// counts them against the limits.
struct MemberTable {
  private enum Entry {
    case directory
    /// A directory that only the names of others imply.
    case implied
    case file
    case link
  }

  private let limits: ArchiveLimits
  private var entries: [[UInt8]: Entry] = [:]
  /// Names that differ only in case or in the spelling of the same characters would be one file
  /// elsewhere. String compares by canonical equivalence.
  private var folded: [String: [UInt8]] = [:]
  /// Directories with something in them.
  private var filled: Set<[UInt8]> = []
  private(set) var members: [Member] = []
  private(set) var bytes: Int64 = 0

  private let isFolding: Bool

  /// - Parameter isFolding: refuses names that differ only in case or spelling.
  init(_ limits: ArchiveLimits, isFolding: Bool) {
    self.limits = limits
    self.isFolding = isFolding
  }

  /// Takes a member in.
  /// - Throws: what is wrong with it, with its name.
  mutating func add(_ member: Member) throws(Refusal) {
    if members.count >= limits.entries {
      throw Refusal("more than \(limits.entries) members")
    }
    let shown = MemberName.shown(member.name)
    if member.size > limits.fileBytes {
      throw Refusal("\(shown): larger than \(limits.fileBytes) bytes")
    }
    if member.size > limits.bytes - bytes {
      throw Refusal("\(shown): all files together are larger than \(limits.bytes) bytes")
    }
    let path = Array(member.name.utf8)
    try addParents(of: path, shown)
    switch (entries[path], member.kind) {
    case (nil, _): try fold(path, member.name, shown)
    case (.implied, .directory): break
    case (.implied, _): throw Refusal("\(shown): a directory of that name has members")
    default: throw Refusal("\(shown): the name occurs twice")
    }
    entries[path] =
      switch member.kind {
      case .file: .file
      case .directory: .directory
      case .link: .link
      }
    members.append(member)
    bytes += member.size
  }

  private mutating func addParents(of path: [UInt8], _ shown: String) throws(Refusal) {
    var end = path.count
    while let slash = path[..<end].lastIndex(of: 0x2F) {
      let parent = Array(path[..<slash])
      switch entries[parent] {
      case nil:
        try fold(parent, String(decoding: parent, as: UTF8.self), shown)
        entries[parent] = .implied
      case .implied, .directory: break
      case .file: throw Refusal("\(shown): lies below a file")
      case .link: throw Refusal("\(shown): lies behind a symbolic link")
      }
      // What is above a filled directory has been looked at before.
      if !filled.insert(parent).inserted { return }
      end = slash
    }
  }

  private mutating func fold(_ path: [UInt8], _ name: String, _ shown: String) throws(Refusal) {
    if !isFolding { return }
    if let other = folded.updateValue(path, forKey: name.lowercased()) {
      throw Refusal("\(shown): differs from \(MemberName.shown(other)) only in case or spelling")
    }
  }

  /// True where nothing lies below the directory of that name.
  func isEmpty(_ name: String) -> Bool { !filled.contains(Array(name.utf8)) }

  func contains(file name: String) -> Bool {
    if case .file = entries[Array(name.utf8)] { true } else { false }
  }

  func contains(_ name: String) -> Bool { entries[Array(name.utf8)] != nil }

  /// Refuses a `candidate/` that cannot be laid over `source/`: a file where the other has a
  /// directory, or a member behind a link.
  func checkOverlay() throws(Refusal) {
    let prefix = ArchivePart.candidate.rawValue + "/"
    for member in members where member.name.hasPrefix(prefix) {
      let inside = member.name.utf8.dropFirst(prefix.utf8.count)
      let path = Array("source/".utf8) + inside
      let shown = MemberName.shown(member.name)
      switch (entries[path], member.kind) {
      case (.directory, .file), (.implied, .file), (.directory, .link), (.implied, .link):
        throw Refusal("\(shown): the snapshot has a directory of that name")
      case (.file, .directory), (.link, .directory):
        throw Refusal("\(shown): the snapshot has a file of that name")
      default: break
      }
      var end = path.count
      while let slash = path[..<end].lastIndex(of: 0x2F) {
        switch entries[Array(path[..<slash])] {
        case .file, .link: throw Refusal("\(shown): lies below a file or link of the snapshot")
        default: end = slash
        }
      }
    }
  }
}
