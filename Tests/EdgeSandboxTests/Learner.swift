import EdgeJob
import EdgeSandbox
import EdgeSystem

/// Learns a profile from a few runs, and runs under it.
struct Learner {
  var box: Box
  let base: SandboxProfile
  let calls: LearnedCalls
  /// Of the last run that was learned from.
  let report: RunReport

  init(_ arguments: [String], base name: String = "shell", runs: Int = 2) throws {
    try self.init(
      arguments, profile: SandboxProfile.load(name, directory: Box.profiles), runs: runs)
  }

  init(_ arguments: [String], profile: SandboxProfile, runs: Int) throws {
    box = try Box()
    var launch = Launch(profile: profile, arguments: arguments)
    let learning = try Learning(base: launch.profile)
    launch.learning = learning
    var calls = LearnedCalls(learning)
    var last = RunReport(termination: .exited(0), profileDigest: launch.profile.digest)
    for _ in 0..<runs {
      last = try box.run(launch)
      calls.add(last)
    }
    base = launch.profile
    self.calls = calls
    report = last
  }

  func profile() throws -> LearnedProfile {
    try LearnedProfile(calls, base: base, name: "learned", command: ["it"])
  }

  /// A run under a profile, the learned one where none is named.
  func run(_ arguments: [String], under text: String? = nil) throws -> RunReport {
    let text = try text ?? profile().text
    let policy = try NamedPolicy.parse(Array(text.utf8), "learned")
    guard let profile = policy.profile else { throw JSONError("a document") }
    return try box.run(Launch(profile: profile, arguments: arguments))
  }
}

/// What a program of tests does in a sandbox.
enum LearnScript {
  /// Threads, sockets of the UNIX domain, and a process of another program.
  static let python = """
    import os, socket, subprocess, sys, threading
    left, right = socket.socketpair()
    left.send(b"x"); right.recv(1)
    server = socket.socket(socket.AF_UNIX); server.bind("/tmp/s"); server.listen()
    client = socket.socket(socket.AF_UNIX); client.connect("/tmp/s"); server.accept()
    threads = [threading.Thread(target=lambda: sum(range(1000))) for _ in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    print(subprocess.run(["sh", "-c", "echo hi; ls / > /dev/null"]).returncode)
    """

  /// A connection over TCP to itself.
  static let loopback = """
    import socket
    server = socket.socket(); server.bind(("127.0.0.1", 0)); server.listen()
    client = socket.create_connection(server.getsockname()); server.accept()
    print("OK")
    """

  /// Makes one request of ioctl(2) after another on a pipe, and prints the last error.
  static let requests = """
    import fcntl, os, sys
    reading, writing = os.pipe()
    answer = 0
    for request in range(int(sys.argv[1], 0), int(sys.argv[1], 0) + int(sys.argv[2])):
      try: fcntl.ioctl(reading, request, bytes(64)); answer = 0
      except OSError as error: answer = error.errno
    print(answer)
    """

  static func requests(_ first: Int, _ count: Int = 1) -> [String] {
    ["python3", "-S", "-c", requests, "\(first)", "\(count)"]
  }
}
