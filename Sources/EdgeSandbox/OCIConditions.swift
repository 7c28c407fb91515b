internal import EdgeJob
internal import Glibc

/// Docker's conditions of a group. A program in a sandbox has no capabilities at all.
struct OCIConditions {
  /// True where the group counts on this machine.
  private(set) var hold = true
  private(set) var notices: [String] = []

  init(includes: JSON?, excludes: JSON?, of subject: String) throws(JSONError) {
    let needed = try Condition(includes, of: "includes of \(subject)")
    let unwanted = try Condition(excludes, of: "excludes of \(subject)")
    if !needed.capabilities.isEmpty { hold = false }
    if !needed.machines.isEmpty, !needed.machines.contains(SyscallTable.machine) { hold = false }
    if unwanted.machines.contains(SyscallTable.machine) { hold = false }
    let kernel = KernelRelease.current
    if let least = needed.kernel, kernel?.isAtLeast(least) != true { hold = false }
    if let first = unwanted.kernel, kernel?.isAtLeast(first) != false { hold = false }
    // Who does not understand a condition does not open what it guards.
    for name in needed.unknown + unwanted.unknown {
      hold = false
      notices.append("\(subject) is not used: its condition \"\(name)\" is unknown")
    }
  }

  private struct Condition {
    var capabilities: [String] = []
    var machines: [String] = []
    var kernel: KernelRelease?
    var unknown: [String] = []

    init(_ json: JSON?, of subject: String) throws(JSONError) {
      guard let json, json != .null else { return }
      var fields = try Fields(json, of: subject)
      if fields.left.contains("caps") { capabilities = try fields.texts("caps") }
      if fields.left.contains("arches") { machines = try fields.texts("arches") }
      if let text = try fields.optionalText("minKernel") {
        guard let release = KernelRelease(text) else {
          throw JSONError("minKernel \"\(text)\" of \(subject) is no version")
        }
        kernel = release
      }
      unknown = fields.left
    }
  }
}

/// The first two numbers of a kernel's release.
struct KernelRelease: Hashable, Sendable {
  let major: Int
  let minor: Int

  /// From `4.8` or `6.1.0-18-amd64`; nil for anything else.
  init?(_ text: String) {
    let parts = text.split(separator: ".").map { $0.prefix { $0.isNumber } }
    guard parts.count >= 2, let major = Int(parts[0]), let minor = Int(parts[1]) else { return nil }
    self.major = major
    self.minor = minor
  }

  func isAtLeast(_ other: KernelRelease) -> Bool {
    (major, minor) >= (other.major, other.minor)
  }

  /// The release of this kernel, uname(2).
  static let text: String = {
    var names = utsname()
    guard uname(&names) == 0 else { return "" }
    return withUnsafeBytes(of: &names.release) {
      String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
  }()

  /// Nil where the kernel names itself in an unknown form: then no condition is met.
  static let current = KernelRelease(text)
}
