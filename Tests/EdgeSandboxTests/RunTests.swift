import EdgeJob
import EdgeSandbox
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// Programs, files and channels of a run.
@Suite(.enabled(if: isRoot && Probe.isAvailable, "needs root and a C compiler"))
struct RunTests {
  @Test func everyExitStatusIsAStatus() throws {
    let box = try Box()
    for status in 0..<Int32(256) {
      let report = try box.run(["./probe", "exit", "\(status)"])
      #expect(report.termination == .exited(status))
      #expect(report.verdict() == (status == 0 ? .passed : .failed(exit: status)))
    }
  }

  @Test(arguments: [1, 2, 3, 4, 6, 7, 8, 9, 11, 13, 14, 15, 24, 25] as [Int32])
  func everySignalIsASignal(_ signal: Int32) throws {
    let report = try Box().run(["./probe", "raise", "\(signal)"])
    #expect(report.termination == .signalled(signal))
    #expect(report.verdict() == .signalled(signal))
  }

  @Test func outputThatLooksLikeOurRecordsIsOutput() throws {
    let record = #"EJCR\010\000\000\000\000\000\000\000\040\000\000\000"#
    let script =
      "printf '\(record)'; printf '\(record)' >&3; printf '\(record)' >&6 2>/dev/null; exit 4"
    var launch = try Box().launch(["bash", "-c", script])
    launch.reportChannel = true
    let report = try Box().run(launch)
    #expect(report.verdict() == .failed(exit: 4))
    #expect(report.stdout.starts(with: "EJCR".utf8) && report.stdout.count == 16)
    #expect(report.report == report.stdout)
  }

  @Test func theReportChannelKeepsItsFirstBytes() throws {
    var launch = try Box().launch(["sh", "-c", "head -c 5000000 /dev/zero >&3"])
    launch.reportChannel = true
    let report = try Box().run(launch)
    #expect(report.report.count == Launch.reportBytesMax)
    #expect(report.limitsHit.report)
    launch.reportChannel = false
    #expect(try Box().run(launch).termination != .exited(0))
  }

  @Test func filesGoInAndComeOut() throws {
    let box = try Box()
    let launch = try box.launch(["sh", "-c", "cat a/in; echo new > a/out; echo x > /tmp/t"])
    let workspace = try box.sandbox.makeWorkspace(limits: launch.limits, profile: launch.profile)
    try workspace.directory.makeDirectory("a", mode: 0o755)
    try workspace.directory.directory("a").publish("in", Array("hello".utf8), durable: false)
    let report = try box.sandbox.run(launch, in: workspace)
    #expect(report.out == "hello")
    let result = try workspace.directory.directory("a")
    let (bytes, owner) = (try result.read("out", atMost: 10), try result.status("out").owner)
    #expect(bytes == Array("new\n".utf8))
    #expect(owner == box.user)
  }

  @Test func aWorkspaceServesASecondRunOrSaysSo() throws {
    let box = try Box()
    let launch = try box.launch(["sh", "-c", "cat x 2>/dev/null; echo one > x"])
    let workspace = try box.sandbox.makeWorkspace(limits: launch.limits, profile: launch.profile)
    let first = try box.sandbox.run(launch, in: workspace)
    #expect(first.out == "")
    do {
      let second = try box.sandbox.run(launch, in: workspace)
      #expect(second.out == "one")
    } catch {
      #expect(error.stage == "workspace")
    }
  }

  @Test func hiddenTestsAreReadOnly() throws {
    let box = try Box()
    let host = TemporaryDirectory()
    chmod(host.path, 0o755)
    try Directory(path: host.path).publish("t", Array("host".utf8), mode: 0o644, durable: false)
    let folder = try Directory(path: host.path)
    let script = "cat /tests/t /more/t; echo > /tests/t; echo > /more/n; rm -f /more/t; ls /more"
    var launch = try box.launch(["sh", "-c", script])
    let workspace = try box.sandbox.makeWorkspace(limits: launch.limits, profile: launch.profile)
    let area = try workspace.area("tests")
    try area.publish("t", Array("area".utf8), mode: 0o600, durable: false)
    launch.readOnly = [
      .init(descriptor: folder.raw, path: "/tests"), .init(descriptor: area.raw, path: "/more"),
    ]
    let report = try box.sandbox.run(launch, in: workspace)
    #expect(report.out == "hostareat")
    #expect(report.err.contains("Read-only file system"))
    let kept = try area.read("t", atMost: 10)
    #expect(kept == Array("area".utf8))
  }

  @Test func furtherDirectoriesAreReadAfterwards() throws {
    let box = try Box()
    var launch = try box.launch(["sh", "-c", "echo 1 > /logs/verifier/reward.txt; pwd"])
    launch.mountPoint = "/app"
    launch.writableDirectories = ["/logs/verifier"]
    let workspace = try box.sandbox.makeWorkspace(limits: launch.limits, profile: launch.profile)
    let report = try box.sandbox.run(launch, in: workspace)
    #expect(report.out == "/app")
    let logs = try workspace.writable("/logs/verifier")
    let reward = try logs.read("reward.txt", atMost: 10)
    #expect(reward == Array("1\n".utf8))
  }

  @Test(arguments: ["/usr/x", "/proc", "/", "work", "/a/../b", "/tmp/x", "/etc", "/a//b"])
  func mountPointsOfTheSystemAreRefused(_ path: String) throws {
    var launch = try Box().launch(["true"])
    launch.mountPoint = path
    let failure = #expect(throws: LaunchFailure.self) { try Box().run(launch) }
    #expect(failure?.stage == "mount point")
  }

  @Test func aRunIsCancelled() throws {
    let box = try Box()
    var pipe = try Descriptor.pipe()
    var launch = try box.launch(["sh", "-c", "echo started; sleep 60"])
    launch.cancel = pipe.reading.raw
    let writing = try pipe.writing.duplicate()
    pipe.writing = try Descriptor.memory("unused")
    try writing.write([1])
    let report = try box.run(launch)
    #expect(report.cancelled)
    #expect(report.usage.wallMilliseconds < 10_000)
    #expect(Processes.of(box.user).isEmpty)
  }

  @Test func anUnknownProgramIsTheTasksMistake() throws {
    for (name, number) in [("no-such-program", ENOENT), ("/work", EACCES), ("./none", ENOENT)] {
      let failure = #expect(throws: LaunchFailure.self) { try Box().run([name]) }
      #expect(failure?.stage == "exec")
      #expect(failure?.errno == number)
      #expect(failure?.isAboutTask == true)
    }
    var launch = try Box().launch(["true"])
    launch.workDirectory = launch.mountPoint + "/none"
    let failure = #expect(throws: LaunchFailure.self) { try Box().run(launch) }
    #expect(failure?.stage == "work directory")
    #expect(failure?.isAboutTask == true)
  }

  @Test func interpretersWork() throws {
    let python = try Box().run(
      [
        "python3", "-c",
        "import json, subprocess as s; print(s.run(['id', '-un'], capture_output=True).stdout)",
      ],
      profile: "python")
    #expect(python.out == #"b'task\n'"#)
    guard programPath("node") == "/usr/bin/node" else { return }
    let script = "const fs = require('fs'); fs.writeFileSync('x', '1'); console.log(6 * 7)"
    #expect(try Box().run(["node", "-e", script], profile: "javascript").out == "42")
    let limited = try Box(limits: smallLimits, without: [.groups]).run(
      ["node", "-e", "console.log(6 * 7)"], profile: "javascript")
    #expect(limited.out == "42", "\(limited.err)")
  }

  @Test func theReportSaysWhatHeld() throws {
    let report = try Box().run(["true"], profile: "python")
    #expect(report.enforced["network"] == "empty network namespace")
    #expect(report.enforced["user"]?.hasPrefix("uid 60") == true)
    #expect(report.enforced["without"] == nil)
    #expect(!report.enforced.values.contains("none"))
    #expect(report.setupNanoseconds > 0)
    let profile = try SandboxProfile.load("python", directory: Box.profiles)
    #expect(report.profileDigest == profile.digest)
  }
}
