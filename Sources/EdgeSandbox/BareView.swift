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
