internal import CLinux
internal import Glibc

/// Who this process is.
package enum Identity {
  /// The effective user id.
  package static var user: UInt32 { geteuid() }
  /// The process id.
  package static var process: Int32 { getpid() }

  /// The number of a group, by name or number; nil where there is none.
  package static func group(named name: String) -> UInt32? {
    if let number = UInt32(name) { return number }
    return getgrnam(name).map { $0.pointee.gr_gid }
  }

  /// The number of a user, by name or number; nil where there is none.
  package static func user(named name: String) -> UInt32? {
    if let number = UInt32(name) { return number }
    return getpwnam(name).map { $0.pointee.pw_uid }
  }

  /// The name of this machine.
  package static var hostName: String {
    var buffer = [CChar](repeating: 0, count: 256)
    gethostname(&buffer, buffer.count - 1)
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// The value of an environment variable, or nil where it is not set or empty.
  package static func environment(_ name: String) -> String? {
    guard let value = getenv(name) else { return nil }
    let text = String(cString: value)
    return text.isEmpty ? nil : text
  }
}

extension Descriptor {
  /// Changes mode and group; −1 as group leaves it.
  package func set(mode: UInt32, group: UInt32? = nil) throws(SystemError) {
    if let group {
      _ = try checked("chown", "descriptor") { fchown(raw, uid_t.max, group) }
    }
    _ = try checked("chmod", "descriptor") { fchmod(raw, mode) }
  }
}
