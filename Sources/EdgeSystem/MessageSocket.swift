internal import CLinux
internal import Glibc

/// One end of a connection that carries whole messages with descriptors, unix(7), SOCK_SEQPACKET.
package struct MessageSocket: ~Copyable, Sendable {
  private let socket: Descriptor

  /// Takes over an open socket.
  package init(owning socket: consuming Descriptor) { self.socket = socket }

  /// Two connected ends, close-on-exec; the second one for somebody else.
  package static func pair() throws(SystemError) -> (near: Int32, far: Int32) {
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    _ = try checked("socketpair", "socket") { socketpair(AF_UNIX, kind, 0, &ends) }
    return (ends[0], ends[1])
  }

  /// Readable when a message is there, or the other end has gone; borrowed.
  package var descriptor: Int32 { socket.raw }

  /// Sends one message with borrowed descriptors, at most 64; no SIGPIPE.
  package func send(_ bytes: [UInt8], _ descriptors: [Int32] = []) throws(SystemError) {
    _ = try checked("sendmsg", "socket") {
      Int(
        ec_send_descriptors(
          socket.raw, bytes, bytes.count, descriptors, Int32(descriptors.count)))
    }
  }

  /// Waits for the next message.
  /// - Parameter most: a longer one is cut off.
  /// - Returns: no bytes at the end; up to four descriptors, which the caller owns.
  package func receive(atMost most: Int) -> (bytes: [UInt8], descriptors: [Int32]) {
    var descriptors: [Int32] = [-1, -1, -1, -1]
    let raw = socket.raw
    let bytes = [UInt8](unsafeUninitializedCapacity: most) { buffer, count in
      count = max(0, ec_receive(raw, buffer.baseAddress, most, &descriptors))
    }
    return (bytes, descriptors.filter { $0 >= 0 })
  }
}
