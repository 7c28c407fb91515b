import EdgeArchive
import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// A place with a destination for unpacking, and files around it that must never change.
struct Site {
  let root = TemporaryDirectory()

  init() throws {
    for name in ["outside", "outside/deep", "dest"] + ArchivePart.allCases.map({ "dest/\($0)" }) {
      try #require(mkdir(root.path(name), 0o755) == 0)
    }
    try root.write("outside/sentinel", text: "untouched")
    try root.write("outside/deep/sentinel", text: "untouched too")
  }

  /// Everything but the destination: names, types, modes, content.
  func surroundings() throws -> String {
    let result = try runProgram(
      "/bin/sh",
      [
        "-c",
        "cd \"$1\" && find . -path ./dest -prune -o -printf '%p %y %m %s %l\\n' | sort; "
          + "find . -path ./dest -prune -o -type f -exec sha256sum {} + | sort", "sh", root.path,
      ], environment: ["PATH=/usr/bin:/bin"])
    return result.output
  }

  /// Unpacks with every part going to a directory of its own.
  @discardableResult
  func unpack(_ file: Int32, expecting: (blob: Digest, task: Digest)? = nil) throws -> Unpacked {
    var fds: [ArchivePart: Int32] = [:]
    defer { for fd in fds.values { close(fd) } }
    for part in ArchivePart.allCases {
      fds[part] = open(root.path("dest/\(part)"), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }
    let targets = fds.mapValues { UnpackTarget(directory: $0) }
    return try unpackTask(file, in: nil, expecting: expecting) { part, _ in targets[part] }
  }

  /// The files and links of the destination: name, type, mode, link target.
  func unpacked() throws -> [String] {
    let result = try runProgram(
      "/usr/bin/find", [root.path("dest"), "-mindepth", "2", "-printf", "%P %y %m %l\\n"])
    return result.output.split(separator: "\n").map(String.init).sorted()
  }
}

/// A file in memory with these bytes.
func memory(_ bytes: [UInt8]) throws -> Descriptor { try Descriptor.memory("archive", bytes) }

/// What inspecting these bytes comes to: nil where they are taken.
func refusal(_ bytes: [UInt8], limits: ArchiveLimits = .task) throws -> String? {
  let file = try memory(bytes)
  do {
    _ = try inspectTask(file.raw, limits: limits)
    return nil
  } catch { return error.reason }
}

/// Both ways of reading refuse these bytes with that reason, and nothing around the destination
/// changes.
func expectRefused(
  _ bytes: [UInt8], _ reason: String, _ location: SourceLocation = #_sourceLocation
) throws {
  let inspected = try refusal(bytes)
  #expect(
    inspected?.contains(reason) == true,
    "expected \"\(reason)\", got \(inspected ?? "no refusal")", sourceLocation: location)
  let site = try Site()
  let before = try site.surroundings()
  let file = try memory(bytes)
  var unpacked: String?
  do { try site.unpack(file.raw) } catch { unpacked = "\(error)" }
  let known = unpacked ?? "no refusal"
  #expect(known.contains(reason), "unpacking said \"\(known)\"", sourceLocation: location)
  #expect(try site.surroundings() == before, sourceLocation: location)
}

/// Runs a program that must succeed.
@discardableResult
func tool(_ name: String, _ arguments: [String], in directory: String? = nil) throws -> [UInt8] {
  let result =
    if let directory {
      try runProgram(
        "/bin/sh", ["-c", "cd \"$1\" && shift && exec \"$@\"", "sh", directory, name] + arguments,
        environment: ["PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"])
    } else {
      try runProgram(name, arguments, environment: ["PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"])
    }
  try #require(result.status == 0, "\(name) \(arguments): \(result)")
  return result.stdout
}

/// Opens a file for reading.
func opened(_ path: String) throws -> Descriptor {
  let fd = open(path, O_RDONLY | O_CLOEXEC)
  try #require(fd >= 0, "\(path): \(String(cString: strerror(errno)))")
  return Descriptor(owning: fd)
}
