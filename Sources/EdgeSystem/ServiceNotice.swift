internal import Glibc

/// Tells the service manager that started this process how it is, sd_notify(3): one datagram to the
/// socket that `NOTIFY_SOCKET` names. Nothing happens where there is none.
package struct ServiceNotice: Sendable {
  private let path: String?

  /// - Parameter path: of the socket; one that begins with `@` is in the abstract name space.
  package init(path: String? = Identity.environment("NOTIFY_SOCKET")) { self.path = path }

  /// How often `WATCHDOG=1` is due, sd_watchdog_enabled(3), nanoseconds: half of what the manager
  /// allows this process. Nil where it does not ask.
  package static var watchdogPeriod: Int64? {
    guard let micro = Identity.environment("WATCHDOG_USEC").flatMap({ Int64($0) }), micro > 0,
      micro < 1 << 50
    else { return nil }
    if let process = Identity.environment("WATCHDOG_PID"), process != "\(Identity.process)" {
      return nil
    }
    return micro * 500
  }

  /// Sends assignments such as `READY=1`, a line each.
  /// - Returns: false where nobody could be told.
  @discardableResult package func send(_ state: String) -> Bool {
    guard let path, path.hasPrefix("/") || path.hasPrefix("@") else { return false }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var name = Array(path.utf8)
    guard name.count < MemoryLayout.size(ofValue: address.sun_path) else { return false }
    if name[0] == UInt8(ascii: "@") { name[0] = 0 }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
    // An abstract name is as long as the address says, so no zero byte is counted behind it.
    let head = MemoryLayout.offset(of: \sockaddr_un.sun_path) ?? 2
    let length = socklen_t(head + name.count + (name[0] == 0 ? 0 : 1))
    let kind = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let raw = socket(AF_UNIX, kind, 0)
    guard raw >= 0 else { return false }
    let own = Descriptor(owning: raw)
    let bytes = Array(state.utf8)
    let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(own.raw, bytes, bytes.count, flags, $0, length) == bytes.count
      }
    }
  }
}
