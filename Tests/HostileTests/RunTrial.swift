import EdgeSandbox
import EdgeSystem
import EdgeTestSupport
import Glibc
import Synchronization

extension Trial {
  private static let alone = Mutex(())

  /// Runs it once, and looks at the machine afterwards.
  func run() throws -> (seen: Observation, left: [String]) {
    // Without namespaces all processes of a shared user count against each run's limit, and those
    // of another run that end meanwhile would leave their room to it.
    guard level.isBare, level.sharesUser else {
      return try Slots.lend(on: level) { try run(in: $0, as: $1) }
    }
    return try Trial.alone.withLock { _ in
      try Slots.lend(on: level) { try run(in: $0, as: $1) }
    }
  }

  private func run(in sandbox: Sandbox, as user: UInt32) throws
    -> (seen: Observation, left: [String])
  {
    let isOutside = twin.map { $0.without == nil } ?? false
    // Not as the user of the slot: what waits to be adopted and reaped counts as its process.
    let outer = isRoot ? user + 10_000 : user
    let around = try Surroundings(
      for: words, user: isOutside ? outer : user, showsFolder: attack.showsFolder)
    if isOutside { return (try outside(around, as: outer), []) }
    let mounts = Machine.mounts()
    let careless = attack.leavesRootOpen ? open("/", O_RDONLY | O_DIRECTORY) : -1
    defer { if careless >= 0 { close(careless) } }
    var seen = try inside(sandbox, around)
    seen.victimIsAlive = around.victimIsAlive
    seen.callers = around.callers
    var left = Machine.left(by: isRoot ? user..<user + 1 : nil)
    if Machine.mounts() != mounts { left.append("mounts of the machine are others now") }
    return (seen, left)
  }

  private func inside(_ sandbox: Sandbox, _ around: Surroundings) throws -> Observation {
    let profile = try Profiles.named(attack.profile)
    var launch = Launch(
      profile: profile, limits: attack.limits,
      arguments: ["./hostile"] + words.map(around.fill), input: attack.input,
      reportChannel: attack.reports)
    launch.without = level.layers(twin?.without ?? [])
    // A place that exists on every machine, since it is not made in the machine's own tree.
    if launch.without.contains(.root) { launch.mountPoint = "/mnt" }
    let shown = try Directory(path: attack.showsFolder ? around.folder : "/var/tmp")
    if attack.showsFolder {
      launch.readOnly = [Launch.ReadOnly(descriptor: shown.raw, path: "/tools")]
      launch.arguments[0] = "/tools/hostile"
    }
    let workspace = try sandbox.makeWorkspace(
      limits: launch.limits, profile: profile, without: launch.without)
    try workspace.directory.publish(
      "hostile", HostileProgram.bytes ?? [], mode: 0o755, durable: false)
    var seen = Observation()
    do { seen.report = try sandbox.attempt(launch, in: workspace) } catch { seen.failure = error }
    seen.growth = Trial.growth { try workspace.directory.status("grows").size }
    return seen
  }

  private func outside(_ around: Surroundings, as user: UInt32) throws -> Observation {
    var seen = Observation()
    let before = Set(Machine.attackers(of: user))
    let result = try HostileProgram.runOutside(
      words.map(around.fill), as: user, program: attack.showsFolder ? around.folder : nil)
    seen.outside = result.output
    // One look can miss a process whose number changes.
    for _ in 0..<20 where seen.survivors == 0 {
      seen.survivors = Machine.attackers(of: user).count { !before.contains($0) }
    }
    // Those that are still there are the attack; their number may have changed by now.
    for _ in 0..<50 {
      let rest = Machine.attackers(of: user).filter { !before.contains($0) }
      if rest.isEmpty { break }
      for process in rest { kill(process, SIGKILL) }
      usleep(20_000)
    }
    for _ in 0..<200 where around.victimIsAlive == true { usleep(5000) }
    seen.victimIsAlive = around.victimIsAlive
    return seen
  }

  /// How much longer a file gets while one looks.
  private static func growth(_ size: () throws -> Int64) -> Int {
    guard let first = try? size() else { return 0 }
    usleep(50_000)
    return Int(((try? size()) ?? first) - first)
  }
}

extension Sandbox {
  /// As `run`. While one thread writes a program's file, another one may just be starting a
  /// process, which has the descriptor of that file until it becomes another program.
  func attempt(_ launch: Launch, in workspace: borrowing Workspace) throws(LaunchFailure)
    -> RunReport
  {
    for _ in 0..<3 {
      do { return try run(launch, in: workspace) } catch {
        if error.errno != ETXTBSY { throw error }
      }
      usleep(20_000)
    }
    return try run(launch, in: workspace)
  }
}

/// The profiles of the repository, each read once.
enum Profiles {
  static let folder = RepositoryRoot.path + "/sandbox-profiles"
  private static let known = Mutex<[String: SandboxProfile]>([:])

  static func named(_ name: String) throws -> SandboxProfile {
    if let profile = known.withLock({ $0[name] }) { return profile }
    let profile = try SandboxProfile.load(name, directory: folder)
    known.withLock { $0[name] = profile }
    return profile
  }
}

/// What can be left behind on the machine.
enum Machine {
  /// The mounts that this process sees, but for those of other tests in their own directories.
  static func mounts() -> [[UInt8]] {
    let bytes = (try? Directory(path: "/proc/\(getpid())").read("mountinfo", atMost: 1 << 20)) ?? []
    let ours = Array("/edgecoder-test.".utf8)
    return bytes.split(separator: 0x0A).filter { !$0.contains(ours) }.map { Array($0) }
  }

  /// Processes, files and objects of some users; empty where there are none.
  /// - Parameter users: nil where the runs have our own user, whose things we cannot tell apart.
  static func left(by users: Range<UInt32>?) -> [String] {
    guard let users else { return [] }
    return processes(of: users) + files(of: users) + objects(of: users)
  }

  /// By the owner of the folder in /proc.
  private static func processes(of users: Range<UInt32>) -> [String] {
    alive(of: users).filter { name($0) != "sleep" }.map { "process \($0) \(name($0))" }
  }

  /// The attack's processes, inside and outside.
  static func attackers(of user: UInt32) -> [Int32] {
    alive(of: user..<user + 1).filter { name($0) == "hostile" }
  }

  private static func alive(of users: Range<UInt32>) -> [Int32] {
    names(in: "/proc", of: users).compactMap { Int32($0) }.filter { !isZombie($0) }
  }

  /// What some users own in a folder. Called after every run, so it asks for no name twice.
  private static func names(in folder: String, of users: Range<UInt32>) -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var found: [String] = []
    while let entry = readdir(directory) {
      withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { name in
          var info = stat()
          if fstatat(dirfd(directory), name, &info, AT_SYMLINK_NOFOLLOW) == 0,
            users.contains(info.st_uid)
          {
            found.append(String(cString: name))
          }
        }
      }
    }
    return found
  }

  /// The process that started it, or adopted it.
  static func parent(of process: Int32) -> Int32 {
    Int32(fields(process).dropFirst().first ?? "") ?? 0
  }

  /// Ended, and not yet waited for by whoever adopted it.
  private static func isZombie(_ process: Int32) -> Bool { fields(process).first == "Z" }

  /// What /proc/PID/stat says behind the name.
  private static func fields(_ process: Int32) -> [Substring] {
    let bytes = (try? Directory(path: "/proc/\(process)").read("stat", atMost: 1024)) ?? []
    // The name before may hold anything but a closing parenthesis at its end.
    let rest = String(decoding: bytes, as: UTF8.self).split(separator: ") ").last ?? ""
    return rest.split(separator: " ")
  }

  static func name(_ process: Int32) -> String {
    let bytes = (try? Directory(path: "/proc/\(process)").read("comm", atMost: 64)) ?? []
    return String(decoding: bytes.dropLast(), as: UTF8.self)
  }

  private static func files(of users: Range<UInt32>) -> [String] {
    ["/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue"].flatMap { folder in
      names(in: folder, of: users).filter { $0 != "." && $0 != ".." }.map { "file \(folder)/\($0)" }
    }
  }

  /// How many namespaces of all kinds there are with processes in them.
  static func namespaces() -> Int {
    var found: Set<String> = []
    for process in (try? Directory(path: "/proc").entries()) ?? [] where Int32(process) != nil {
      for kind in ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"] {
        var target = [CChar](repeating: 0, count: 64)
        if readlink("/proc/\(process)/ns/\(kind)", &target, 63) > 0 {
          found.insert(target.map { "\($0)" }.joined())
        }
      }
    }
    return found.count
  }

  /// Shared memory, semaphores and message queues of System V.
  private static func objects(of users: Range<UInt32>) -> [String] {
    [("shm", 7), ("sem", 4), ("msg", 7)].flatMap { kind, column -> [String] in
      let bytes = (try? Directory(path: "/proc/sysvipc").read(kind, atMost: 1 << 20)) ?? []
      return String(decoding: bytes, as: UTF8.self).split(separator: "\n").dropFirst()
        .filter { line in
          let fields = line.split(separator: " ")
          return fields.count > column && UInt32(fields[column]).map(users.contains) ?? false
        }.map { "\(kind) \($0)" }
    }
  }
}
