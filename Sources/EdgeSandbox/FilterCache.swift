internal import CSeccomp
internal import EdgeJob
internal import EdgeSystem
internal import Glibc

/// Compiled programs on disk, so that a new process need not compile them again. A file counts only
/// where nobody but us or root can have written it and its checksum is right; otherwise, and where
/// there is no place for it, programs are compiled.
struct FilterCache: Sendable {
  /// The folder, `…/edgecoder/seccomp`.
  let path: String

  /// Below `$XDG_CACHE_HOME` or `~/.cache`, XDG Base Directory Specification; nil where the
  /// environment names neither.
  static var standard: FilterCache? {
    if let base = Identity.environment("XDG_CACHE_HOME"), base.hasPrefix("/") {
      return FilterCache(base: base)
    }
    guard let home = Identity.environment("HOME"), home.hasPrefix("/") else { return nil }
    return FilterCache(base: "\(home)/.cache")
  }

  private let base: String

  /// - Parameter base: the folder for the caches of all programs.
  init(base: String) {
    self.base = base
    path = "\(base)/edgecoder/seccomp"
  }

  /// First bytes of a file; what follows is the digest of the inputs, the SHA-256 of all that comes
  /// after it, and the program.
  private static let magic = Array("edgecoder.filter/1\n".utf8)
  private static let bytesMax = magic.count + 64 + SeccompProgram.instructionsMax * 8
  /// Policies change rarely; more files than this are of earlier versions.
  private static let filesMax = 64

  /// SHA-256 of everything that a program depends on.
  static func digest(_ policy: SyscallPolicy, reporting: Bool) -> Digest {
    let library = seccomp_version().map {
      "\($0.pointee.major).\($0.pointee.minor).\($0.pointee.micro)"
    }
    let json: JSON = [
      "schema": "edgecoder.filter/1", "policy": policy.fingerprint, "reporting": .bool(reporting),
      "library": .string(library ?? "unknown"), "kernel": .string(KernelRelease.text),
      "architecture": .string(SyscallTable.architecture),
      "table": .int(Int64(SyscallNumbers.version)), "newest": .int(Int64(SyscallTable.newest)),
      "compiler": 2,
    ]
    return Digest(bytes: Hash.sha256(json.canonical))
  }

  /// The program with that digest, or nil.
  func read(_ digest: Digest) -> [UInt8]? {
    guard let folder = try? open(making: false),
      let file = try? folder.open(digest.hex, O_RDONLY | O_NONBLOCK),
      let status = try? file.status(), status.kind == .file, FilterCache.isOurs(status),
      let bytes = try? file.read(atMost: FilterCache.bytesMax)
    else { return nil }
    let head = FilterCache.magic + digest.bytes
    guard bytes.starts(with: head), bytes.count > head.count + 32 else { return nil }
    let body = Array(bytes[(head.count + 32)...])
    guard Hash.sha256(body).elementsEqual(bytes[head.count..<head.count + 32]),
      (try? SeccompProgram(body)) != nil
    else { return nil }
    return body
  }

  /// Keeps a program; a failure has no effect.
  func write(_ digest: Digest, _ program: [UInt8]) {
    guard let folder = try? open(making: true) else { return }
    let bytes = FilterCache.magic + digest.bytes + Hash.sha256(program) + program
    let old = (try? folder.entries()) ?? []
    if old.count >= FilterCache.filesMax { for name in old { try? folder.remove(name) } }
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
    try FilterCache.check(folder)
    for name in ["edgecoder", "seccomp"] {
      if making { try folder.ensureDirectory(name) }
      folder = try folder.directory(name)
      try FilterCache.check(folder)
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

extension SyscallPolicy {
  /// Everything that a program is made from. Numbers are text: JSON holds no 64 bits.
  var fingerprint: JSON {
    [
      "default": .string(Self.text(defaultAction)), "kill": .texts(kill),
      "rules": .array(
        rules.map { rule in
          [
            "names": .texts(rule.names), "action": .string(Self.text(rule.action)),
            "args": .texts(
              rule.arguments.map {
                "\($0.index) \($0.comparison.rawValue) \($0.value) \($0.second)"
              }),
          ]
        }),
    ]
  }

  private static func text(_ action: Action) -> String {
    switch action {
    case .allow: "allow"
    case .error(let number): "error \(number)"
    case .kill: "kill"
    }
  }
}
