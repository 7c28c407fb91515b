import EdgeJob
import EdgeSandbox
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// The level without namespaces, forced on a machine that has them; as root, so that the slot's
/// processes can be told from all others. What it is like in a container, the hostile trials show.
@Suite(.enabled(if: isRoot && Probe.isAvailable, "needs root and a C compiler"))
struct WithoutNamespacesTests {
  private static let host = Result {
    try SandboxHost.probe(useGroups: false, isolation: .landlock)
  }

  private func box(limits: Limits? = nil, without: Set<Layer> = []) throws -> Box {
    try Box(host: try Self.host.get(), limits: limits, without: without)
  }

  @Test func theStrongestIsChosen() throws {
    #expect(try SandboxHost.probe(useGroups: false).isolation == .slots)
    let host = try Self.host.get()
    #expect(host.isolation == .landlock && host.hasSlotUsers)
    let rungs = ["fileSystem", "kill", "network", "ipc", "disk"]
    for rung in rungs {
      #expect(host.findings.contains { $0.property == rung && !$0.ok && !$0.note.isEmpty })
    }
  }

  @Test func theEnforcedMapSaysWhatHolds() throws {
    let map = try box().sh("true").enforced
    #expect(map["network"] == "none: no network namespace, socket(2) denied")
    #expect(map["kill"] == "subreaper and signal scope")
    #expect(map["fileSystem"]?.hasPrefix("Landlock view of ") == true)
    #expect(map["processTable"] == "the machine's, read-only")
    #expect(map["disk"]?.hasPrefix("rlimit fsize, watched ") == true)
    let bare = try box(without: [.seccomp, .landlock, .rlimits, .watch]).sh("true").enforced
    #expect(bare["network"] == "none" && bare["fileSystem"] == "none" && bare["disk"] == "none")
  }

  @Test func namesLeadToRealPlaces() throws {
    let box = try box()
    let script = """
      pwd; echo $EDGECODER_WORK $TMPDIR $HOME $PYTHONPATH $1 $2; echo x > $TMPDIR/a; cat $1;
      echo y > $EDGECODER_TESTS/t || echo kept
      """
    var launch = try box.launch(["sh", "-c", script, "sh", "/tests/t", "not /tests"])
    launch.environment = ["PYTHONPATH": "\(Launch.defaultMountPoint)/lib:/usr/lib:/tests"]
    let workspace = try box.sandbox.makeWorkspace(limits: launch.limits, profile: launch.profile)
    let area = try workspace.area("tests")
    try area.publish("t", Array("hidden\n".utf8), mode: 0o644, durable: false)
    launch.readOnly = [.init(descriptor: area.raw, path: "/tests")]
    let lines = try box.sandbox.run(launch, in: workspace).out.split(separator: "\n")
    let work = String(lines[0])
    let top = work.dropLast("/work".count)
    #expect(work == box.sandbox.place(of: "/work", in: workspace))
    #expect(
      lines[1] == """
        \(work) \(top)/tmp \(top)/tmp \(work)/lib:/usr/lib:\(top)/area-tests \
        \(top)/area-tests/t not /tests
        """)
    #expect(lines[2...] == ["hidden", "kept"])
    // Where there is a root of its own, a name is what it says.
    let inside = try Box().sh("echo $EDGECODER_WORK $TMPDIR").out
    #expect(inside == "/work /tmp")
  }

  @Test func filesOfTheMachineAreClosed() throws {
    let folder = TemporaryDirectory()
    chmod(folder.path, 0o777)
    try folder.write("secret", Array("secret".utf8), mode: 0o666)
    let script = "cat \(folder.path)/secret; echo x >> \(folder.path)/secret; ls \(folder.path)"
    #expect(try box().sh(script).out.isEmpty)
    #expect(try box(without: [.landlock]).sh(script).out.contains("secret"))
  }

  @Test func whatNeedsNamespacesIsRefused() throws {
    let box = try box()
    func stage(_ launch: Launch) -> String? {
      #expect(throws: LaunchFailure.self) { try box.run(launch) }?.stage
    }
    var launch = try box.launch(["true"])
    launch.mountPoint = "/elsewhere"
    #expect(stage(launch) == "require fileSystem")
    launch = try box.launch(["true"])
    launch.learning = try Learning(base: launch.profile)
    #expect(stage(launch) == "require network")
    #expect(stage(try box.launch(["true"], profile: "strict")) == "require memory")
    let base = try Directory(path: Box.profiles).read("base.json", atMost: 1 << 20)
    let text = String(decoding: base, as: UTF8.self)
    for (change, with, expected) in [
      ("\"network\": \"unix\"", "\"network\": \"loopback\"", "require network"),
      (", \"disk\": \"watched\"", "", "require disk"),
      ("\"fileSystem\": \"landlock\"", "\"fileSystem\": \"private\"", "require fileSystem"),
      ("\"kill\": \"subreaper\"", "\"kill\": \"namespace\"", "require kill"),
      (", \"ipc\": \"filter\"", "", "require ipc"),
    ] {
      #expect(text.contains(change))
      let place = TemporaryDirectory()
      try place.write("base.json", text: text.replacing(change, with: with))
      launch.learning = nil
      launch.profile = try SandboxProfile.load("base", directory: place.path)
      #expect(stage(launch) == expected)
    }
  }

  @Test func nothingOutlivesTheProgram() throws {
    let box = try box()
    let script = """
      trap '' TERM HUP INT
      for i in 1 2 3; do
        (setsid sh -c "trap '' TERM HUP INT; (setsid sleep 60 &) ; sleep 60" >/dev/null 2>&1 &)
      done
      sleep 0.3; exit 7
      """
    let report = try box.sh(script)
    #expect(report.verdict() == .failed(exit: 7))
    #expect(report.usage.orphans >= 6)
    #expect(Processes.of(box.user).isEmpty)
  }

  @Test func initIsOutOfReach() throws {
    let script = "kill -9 $PPID; cat /proc/$PPID/environ; echo alive"
    let report = try box().sh(script)
    #expect(report.out == "alive" && report.err.contains("not permitted"))
    let failure = #expect(throws: LaunchFailure.self) {
      try box(without: [.landlock]).sh(script)
    }
    #expect(failure?.stage == "supervise")
  }

  /// Init or the jail is killed from outside, with a program that resists everything it can.
  @Test(arguments: ["init", "jail"]) func nothingOutlivesItsKeeper(victim: String) throws {
    let box = try box(limits: smallLimits)
    let user = box.user
    let killer = Thread {
      _ = eventually { Processes.of(user).count { $0.name == "sleep" } >= 3 }
      let all = Processes.all()
      for entry in all where entry.name == "edgecoder-jail" && entry.user == user {
        kill(victim == "init" ? entry.process : entry.parent, SIGKILL)
      }
    }
    let failure = #expect(throws: LaunchFailure.self) {
      try box.sh("trap '' TERM; (setsid sleep 60 &) ; sleep 60 & sleep 60")
    }
    killer.join()
    #expect(failure?.stage == "supervise")
    #expect(eventually { Processes.of(user).isEmpty })
  }

  @Test func killingEndsTheTree() throws {
    var limits = smallLimits
    limits.wallMilliseconds = 400
    let box = try box(limits: limits)
    let report = try box.sh("trap '' TERM; (setsid sleep 60 &) ; sleep 60 & sleep 60")
    #expect(report.verdict() == .timedOut(.wall))
    #expect(Processes.of(box.user).isEmpty)
  }

  @Test func tooMuchOnTheDiskEndsTheRun() throws {
    let box = try box(limits: smallLimits)
    let slow = "while :; do head -c 500000 /dev/zero >> x$i; i=$((i+1)); sleep 0.02; done"
    #expect(try box.sh(slow).verdict() == .workspaceFull)
    // Too fast for the watch, and over before it looks.
    #expect(try box.sh("head -c 4500000 /dev/zero > x; exit 0").verdict() == .workspaceFull)
    #expect(
      try box.sh("mkdir d; chmod 300 d; head -c 4500000 /dev/zero > d/x").verdict()
        == .workspaceFull)
    #expect(try box.sh("head -c 3000000 /dev/zero > x").verdict() == .passed)
    let twin = try self.box(limits: smallLimits, without: [.quota, .rlimits])
    #expect(try twin.sh("head -c 4500000 /dev/zero > x").verdict() == .passed)
  }

  @Test func whatDoesNotFitIsSeenBeforeTheRun() throws {
    let box = try box(limits: smallLimits)
    let launch = try box.launch(["true"])
    let workspace = try box.sandbox.makeWorkspace(limits: launch.limits, profile: launch.profile)
    let large = [UInt8](repeating: 1, count: 3 << 20)
    try workspace.directory.publish("a", large, mode: 0o644, durable: false)
    let fits = !workspace.isOverfull
    try workspace.directory.publish("b", large, mode: 0o644, durable: false)
    let isTooMuch = workspace.isOverfull
    #expect(fits && isTooMuch)
  }

  @Test func leftoversAreRemovedAndLivingOnesAreNot() throws {
    let box = try box()
    let launch = try box.launch(["true"])
    let workspace = try box.sandbox.makeWorkspace(limits: launch.limits, profile: launch.profile)
    let living = box.sandbox.place(of: "/work", in: workspace)
    let parent = living.split(separator: "/").dropLast(2).reduce("") { "\($0)/\($1)" }
    let left = "\(parent)/edgecoder-box-\(Hex16.random())"
    for path in ["", "/files", "/files/closed", "/files/closed/deep"].map({ left + $0 }) {
      mkdir(path, 0o700)
    }
    chmod(left + "/files/closed", 0)
    symlink(living, left + "/files/link")
    let others = "\(parent)/edgecoder-box-\(Hex16.random().uppercased())x"
    mkdir(others, 0o700)
    defer { rmdir(others) }
    _ = try SandboxHost.probe(useGroups: false, isolation: .landlock)
    #expect(access(left, F_OK) != 0)
    #expect(access(living, F_OK) == 0 && access(others, F_OK) == 0)
  }

  @Test func aWorkspaceGoesWithItsValue() throws {
    let box = try box()
    let launch = try box.launch(["sh", "-c", "mkdir -p a/b; chmod 0 a; pwd"])
    let report = try box.run(launch)
    #expect(report.out.hasSuffix("/work") && access(report.out, F_OK) != 0)
  }

  @Test func socketPairsCarryStreamsAlone() throws {
    let script = """
      import socket
      both = socket.socketpair(); both[0].send(b"x"); print("stream")
      for call in (lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM),
                   lambda: socket.socket(socket.AF_UNIX), lambda: socket.socket()):
          try: call(); print("made")
          except PermissionError: print("refused")
      """
    let report = try box().run(["python3", "-c", script], profile: "python")
    #expect(report.out == "stream\nrefused\nrefused\nrefused", "\(report.err)")
    #expect(report.err.isEmpty, "Python starts without complaints")
    #expect(Set(report.denied.map(\.name)).isSuperset(of: ["socket", "socketpair"]))
    let node = try box().run(["node", "-e", "console.log(1)"], profile: "javascript")
    #expect(node.out == "1", "\(node.err)")
  }
}
