import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

extension EndToEnd {
  /// What `scripts/systemd` and `scripts/cron` hold, judged by systemd and by the program itself.
  @Suite struct UnitTests {}
}

/// A command line of a unit or of the crontab that starts the program.
private struct ServiceLine: CustomStringConvertible {
  let file: String
  /// What follows the program's name.
  let arguments: [String]
  var description: String { "\(file): edgecoder \(arguments.joined(separator: " "))" }

  static func all(in file: String, _ text: String) -> [ServiceLine] {
    text.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap { line in
      let words = line.split { " =".contains($0) }.map(String.init)
      guard
        let program = words.firstIndex(where: { $0 == "edgecoder" || $0.hasSuffix("/edgecoder") }),
        line.hasPrefix("Exec") || line.contains("* ")
      else { return nil }
      // A shell's redirections are none of the program's arguments.
      let arguments = words[(program + 1)...].prefix { !$0.contains(">") }
      return ServiceLine(
        file: file, arguments: arguments.map { $0.replacing("%i", with: "local") })
    }
  }
}

extension EndToEnd.UnitTests {
  private static let units = "\(RepositoryRoot.path)/scripts/systemd"
  private static let names =
    ((try? Directory(path: units).entries()) ?? []).filter { !$0.hasSuffix(".md") }.sorted()

  private func text(_ name: String) throws -> String {
    String(decoding: try Directory(path: Self.units).read(name, atMost: 1 << 16), as: UTF8.self)
  }

  /// The units as if the program were installed where this one is.
  private func units(_ change: (String, String) -> String = { $1 }) throws -> TemporaryDirectory {
    let folder = TemporaryDirectory()
    for name in Self.names {
      let here = try text(name).replacing("/usr/bin/edgecoder", with: Workplace.program)
      try folder.write(name, text: change(name, here), mode: 0o644)
    }
    return folder
  }

  /// What `systemd-analyze verify` has to say; a warning is one that somebody will not read.
  private func complaints(_ folder: TemporaryDirectory) throws -> String {
    let paths = Self.names.map { name in
      folder.path(name.replacing("@.", with: "@local."))
    }
    let result = try runProgram(
      "systemd-analyze", ["verify", "--man=no", "--generators=no"] + paths,
      environment: ["PATH=/usr/bin:/bin"])
    return result.status == 0 && result.output.isEmpty && result.errors.isEmpty
      ? "" : "status \(result.status): \(result.errors)\(result.output)"
  }

  @Test(.program("systemd-analyze")) func systemdAcceptsTheUnits() throws {
    #expect(Self.names.count == 8)
    let found = try complaints(units())
    #expect(found.isEmpty, "\(found)")
  }

  @Test(
    .program("systemd-analyze"),
    arguments: [
      ("edgecoder.service", "KillMode=mixed", "KillMood=mixed"),
      ("edgecoder-worker@.service", "ExecStart=", "ExecStart=/nowhere"),
      ("edgecoder-settle.timer", "OnCalendar=", "OnCalendar=frog"),
      ("edgecoder-schedule.path", "PathChanged=", "PathChanged=relative"),
    ])
  func systemdRefusesABrokenUnit(name: String, part: String, instead: String) throws {
    let found = try complaints(
      units { $0 == name ? $1.replacing(part, with: instead) : $1 })
    #expect(!found.isEmpty)
  }

  /// How much a service could do if it were taken over, 0 … 10, as systemd counts it.
  @Test(
    .program("systemd-analyze"),
    arguments: [
      ("edgecoder.service", 32), ("edgecoder-worker@local.service", 32),
      ("edgecoder-coordinator.service", 15), ("edgecoder-settle.service", 15),
    ])
  func systemdFindsThemHardened(name: String, tenths: Int) throws {
    let folder = try units()
    try folder.write(
      "edgecoder-worker@local.service", text: try text("edgecoder-worker@.service"))
    let result = expect(
      try runProgram(
        "systemd-analyze",
        [
          "security", "--offline=true", "--no-pager", "--threshold=\(tenths)", folder.path(name),
        ], environment: ["PATH=/usr/bin:/bin"]), 0)
    #expect(result.output.contains("Overall exposure level"))
  }

  private func lines() throws -> [ServiceLine] {
    let cron = "\(RepositoryRoot.path)/scripts/cron"
    let crontab = try Directory(path: cron).read("edgecoder.crontab", atMost: 1 << 16)
    return try Self.names.flatMap { ServiceLine.all(in: $0, try text($0)) }
      + ServiceLine.all(in: "edgecoder.crontab", String(decoding: crontab, as: UTF8.self))
  }

  /// Without a spool a command line that is right ends because there is none.
  @Test func theProgramKnowsEveryArgument() throws {
    let place = try Workplace(making: false)
    let lines = try lines()
    #expect(lines.count == 9, "\(lines)")
    for line in lines {
      let result = try runProgram(
        Workplace.program, line.arguments, environment: place.environment)
      #expect(result.status == ExitCode.unavailable.rawValue, "\(line): \(result)")
    }
  }

  @Test func aRenamedFlagIsFound() throws {
    let place = try Workplace(making: false)
    for line in try lines() {
      let result = try runProgram(
        Workplace.program, line.arguments + ["--renamed"], environment: place.environment)
      #expect(result.status == ExitCode.usage.rawValue, "\(line): \(result)")
    }
  }

  /// What a daemon does not start again for, systemd does not start the daemon again for.
  @Test func theirCodesAreInTheTable() throws {
    for name in Self.names where name.hasSuffix(".service") {
      for line in try text(name).split(separator: "\n")
      where line.hasPrefix("RestartPreventExitStatus=") || line.hasPrefix("SuccessExitStatus=") {
        let codes = line.drop { $0 != "=" }.dropFirst().split(separator: " ").map { Int32($0) }
        #expect(codes.allSatisfy { $0.map { ExitCode(rawValue: $0) != nil } ?? false }, "\(name)")
      }
      let restarts = try text(name).contains("Restart=on-failure")
      #expect(try text(name).contains("RestartPreventExitStatus=3 4 64 65 66 77 78") == restarts)
    }
  }
}
