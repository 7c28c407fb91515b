import EdgeSystem
import EdgeTestSupport
import Glibc

/// Things of the machine that an attack reaches for, made for one run: a folder with a secret in
/// it, listeners, and a process that is not to be signalled.
final class Surroundings {
  let folder = "/var/tmp/edgecoder-hostile-\(Hex16.random())"
  private var stream: Int32 = -1
  private var datagram: Int32 = -1
  private var named: Int32 = -1
  private var abstract: Int32 = -1
  private(set) var victim: Int32 = -1
  private let name = "@edgecoder-hostile-\(Hex16.random())"

  /// - Parameter words: only what they mention is made.
  init(for words: [String], user: UInt32, showsFolder: Bool) throws {
    let text = words.joined(separator: " ")
    if text.contains("{secret}") || text.contains("{folder}") || text.contains("{socket}")
      || text.contains("{up}") || showsFolder
    {
      try makeFolder()
    }
    if text.contains("{port}") { stream = try Surroundings.listener(SOCK_STREAM) }
    if text.contains("{udp}") { datagram = try Surroundings.listener(SOCK_DGRAM) }
    if text.contains("{socket}") { named = try Surroundings.listener(at: folder + "/socket") }
    if text.contains("{abstract}") { abstract = try Surroundings.listener(at: name) }
    if text.contains("{victim}") { victim = try Surroundings.start(as: user) }
  }

  deinit {
    for raw in [stream, datagram, named, abstract] where raw >= 0 { close(raw) }
    if victim > 0 {
      kill(victim, SIGKILL)
      waitpid(victim, nil, 0)
    }
    try? Directory(path: "/var/tmp").removeTree(String(folder.dropFirst("/var/tmp/".count)))
  }

  /// What stands for the names in braces.
  func fill(_ word: String) -> String {
    guard word.contains("{") else { return word }
    let values = [
      ("{secret}", folder + "/secret"), ("{folder}", folder), ("{socket}", folder + "/socket"),
      ("{abstract}", name), ("{worker}", "\(getpid())"), ("{victim}", "\(victim)"),
      ("{port}", "\(Surroundings.port(stream))"), ("{udp}", "\(Surroundings.port(datagram))"),
      ("{up}", String(repeating: "../", count: 20) + folder.dropFirst() + "/secret"),
    ]
    return values.reduce(word) { $0.replacing($1.0, with: $1.1) }
  }

  /// A child of ours; it stays until it is waited for, which the owner's end does.
  var victimIsAlive: Bool? {
    guard victim > 0 else { return nil }
    var info = siginfo_t()
    waitid(P_PID, id_t(victim), &info, WEXITED | WNOHANG | WNOWAIT)
    return info.si_signo == 0
  }

  /// Connections and bytes that came from somewhere.
  var callers: Int {
    var waits = [stream, datagram, named, abstract].map {
      pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
    }
    return Int(max(0, poll(&waits, UInt(waits.count), 0)))
  }

  private func makeFolder() throws {
    guard mkdir(folder, 0o755) == 0, chmod(folder, 0o777) == 0 else {
      throw SystemError("mkdir", folder)
    }
    let directory = try Directory(path: folder)
    try directory.publish("secret", Array("secret\n".utf8), mode: 0o644, durable: false)
    try directory.publish("open", Array("open\n".utf8), mode: 0o644, durable: false)
    chmod(folder + "/open", 0o666)
    try directory.publish("hostile", HostileProgram.bytes ?? [], mode: 0o755, durable: false)
    // Whoever starts it becomes its owner: the superuser, where that made it.
    chmod(folder + "/hostile", 0o4755)
  }

  private static func start(as user: UInt32) throws -> Int32 {
    var process: pid_t = 0
    var words = ["sleep", "60"]
    if isRoot {
      words = ["setpriv", "--reuid=\(user)", "--regid=\(user)", "--clear-groups"] + words
    }
    let arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for text in arguments { free(text) } }
    let failure = posix_spawnp(&process, words[0], nil, nil, arguments, environ)
    guard failure == 0 else { throw SystemError("spawn", errno: failure, subject: words[0]) }
    // Until then it has another user, and cannot be signalled by this one.
    for _ in 0..<500 where name(of: process) != "sleep" { usleep(2000) }
    return process
  }

  private static func name(of process: Int32) -> String {
    let bytes = (try? Directory(path: "/proc/\(process)").read("comm", atMost: 64)) ?? []
    return String(decoding: bytes.dropLast(), as: UTF8.self)
  }

  private static func listener(_ type: __socket_type) throws -> Int32 {
    let raw = socket(AF_INET, Int32(type.rawValue) | O_CLOEXEC, 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let answer = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(raw, $0, length) }
    }
    guard answer == 0, type == SOCK_DGRAM || listen(raw, 8) == 0 else {
      throw SystemError("bind", "127.0.0.1")
    }
    return raw
  }

  private static func listener(at path: String) throws -> Int32 {
    let raw = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var bytes = Array(path.utf8)
    if bytes[0] == 0x40 { bytes[0] = 0 }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let length = socklen_t(2 + bytes.count)
    let answer = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(raw, $0, length) }
    }
    guard answer == 0, listen(raw, 8) == 0 else { throw SystemError("bind", path) }
    if bytes[0] != 0 { chmod(path, 0o777) }
    return raw
  }

  private static func port(_ raw: Int32) -> UInt16 {
    guard raw >= 0 else { return 0 }
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = getsockname(raw, $0, &length)
      }
    }
    return UInt16(bigEndian: address.sin_port)
  }
}
