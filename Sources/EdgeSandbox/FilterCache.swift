internal import CSeccomp
internal import EdgeJob
internal import EdgeSystem
internal import Glibc

/// Compiled programs on disk, so that a new process need not compile them again.
struct FilterCache: Sendable {
  private let files: PrivateCache

  /// Nil where there is no place for it.
  static var standard: FilterCache? {
    PrivateCache.base.map { FilterCache(base: $0) }
  }

  /// - Parameter base: the folder for the caches of all programs.
  init(base: String) { files = PrivateCache(base: base, kind: "seccomp") }

  /// The folder, `…/edgecoder/seccomp`.
  var path: String { files.path }

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
    files.read(digest).flatMap { (try? SeccompProgram($0)) == nil ? nil : $0 }
  }

  /// Keeps a program; a failure has no effect.
  func write(_ digest: Digest, _ program: [UInt8]) { files.write(digest, program) }
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
