import EdgeJob
import EdgeSandbox
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// What a program sees of the machine, once behind a layer and once without it.
@Suite(.enabled(if: isRoot && Probe.isAvailable, "needs root and a C compiler"))
struct ViewTests {
  /// A folder of the machine outside /tmp, which the workspace covers in every run.
  private final class HostFolder {
    let path = "/var/tmp/edgecoder-test-\(Hex16.random())"

    init() throws {
      mkdir(path, 0o777)
      chmod(path, 0o777)
      try Directory(path: path).publish("secret", Array("secret".utf8), mode: 0o644)
    }

    func has(_ name: String) throws -> Bool { try Directory(path: path).contains(name) }

    deinit {
      try? Directory(path: "/var/tmp").removeTree(String(path.dropFirst("/var/tmp/".count)))
    }
  }

  @Test func filesOfTheMachineAreAbsent() throws {
    let folder = try HostFolder()
    let report = try Box().sh("cat \(folder.path)/secret")
    #expect(report.termination == .exited(1))
    #expect(report.err.contains("No such file"))
    #expect(try Box(without: [.root]).sh("cat \(folder.path)/secret").out == "secret")
  }

  @Test(arguments: ["/run", "/var", "/home", "/root", "/sys", "/boot", "/etc/shadow", "/opt"])
  func placesOfTheMachineAreAbsent(_ path: String) throws {
    #expect(try Box().sh("ls -d \(path)").termination != .exited(0))
    #expect(try Box(without: [.root, .landlock]).sh("ls -d \(path)").out == path)
  }

  @Test func nothingIsWrittenOutside() throws {
    let folder = try HostFolder()
    _ = try Box().sh("touch \(folder.path)/made")
    #expect(!(try folder.has("made")))
    _ = try Box(without: [.root]).sh("touch \(folder.path)/made")
    #expect(!(try folder.has("made")), "Landlock stands behind the root")
    _ = try Box(without: [.root, .landlock]).sh("touch \(folder.path)/made")
    #expect(try folder.has("made"))
  }

  @Test(arguments: ["/usr/x", "/bin/x", "/lib/x", "/etc/x", "/x", "/etc/alternatives/x", "/dev/x"])
  func theSystemIsReadOnly(_ path: String) throws {
    for without: Set<Layer> in [[], [.landlock], [.landlock, .user, .seccomp]] {
      let report = try Box(without: without).sh("echo > \(path)")
      #expect(report.termination != .exited(0), "without \(without)")
    }
    let asRoot = try Box(without: [.landlock, .user, .seccomp]).sh("echo > \(path)")
    #expect(asRoot.err.contains("Read-only file system"))
  }

  @Test func theProcessTableHasOnlyOurs() throws {
    let own = getpid()
    let script = "cat /proc/\(own)/cmdline >/dev/null && echo seen; ls /proc | grep -c '^[0-9]'"
    let inside = try Box().sh(script)
    #expect(!inside.out.contains("seen"))
    // The shell, ls and grep; init is hidden.
    #expect(["2", "3"].contains(inside.out))
    #expect(try Box().sh("cat /proc/1/cmdline").termination != .exited(0))
    #expect(try Box(without: [.processTable]).sh(script).out.contains("seen"))
  }

  @Test func theProcessTableTellsNothingOfTheMachine() throws {
    let box = try Box()
    let report = try box.run(["cat", "/proc/meminfo"], profile: "python")
    #expect(report.err.contains("No such file"))
    let mounts = try box.run(["cat", "/proc/self/mountinfo"], profile: "python").out
    #expect(!mounts.contains(RepositoryRoot.path))
    let groups = try box.run(["cat", "/proc/self/cgroup"], profile: "python").out
    #expect(!groups.contains("edgecoder-"))
  }

  @Test func noConnectionToTheMachine() throws {
    let listener = try Listener.tcp()
    let port = "\(listener.port)"
    #expect(try Box().probe("tcp", port) == "EPERM")
    #expect(try Box(without: [.seccomp]).probe("tcp", port) == "EACCES", "Landlock")
    #expect(try Box(without: [.seccomp, .landlock]).probe("tcp", port) == "ENETUNREACH")
    #expect(try Box(without: [.seccomp, .network]).probe("tcp", port) == "EACCES")
    #expect(try Box(without: [.seccomp, .landlock, .network]).probe("tcp", port) == "OK")
  }

  @Test func noConnectionToSocketsOfTheMachine() throws {
    let folder = try HostFolder()
    let named = try Listener.unix(folder.path + "/socket")
    #expect(try Box().probe("unix", folder.path + "/socket") == "ENOENT")
    #expect(try Box(without: [.root]).probe("unix", folder.path + "/socket") == "OK")
    let name = "@edgecoder-\(Hex16.random())"
    let abstract = try Listener.unix(name)
    #expect(try Box().probe("unix", name) == "ECONNREFUSED")
    let landlock = try Box(without: [.network]).probe("unix", name)
    #expect(landlock == "EPERM" || Landlock.isOld, "Landlock stands behind the namespace")
    #expect(try Box(without: [.network, .landlock]).probe("unix", name) == "OK")
    _ = (named, abstract)
  }

  private enum Landlock {
    static var isOld: Bool { ((try? Box().sandbox.host.landlock) ?? 0) < 6 }
  }

  @Test func onlyHarmlessDevices() throws {
    let script = """
      ls /dev | tr '\\n' ' '; head -c 4 /dev/urandom | wc -c; echo x > /dev/full || echo refused
      """
    let report = try Box().sh(script)
    #expect(
      report.out == "fd full null random shm stderr stdin stdout urandom zero 4\nrefused",
      "\(report.err)")
  }

  @Test func everyMountIsWithoutSetuid() throws {
    for line in try Box().sh("cat /proc/self/mountinfo").out.split(separator: "\n") {
      let fields = line.split(separator: " ")
      #expect(fields[5].split(separator: ",").contains("nosuid"), "\(line)")
    }
  }

  @Test func noDescriptorLeaks() throws {
    // What a careless part of the worker could leave open: without close-on-exec.
    let careless = open("/etc/passwd", O_RDONLY)
    defer { close(careless) }
    #expect(try Box().probe("fds") == "0 1 2 ")
    var launch = try Box().launch(["./probe", "fds"])
    launch.reportChannel = true
    #expect(try Box().run(launch).out == "0 1 2 3 ")
    let open = try Box(without: [.descriptors]).probe("fds")
    #expect(open.split(separator: " ").count > 4)
  }

  @Test func theEnvironmentIsAnAllowList() throws {
    let environ = Descriptor(owning: open("/proc/self/environ", O_RDONLY))
    let own = try environ.read(atMost: 1 << 20).split(separator: 0)
    let fixed = ["PATH", "HOME", "PWD", "LANG", "TZ", "TMPDIR", "SHELL"]
    let canary = own.map { String(decoding: $0, as: UTF8.self) }.first { entry in
      entry.utf8.count > 8 && !entry.contains("\n")
        && !fixed.contains(String(entry.prefix { $0 != "=" }))
    }
    if let canary {
      #expect(!(try Box().sh("env").out.contains(canary)))
      #expect(try Box(without: [.environment]).sh("env").out.contains(canary))
    }
    var launch = try Box().launch(["env"])
    launch.environment = ["TASK_NAME": "t", "LC_ALL": "C"]
    let out = try Box().run(launch).out
    #expect(out.contains("TASK_NAME=t") && out.contains("LC_ALL=C") && out.contains("TZ=UTC"))
  }

  @Test(arguments: ["LD_PRELOAD", "LD_AUDIT", "GCONV_PATH", "BASH_ENV", "NODE_OPTIONS", "A=B", ""])
  func loaderVariablesAreRefused(_ name: String) throws {
    var launch = try Box().launch(["env"])
    launch.environment = [name: "x"]
    let failure = #expect(throws: LaunchFailure.self) { try Box().run(launch) }
    #expect(failure?.stage == "environment")
    #expect(failure?.isAboutTask == true)
  }

  @Test func standardStreamsCanBeOpenedAgain() throws {
    let report = try Box().sh("echo a > /dev/stdout; echo b > /dev/stderr; cat /dev/stdin; id -un")
    #expect(report.out == "a\ntask")
    #expect(report.err == "b\n")
    var launch = try Box().launch(["sh", "-c", "cat /dev/stdin; cat"])
    launch.input = Array("input".utf8)
    // Opened again it begins anew, and what is inherited is still unread.
    #expect(try Box().run(launch).out == "inputinput")
  }
}

/// A socket that the test listens on.
final class Listener {
  let raw: Int32
  let port: UInt16

  private init(raw: Int32, port: UInt16) {
    self.raw = raw
    self.port = port
  }

  deinit { close(raw) }

  static func tcp() throws -> Listener {
    let raw = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    try withUnsafeMutablePointer(to: &address) { pointer in
      try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        guard bind(raw, address, length) == 0, listen(raw, 8) == 0,
          getsockname(raw, address, &length) == 0
        else { throw SystemError("listen", "tcp") }
      }
    }
    return Listener(raw: raw, port: UInt16(bigEndian: address.sin_port))
  }

  /// - Parameter path: a path, or with `@` in front an abstract name.
  static func unix(_ path: String) throws -> Listener {
    let raw = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var bytes = Array(path.utf8)
    if bytes[0] == 0x40 { bytes[0] = 0 }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let length = socklen_t(2 + bytes.count)
    try withUnsafePointer(to: address) { pointer in
      try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        guard bind(raw, address, length) == 0, listen(raw, 8) == 0 else {
          throw SystemError("listen", path)
        }
      }
    }
    if bytes[0] != 0 { chmod(path, 0o777) }
    return Listener(raw: raw, port: 0)
  }
}
