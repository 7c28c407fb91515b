internal import CJailPlan
internal import EdgeJob
internal import Glibc

/// What a program may open where there is no root of its own: rules of Landlock on the machine's
/// own paths. Names, sizes and times of everything else stay visible, since no rule is about them.
enum BareView {
  /// Files of the system that interpreters look for and stop at where they cannot open them; a
  /// private root has none of them, or one of its own.
  private static let configuration = ["/etc/ssl/openssl.cnf", "/etc/localtime"]

  static func write(
    into writer: inout PlanWriter, _ launch: Launch, _ names: InsideNames, version: Int64
  ) {
    let files = LandlockRights.files(version)
    writer.plan.landlock_files = files
    writer.plan.landlock_network = LandlockRights.network(version)
    writer.plan.landlock_scope = LandlockRights.scope(version)
    writer.plan.landlock_size = LandlockRights.size(version)
    for path in paths(launch.profile) { allow(&writer, path, LandlockRights.read & files) }
    // All of it is the machine's; what belongs to a process, Landlock keeps to its own domain.
    writer.allow("/proc", LandlockRights.readOnly & files)
    for path in [launch.mountPoint, "/tmp"] + launch.writableDirectories {
      writer.allow(names.place(of: path), files)
    }
    for item in launch.readOnly {
      writer.allow(names.place(of: item.path), LandlockRights.read & files)
    }
    for name in ["null", "zero", "full", "random", "urandom"] {
      writer.allow("/dev/\(name)", LandlockRights.device & files)
    }
  }

  /// The machine's paths that a profile shows, and those that Python's own start reads.
  static func paths(_ profile: SandboxProfile) -> [String] {
    let all = profile.view.required + profile.view.optional + configuration + pythons
    return all.filter { access($0, F_OK) == 0 }
  }

  /// Debian links `sitecustomize.py` of each Python to a folder of this kind.
  private static let pythons: [String] = {
    guard let folder = opendir("/etc") else { return [] }
    defer { closedir(folder) }
    var found: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name.hasPrefix("python"), name.dropFirst(6).allSatisfy({ $0.isNumber || $0 == "." }) {
        found.append("/etc/\(name)")
      }
    }
    return found.sorted()
  }()

  /// A rule for a file cannot give rights on directories.
  private static func allow(_ writer: inout PlanWriter, _ path: String, _ rights: UInt64) {
    var info = stat()
    let isDirectory = stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
    writer.allow(path, isDirectory ? rights : rights & LandlockRights.ofFile)
  }
}

/// Threads of our own real user on this machine: the kernel counts all of them together.
enum UserThreads {
  static func count() -> Int64 {
    guard let folder = opendir("/proc") else { return 0 }
    defer { closedir(folder) }
    var sum: Int64 = 0
    while let entry = readdir(folder) {
      var info = stat()
      let threads: Int64 = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { name in
          guard name[0] >= 0x31, name[0] <= 0x39,
            fstatat(dirfd(folder), name, &info, 0) == 0
          else { return 0 }
          // A folder here has two links, `task` in it one more for each thread.
          var tasks = stat()
          guard fstatat(dirfd(folder), String(cString: name) + "/task", &tasks, 0) == 0 else {
            return 0
          }
          return isOurs(String(cString: name)) ? Int64(tasks.st_nlink) - 2 : 0
        }
      }
      sum += max(0, threads)
    }
    return sum
  }

  /// By /proc/PID/status: the owner of the folder is another one for processes that hide.
  private static func isOurs(_ process: String) -> Bool {
    let raw = open("/proc/\(process)/status", O_RDONLY | O_CLOEXEC)
    guard raw >= 0 else { return false }
    defer { close(raw) }
    var bytes = [UInt8](repeating: 0, count: 1024)
    let count = read(raw, &bytes, bytes.count)
    let line = bytes[..<max(0, count)].split(separator: 0x0A).first {
      $0.starts(with: "Uid:".utf8)
    }
    let word = line?.dropFirst(4).split { $0 == 0x09 || $0 == 0x20 }.first
    return word?.elementsEqual("\(getuid())".utf8) ?? false
  }
}
