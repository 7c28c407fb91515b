internal import CLinux
internal import Glibc

/// A program to start: with the environment and the descriptors that are named, and no others.
package struct Spawn: Sendable {
  package var path: String
  package var arguments: [String]
  package var environment: [String]
  /// Borrowed descriptors of ours, and the numbers under which the child has them.
  package var descriptors: [Int32: Int32]
  /// In a process group of its own, so that a Ctrl-C of the terminal does not reach it.
  package var hasOwnGroup = false

  /// - Parameter descriptors: child's number → ours. 0, 1 and 2 are /dev/null where not named.
  package init(
    path: String, arguments: [String], environment: [String] = [], descriptors: [Int32: Int32] = [:]
  ) {
    self.path = path
    self.arguments = arguments
    self.environment = environment
    self.descriptors = descriptors
  }

  /// Starts it with posix_spawn(3), default signal handling and an empty signal mask.
  /// - Throws: EINVAL where an argument or variable holds a zero byte, which would end it early.
  package func start() throws(SystemError) -> Child {
    guard ([path] + arguments + environment).allSatisfy({ !$0.utf8.contains(0) }) else {
      throw SystemError("spawn", errno: EINVAL, subject: path)
    }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    // Sources are first copied above every target, so that no target overwrites a later source.
    let base = max(2, descriptors.keys.max() ?? 2) + 1
    var targets = descriptors
    let null = Descriptor(
      owning: try checked("open", "/dev/null") {
        ec_openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC, 0)
      })
    for standard: Int32 in 0...2 where targets[standard] == nil { targets[standard] = null.raw }
    var high: [Int32] = []
    defer { for raw in high { close(raw) } }
    for (target, source) in targets.sorted(by: { $0.key < $1.key }) {
      let copy = try checked("dup", path) { ec_dup_cloexec(source, max(base, 64)) }
      high.append(copy)
      posix_spawn_file_actions_adddup2(&actions, copy, target)
    }
    // Whatever else is open without close-on-exec, in this program or by its libraries.
    for number in 0..<base where targets[number] == nil {
      posix_spawn_file_actions_addclose(&actions, number)
    }
    ec_spawn_close_from(&actions, base)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    posix_spawnattr_setpgroup(&attributes, 0)
    let group = hasOwnGroup ? POSIX_SPAWN_SETPGROUP : 0
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | group))
    let argv: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
    let envp: [UnsafeMutablePointer<CChar>?] = environment.map { strdup($0) } + [nil]
    defer { for text in argv + envp { free(text) } }
    var process: pid_t = 0
    let failure = posix_spawn(&process, path, &actions, &attributes, argv, envp)
    guard failure == 0 else { throw SystemError("spawn", errno: failure, subject: path) }
    let handle = ec_pidfd_open(process)
    guard handle >= 0 else {
      let error = SystemError("pidfd_open", path)
      kill(process, SIGKILL)
      var status: Int32 = 0
      while waitpid(process, &status, 0) < 0, errno == EINTR {}
      throw error
    }
    return Child(process: process, handle: Descriptor(owning: handle))
  }
}

/// A started program; killed and reaped when its owner goes without having waited.
package struct Child: ~Copyable, Sendable {
  /// Its process id.
  package let process: Int32
  private let handle: Descriptor
  private var isReaped = false

  init(process: Int32, handle: consuming Descriptor) {
    self.process = process
    self.handle = handle
  }

  deinit {
    if !isReaped {
      _ = ec_pidfd_signal(handle.raw, SIGKILL)
      var status: Int32 = 0
      while waitpid(process, &status, 0) < 0, errno == EINTR {}
    }
  }

  /// Runs a body in a copy of this process, which ends with it; nobody waits for the copy.
  ///
  /// Only for a process with one thread that has never had another: a copy has no other threads,
  /// and what they held stays locked for ever.
  package static func copy(_ body: () throws -> Void) throws(SystemError) {
    Glibc.signal(SIGCHLD, SIG_IGN)
    let process = Int32(try checked("fork", "process") { Int(ec_fork()) })
    if process > 0 { return }
    do { try body() } catch { _exit(70) }
    _exit(0)
  }

  /// The pidfd, readable when the program has ended; borrowed.
  package var descriptor: Int32 { handle.raw }

  /// Sends it a signal; nothing happens where it has ended.
  package func signal(_ number: Int32) { _ = ec_pidfd_signal(handle.raw, number) }

  /// Waits for the end. Blocks the calling thread.
  package mutating func wait() -> Termination {
    precondition(!isReaped, "a child is reaped once")
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    isReaped = true
    return Termination(status: status)
  }

  /// The end, where it has come; nil otherwise.
  package mutating func poll() -> Termination? {
    var status: Int32 = 0
    guard !isReaped, waitpid(process, &status, WNOHANG) == process else { return nil }
    isReaped = true
    return Termination(status: status)
  }
}

/// How a program ended.
package enum Termination: Hashable, Sendable {
  case exited(Int32)
  case signalled(Int32)

  /// From a status of wait(2).
  package init(status: Int32) {
    let signal = status & 0x7F
    self = signal == 0 ? .exited((status >> 8) & 0xFF) : .signalled(signal)
  }
}
