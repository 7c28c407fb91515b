internal import EdgeSystem
internal import Glibc

/// Two connected sockets of the UNIX domain, close-on-exec.
struct SocketPair: ~Copyable {
  var near: Descriptor
  var far: Descriptor

  init() throws(SystemError) {
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
      throw SystemError("socketpair", "socket")
    }
    near = Descriptor(owning: ends[0])
    far = Descriptor(owning: ends[1])
  }
}
