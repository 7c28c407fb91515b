internal import EdgeJob
internal import EdgeSystem
internal import Glibc

/// The members that a task directory becomes, before any of their content is read.
struct TaskTree {
  private let limits: ArchiveLimits
  private(set) var table: MemberTable
  private var entries: [TaskTreeEntry] = []
  /// The bytes of `task.toml` that were read for the checks.
  private(set) var manifest: [UInt8] = []

  init(limits: ArchiveLimits) {
    self.limits = limits
    table = MemberTable(limits, isFolding: true)
  }

  /// Adds what lies below an open directory.
  /// - Parameter prefix: what the names start with, empty for the task directory itself.
  mutating func add(
    _ directory: borrowing Directory, prefix: String, isRoot: Bool = false,
    replacesCandidate: Bool = false
  ) throws(ArchiveError) {
    if isRoot {
      manifest = try packing("task.toml") { () throws(SystemError) in
        try directory.read("task.toml", atMost: Int(limits.manifestBytes))
      }
    }
    try walk(directory, path: "", prefix: prefix, replacesCandidate: replacesCandidate)
  }

  private mutating func walk(
    _ directory: borrowing Directory, path: String, prefix: String, replacesCandidate: Bool
  ) throws(ArchiveError) {
    let names = try packing(prefix + path) { () throws(SystemError) in try directory.names() }
    for raw in names.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      let base = Array((path.isEmpty ? "" : path + "/").utf8)
      let name = try named(Array(prefix.utf8) + base + raw)
      let inside = String(decoding: base + raw, as: UTF8.self)
      if replacesCandidate, path.isEmpty,
        name == ArchivePart.candidate.rawValue || name == ArchiveFile.patch.rawValue
      {
        continue
      }
      try add(directory, String(decoding: raw, as: UTF8.self), inside, name, prefix)
    }
  }

  private mutating func add(
    _ directory: borrowing Directory, _ own: String, _ inside: String, _ name: String,
    _ prefix: String
  ) throws(ArchiveError) {
    let status = try packing(name) { () throws(SystemError) in try directory.status(own) }
    switch status.kind {
    case .directory:
      let before = entries.count
      try check(.directory(name), isListed: false)
      let below = try packing(name) { () throws(SystemError) in try directory.directory(own) }
      try walk(below, path: inside, prefix: prefix, replacesCandidate: false)
      // A directory is listed where nothing is in it.
      if entries.count == before { try take(.directory(name), inside, prefix) }
    case .file:
      if status.mode & 0o7000 != 0 {
        throw ArchiveError(
          "pack \(MemberName.shown(name))", why: "it has a setuid, setgid or sticky bit",
          hint: "chmod a-st takes it off.")
      }
      let isExecutable = status.mode & 0o100 != 0
      try take(.file(name, size: status.size, isExecutable: isExecutable), inside, prefix)
    case .link:
      try take(.link(name, to: try target(directory, own, name)), inside, prefix)
    case .other:
      throw ArchiveError(
        "pack \(MemberName.shown(name))", why: "it is a device, a FIFO or a socket")
    }
  }

  /// Adds one file from anywhere.
  mutating func add(file path: String, as name: String) throws(ArchiveError) {
    let file = try TaskTree.openFile(path)
    let status = try packing(path) { () throws(SystemError) in try file.status() }
    guard status.kind == .file else {
      throw ArchiveError("pack \(MemberName.shown(path))", why: "it is no regular file")
    }
    let member = Member.file(name, size: status.size, isExecutable: false)
    try check(member, isListed: true)
    entries.append(TaskTreeEntry(member: member, path: nil, isOverlay: true))
  }

  static func openFile(_ path: String) throws(ArchiveError) -> Descriptor {
    let raw = Glibc.open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard raw >= 0 else {
      throw ArchiveError("pack \(MemberName.shown(path))", SystemError("open", path))
    }
    return Descriptor(owning: raw)
  }

  private func target(_ directory: borrowing Directory, _ own: String, _ name: String)
    throws(ArchiveError) -> String
  {
    let target = try packing(name) { () throws(SystemError) in try directory.linkTarget(own) }
    do {
      try MemberName.checkTarget(target, of: name, limits)
    } catch {
      throw ArchiveError(
        "pack the link", why: error.reason,
        hint: "Replace it by what it points to; a link may only lead to its own tree.")
    }
    return String(decoding: target, as: UTF8.self)
  }

  private func named(_ raw: [UInt8]) throws(ArchiveError) -> String {
    do throws(Refusal) {
      guard let name = try MemberName.checked(raw, limits) else { throw Refusal("an empty name") }
      return name
    } catch { throw ArchiveError("pack a name", why: error.reason) }
  }

  private mutating func take(_ member: Member, _ inside: String, _ prefix: String)
    throws(ArchiveError)
  {
    try check(member, isListed: true)
    entries.append(TaskTreeEntry(member: member, path: inside, isOverlay: !prefix.isEmpty))
  }

  private mutating func check(_ member: Member, isListed: Bool) throws(ArchiveError) {
    do throws(Refusal) {
      try TaskFiles.check(member, limits)
      if isListed { try table.add(member) }
    } catch { throw ArchiveError("pack the task", why: error.reason) }
  }

  /// The manifest, after checks that need all members.
  func checked() throws(ArchiveError) -> TaskManifest {
    let manifest: TaskManifest
    do { manifest = try readManifest(self.manifest, file: "task.toml") } catch {
      throw ArchiveError("pack the task", why: error.description)
    }
    do { try checkTask(table, manifest) } catch {
      throw ArchiveError("pack the task", why: error.reason)
    }
    return manifest
  }

  /// In the order of the archive: the manifest, the instruction, the rest by bytes.
  func sorted() -> [TaskTreeEntry] {
    let first = [ArchiveFile.manifest.rawValue, ArchiveFile.instruction.rawValue]
    let keyed = entries.map { entry in
      let rank = first.firstIndex(of: entry.member.name) ?? first.count
      return (key: [UInt8(rank)] + Array(entry.member.name.utf8), entry: entry)
    }
    return keyed.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.entry)
  }
}
