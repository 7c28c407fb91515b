import EdgeJob
import EdgeSandbox
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// Starts the next suite as nobody, where the tests run as root.
@Suite(.enabled(if: isRoot && programPath("setpriv") != nil, "needs root and setpriv"))
struct WithoutPrivilegesTests {
  @Test func everythingHoldsInAUserNamespace() throws {
    let nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    // A checkout in a folder that is closed to others cannot be read by nobody.
    let reachable = try runProgram(
      "setpriv", nobody.dropFirst() + ["test", "-r", Box.profiles + "/base.json"])
    guard reachable.status == 0 else { return }
    let output = try Descriptor.memory("output")
    var child = try TestBundle.start(
      suite: "UserNamespaceTests", variable: "EDGECODER_UNPRIVILEGED=1", wrapper: nobody,
      output: output.raw)
    let ended = child.wait()
    lseek(output.raw, 0, SEEK_SET)
    let text = String(decoding: try output.read(atMost: 1 << 20), as: UTF8.self)
    #expect(ended == .exited(0), "\(text)")
    #expect(text.contains("passed"), "\(text)")
  }
}

/// The sandbox of an ordinary user.
@Suite(
  .serialized,
  .enabled(
    if: !isRoot || environmentVariable("EDGECODER_UNPRIVILEGED") != nil,
    "started by WithoutPrivilegesTests"))
struct UserNamespaceTests {
  @Test func aProgramRunsAsItsOwnUser() throws {
    let report = try Box().run(["id", "-u"], profile: "python")
    #expect(report.out == "\(getuid())")
    #expect(report.enforced["user"] == "user namespace, uid \(getuid())")
    #expect(report.verdict() == .passed)
  }

  @Test func memoryProcessesAndDiskAreLimited() throws {
    let box = try Box(limits: smallLimits)
    #expect(try box.run(["./probe", "eat", "200"]).termination != .exited(0))
    #expect(try box.run(["./probe", "forks", "60"]).out == "31")
    #expect(try box.sh("head -c 6000000 /dev/zero > x").verdict() == .workspaceFull)
    #expect(
      try Box(limits: smallLimits, without: [.rlimits]).run(["./probe", "forks", "60"]).out == "60")
  }

  @Test func strictIsRefused() throws {
    guard try Box().sandbox.host.findings.first(where: { $0.property == "memory" })?.ok == false
    else { return }
    let failure = #expect(throws: LaunchFailure.self) {
      try Box().run(["true"], profile: "strict")
    }
    #expect(failure?.stage == "require memory")
  }

  @Test func violationsAndOrphansAreSeen() throws {
    #expect(
      try Box().run(["./probe", "ptrace"]).verdict() == .violation(syscall: "ptrace"))
    let report = try Box().sh("setsid sleep 60 >/dev/null & sleep 0.2; exit 7")
    #expect(report.verdict() == .failed(exit: 7))
    #expect(report.usage.orphans == 1)
  }

  @Test func initOfTheSameUserIsOutOfReach() throws {
    let script = "kill -9 1; cat /proc/1/environ; ls /proc/1/root; cat /proc/1/mem; echo alive"
    let report = try Box().sh(script)
    #expect(report.out == "alive")
    #expect(try Box().probe("prlimit", "1") == "EPERM")
  }

  @Test func theMachineIsHidden() throws {
    #expect(try Box().sh("ls /root /home /var /run").termination != .exited(0))
    #expect(try Box().sh("echo > /usr/x").err.contains("Read-only file system"))
    #expect(try Box().probe("tcp", "22") == "EPERM")
    #expect(try Box().probe("fds") == "0 1 2 ")
  }

  @Test func hiddenTestsAreReadOnly() throws {
    let box = try Box()
    let path = "/var/tmp/edgecoder-test-\(Hex16.random())"
    mkdir(path, 0o755)
    defer { try? Directory(path: "/var/tmp").removeTree(String(path.dropFirst(9))) }
    let folder = try Directory(path: path)
    try folder.publish("t", Array("host".utf8), mode: 0o644, durable: false)
    var launch = try box.launch(["sh", "-c", "cat /tests/t /more/t; echo > /tests/t; ls /tests"])
    let workspace = try box.sandbox.makeWorkspace(limits: launch.limits, profile: launch.profile)
    let area = try workspace.area("more")
    try area.publish("t", Array("area".utf8), mode: 0o644, durable: false)
    launch.readOnly = [
      .init(descriptor: folder.raw, path: "/tests"), .init(descriptor: area.raw, path: "/more"),
    ]
    let report = try box.sandbox.run(launch, in: workspace)
    #expect(report.out == "hostareat")
    #expect(report.err.contains("Read-only file system"))
  }
}
