internal import CLinux
internal import Glibc

/// Tells whoever started this process, by a byte in a pipe, that it is ready and still makes its
/// rounds.
package struct Heartbeat: ~Copyable {
  private let raw: Int32?
  private var last: Int64 = 0
  /// Between two bytes at least, nanoseconds.
  private static let period: Int64 = 1_000_000_000

  /// - Parameter raw: the borrowed writing end; nil tells nobody.
  package init(_ raw: Int32?) {
    self.raw = raw
    // Who does not read must not stop us.
    if let raw { _ = ec_set_nonblocking(raw) }
  }

  /// To be called in every round; the first byte means that this process is ready.
  package mutating func beat() {
    guard let raw else { return }
    let now = Clocks.bootNanoseconds()
    guard last == 0 || now - last >= Heartbeat.period else { return }
    last = now
    var byte: UInt8 = 0x0A
    _ = Glibc.write(raw, &byte, 1)
  }
}
