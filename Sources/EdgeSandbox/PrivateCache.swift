package import EdgeJob
internal import EdgeSystem
internal import Glibc

/// What costs time to find out, on disk by the digest of everything that it depends on, for the
/// next process. A file counts only where nobody but us or root can have written it and its
/// checksum is right; otherwise it is as if it were not there.
package struct PrivateCache: Sendable {
  /// The folder, `…/edgecoder/KIND`.
  package let path: String
  private let base: String
  private let kind: String

  /// `$XDG_CACHE_HOME` or `~/.cache`, XDG Base Directory Specification; nil where the environment
  /// names neither.
  package static var base: String? {
    if let base = Identity.environment("XDG_CACHE_HOME"), base.hasPrefix("/") { return base }
    guard let home = Identity.environment("HOME"), home.hasPrefix("/") else { return nil }
    return "\(home)/.cache"
  }

  /// - Parameters:
  ///   - base: the folder for the caches of all programs.
  ///   - kind: names the folder in it; such as `seccomp`.
  package init(base: String, kind: String) {
    self.base = base
    self.kind = kind
    path = "\(base)/edgecoder/\(kind)"
  }

  /// First bytes of a file; what follows is the digest of the inputs, the SHA-256 of all that comes
  /// after it, and the content.
  private static let magic = Array("edgecoder.cache/1\n".utf8)
  private static let bytesMax = 1 << 20
  /// What things depend on changes rarely; more files than this are of earlier versions.
  private static let filesMax = 64

  /// What was kept under that digest, or nil.
  package func read(_ digest: Digest) -> [UInt8]? {
    guard let folder = try? open(making: false),
      let file = try? folder.open(digest.hex, O_RDONLY | O_NONBLOCK),
      let status = try? file.status(), status.kind == .file, PrivateCache.isOurs(status),
      let bytes = try? file.read(atMost: PrivateCache.bytesMax)
    else { return nil }
    let head = PrivateCache.magic + digest.bytes
    guard bytes.starts(with: head), bytes.count > head.count + 32 else { return nil }
    let body = Array(bytes[(head.count + 32)...])
    return Hash.sha256(body).elementsEqual(bytes[head.count..<head.count + 32]) ? body : nil
  }

  /// Keeps it; a failure has no effect.
  package func write(_ digest: Digest, _ body: [UInt8]) {
    guard let folder = try? open(making: true) else { return }
    let bytes = PrivateCache.magic + digest.bytes + Hash.sha256(body) + body
    let old = (try? folder.entries()) ?? []
    if old.count >= PrivateCache.filesMax { for name in old { try? folder.remove(name) } }
    do throws(SystemError) {
      try folder.publish(digest.hex, bytes, durable: false)
    } catch {
      // Another process may have been first, or what lies there is not to be trusted.
      if error.exists, read(digest) == nil { try? folder.overwrite(digest.hex, bytes) }
    }
  }

  /// Nobody else may write in any of the folders: who can rename there can put files in place.
  private func open(making: Bool) throws(SystemError) -> Directory {
    if making, let cut = base.lastIndex(of: "/"), cut > base.startIndex {
      let parent = try Directory(path: String(base[..<cut]))
      if !parent.contains(String(base[base.index(after: cut)...])) {
        try parent.ensureDirectory(String(base[base.index(after: cut)...]))
      }
    }
    var folder = try Directory(path: base)
    try PrivateCache.check(folder)
    for name in ["edgecoder", kind] {
      if making { try folder.ensureDirectory(name) }
      folder = try folder.directory(name)
      try PrivateCache.check(folder)
    }
    return folder
  }

  private static func check(_ folder: borrowing Directory) throws(SystemError) {
    guard isOurs(try folder.descriptor.status()) else {
      throw SystemError("open", errno: EPERM, subject: folder.name)
    }
  }

  private static func isOurs(_ status: FileStatus) -> Bool {
    [0, Identity.user].contains(status.owner) && status.mode & 0o022 == 0
  }
}
