import EdgeJob
import EdgeSandbox
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// What a job leaves in its directory for whoever collects it, behaviours 87 to 92.
@Suite(.enabled(if: HostileProgram.isAvailable, "needs a C compiler"))
struct LeftoverTests {
  /// Runs the attack that leaves one of everything, and looks at the result.
  private func leave(
    _ level: Level, _ look: (borrowing Directory, Surroundings) throws -> Void
  ) throws {
    try Slots.lend(on: level) { sandbox, _ in
      let around = try Surroundings(for: ["{secret}"], user: 0, showsFolder: true)
      let launch = Launch(
        profile: try Profiles.named("shell"), limits: .small,
        arguments: ["./hostile", "leftovers", around.fill("{secret}")])
      let workspace = try sandbox.makeWorkspace(limits: .small, profile: launch.profile)
      try workspace.directory.publish(
        "hostile", HostileProgram.bytes ?? [], mode: 0o755, durable: false)
      let report = try sandbox.attempt(launch, in: workspace)
      #expect(report.verdict() == .passed)
      let copy = try workspace.directory.descriptor.duplicate()
      try look(Directory(owning: copy, name: "leftovers"), around)
    }
  }

  @Test(arguments: Level.here)
  func kindsAreToldApart(level: Level) throws {
    try leave(level) { folder, _ in
      var kinds: [String: FileStatus.Kind] = [:]
      let (entries, isComplete) = try folder.walk(atMost: 1000)
      for entry in entries { kinds[entry.name ?? "no text"] = entry.status.kind }
      // Without namespaces no socket can be made.
      #expect(kinds["fifo"] == .other && kinds["socket"] == (level.isBare ? nil : .other))
      #expect(kinds["link"] == .link && kinds["loop"] == .link)
      #expect(kinds["new\nline"] == .file && kinds["no text"] == .file)
      #expect(kinds["\u{1B}]0;title\u{7}"] == .file)
      #expect(kinds[String(repeating: "n", count: 255)] == .file)
      #expect(kinds["unreadable"] == .file && kinds["closed"] == .directory)
      // Only the superuser sees into a directory that its owner has closed; who does not, says so.
      #expect(isComplete == (level != .userNamespace))
      let (few, all) = try folder.walk(atMost: 3)
      #expect(few.count == 3 && !all)
    }
  }

  @Test(arguments: Level.here)
  func nothingBlocksAndNoLinkIsFollowed(level: Level) throws {
    try leave(level) { folder, around in
      for name in ["fifo", "socket", "link", "loop/hostile", "closed"] {
        let bytes = try? folder.read(name, atMost: 100)
        #expect(bytes == nil, "\(name)")
      }
      // The twin: who reads by name alone waits at one, and is led away by the other.
      let place = "/proc/\(getpid())/fd/\(folder.raw)"
      #expect(throws: ProgramError.self) {
        try runProgram("cat", [place + "/fifo"], seconds: 1)
      }
      let led = try runProgram("cat", [place + "/link"])
      #expect(led.output == "secret\n", "\(around.folder)")
    }
  }

  @Test(arguments: Level.here)
  func holesCountAsBytes(level: Level) throws {
    try leave(level) { folder, _ in
      let size = try folder.status("holes").size
      #expect(size == 8 << 20)
      // Never more than is asked for, whatever the size says.
      let bytes = try? folder.read("holes", atMost: 1000)
      #expect((bytes ?? []).count <= 1000)
    }
  }

  /// Deep trees and closed directories go with their file system, whoever looks at them or not.
  @Test(arguments: Level.here)
  func aSecondRunAndTheEndAreNotHindered(level: Level) throws {
    try Slots.lend(on: level) { sandbox, _ in try LeftoverTests.runTwice(in: sandbox, level) }
  }

  private static func runTwice(in sandbox: Sandbox, _ level: Level) throws {
    var limits = Limits.small
    limits.files = 3000
    var launch = Launch(
      profile: try Profiles.named("shell"), limits: limits,
      arguments: ["./hostile", "deep", "2000"])
    let workspace = try sandbox.makeWorkspace(limits: limits, profile: launch.profile)
    try workspace.directory.publish(
      "hostile", HostileProgram.bytes ?? [], mode: 0o755, durable: false)
    let first = try sandbox.attempt(launch, in: workspace)
    // What is deeper than one can look counts as too much where the use is watched.
    #expect(first.verdict() == (level.isBare ? .workspaceFull : .passed))
    let (_, isComplete) = try workspace.directory.walk(atMost: 10_000)
    #expect(!isComplete)
    launch.arguments = ["./hostile", "exists", "hostile"]
    do {
      let second = try sandbox.attempt(launch, in: workspace)
      #expect(second.verdict() == (level.isBare ? .workspaceFull : .passed))
    } catch {
      // On kernels that cannot copy a detached tree a workspace serves one run.
      #expect(error.stage == "workspace")
    }
  }
}
