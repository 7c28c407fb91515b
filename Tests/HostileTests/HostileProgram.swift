import EdgeSystem
import EdgeTestSupport
import Glibc

/// The attacks in `Cases`, compiled once for this process. Static, so that it runs in any root.
enum HostileProgram {
  /// nil where this machine has no C compiler.
  static let bytes: [UInt8]? = {
    guard let compiler = programPath("cc") else { return nil }
    let folder = TemporaryDirectory()
    let sources = ["main", "resources", "processes", "files", "calls", "state"].map {
      "\(RepositoryRoot.path)/Tests/HostileTests/Cases/\($0).c"
    }
    let result = try? runProgram(
      compiler,
      ["-O1", "-static", "-D_GNU_SOURCE", "-Wall", "-Wno-unused-result", "-o"]
        + [folder.path("hostile")] + sources,
      environment: ["PATH=/usr/local/bin:/usr/bin:/bin"])
    return result?.status == 0 ? try? folder.read("hostile") : nil
  }()

  static var isAvailable: Bool { bytes != nil }

  /// Runs one attack as an ordinary program of this machine, in a new directory.
  /// - Parameters:
  ///   - user: who it runs as, where the tests may choose.
  ///   - place: a folder that has the program already.
  static func runOutside(_ words: [String], as user: UInt32, program place: String? = nil) throws
    -> ProgramResult
  {
    let folder = TemporaryDirectory()
    chmod(folder.path, 0o777)
    try folder.write("hostile", bytes ?? [], mode: 0o755)
    chmod(folder.path("hostile"), 0o755)
    let change = isRoot ? ["setpriv", "--reuid=\(user)", "--regid=\(user)", "--clear-groups"] : []
    return try runProgram(
      "sh",
      ["-c", "cd \"$0\" && exec \"$@\"", folder.path] + change
        + ["\(place ?? ".")/hostile"] + words,
      environment: ["PATH=/usr/local/bin:/usr/bin:/bin"])
  }
}

/// True on the machine's superuser.
let isRoot = getuid() == 0
