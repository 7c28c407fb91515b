import EdgeJob
import EdgeSandbox
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// Workspaces over a snapshot: each run sees the files as its own, and changes none of them.
@Suite(.enabled(if: isRoot && Probe.isAvailable, "needs root and a C compiler"))
struct SnapshotTests {
  private func snapshot(_ limits: Limits) throws -> Snapshot {
    let snapshot = try Snapshot(limits: limits)
    let files = try snapshot.directory.directory(".")
    try files.makeDirectory("folder", mode: 0o755)
    try files.publish("kept", Array("kept\n".utf8), mode: 0o644, durable: false)
    try files.publish("changed", Array("old\n".utf8), mode: 0o644, durable: false)
    try files.publish("folder/gone", Array("gone\n".utf8), mode: 0o644, durable: false)
    return snapshot
  }

  private func run(_ box: Box, _ script: String, over snapshot: Snapshot) throws -> RunReport {
    let launch = try box.launch(["sh", "-c", script])
    var workspace = try box.sandbox.makeWorkspace(limits: launch.limits, profile: launch.profile)
    try workspace.directory.publish("own", Array("own\n".utf8), mode: 0o644, durable: false)
    try box.sandbox.lay(&workspace, over: snapshot)
    return try box.sandbox.run(launch, in: workspace)
  }

  @Test func everyRunSeesItAsItWas() throws {
    let box = try Box()
    try #require(box.sandbox.hasSnapshots)
    let snapshot = try snapshot(smallLimits)
    let script = """
      cat kept changed own folder/gone && echo new >changed && rm -r folder && echo x >added
      cat changed && ls && stat -c '%u %n' kept changed . && id -u
      """
    let user = box.user
    for _ in 0..<3 {
      let report = try run(box, script, over: snapshot)
      #expect(report.verdict() == .passed, "\(report.err)")
      #expect(
        report.out == """
          kept
          old
          own
          gone
          new
          added
          changed
          kept
          own
          \(user) kept
          \(user) changed
          \(user) .
          \(user)
          """)
      #expect(report.enforced["snapshot"] == "overlay, read-only below")
    }
    let changed = try snapshot.directory.read("changed", atMost: 100)
    #expect(changed == Array("old\n".utf8))
    let isThere = snapshot.directory.contains("folder/gone")
    let isAdded = snapshot.directory.contains("added")
    #expect(isThere && !isAdded)
  }

  @Test func twoSlotsShareIt() throws {
    let first = try Box()
    let second = try Box()
    let snapshot = try snapshot(smallLimits)
    let script = "stat -c %u kept; echo mine >>kept; cat kept"
    #expect(try run(first, script, over: snapshot).out == "\(first.user)\nkept\nmine")
    #expect(try run(second, script, over: snapshot).out == "\(second.user)\nkept\nmine")
  }

  /// What is copied up counts, and so do its inodes.
  @Test func changesAreLimited() throws {
    let box = try Box(limits: smallLimits)
    var large = smallLimits
    large.diskBytes = 64 << 20
    let snapshot = try Snapshot(limits: large)
    let bytes = [UInt8](repeating: 7, count: 8 << 20)
    try snapshot.directory.publish("large", bytes, mode: 0o644, durable: false)
    let report = try run(box, "wc -c <large; echo >>large || echo full", over: snapshot)
    #expect(report.out == "\(8 << 20)\nfull")
    #expect(report.limitsHit.workspaceFull || report.err.contains("No space"))
    let many = try run(
      box, "for i in $(seq 1 400); do : >f$i || exit 3; done", over: try self.snapshot(large))
    #expect(many.termination == .exited(2) || many.termination == .exited(3), "\(many.err)")
  }

  @Test func theLayersAreOutOfReach() throws {
    let report = try run(
      try Box(), "awk '$5 == \"/work\"' /proc/self/mountinfo; ls -a / | tr '\\n' ' '",
      over: try snapshot(smallLimits))
    #expect(report.out.contains("overlay"))
    #expect(!report.out.contains("edgecoder") && !report.out.contains("/dev/shm/"))
    #expect(!report.out.contains(RepositoryRoot.path))
  }

  /// Files that two runs share without an overlay: the second one sees what the first one did.
  @Test func withoutTheOverlayTheNextRunSeesChanges() throws {
    let box = try Box()
    let launch = try box.launch(["sh", "-c", "cat changed; echo new >changed"])
    let workspace = try box.sandbox.makeWorkspace(limits: smallLimits, profile: launch.profile)
    try workspace.directory.publish("changed", Array("old\n".utf8), mode: 0o644, durable: false)
    #expect(try box.sandbox.run(launch, in: workspace).out == "old")
    #expect(try box.sandbox.run(launch, in: workspace).out == "new")
  }
}
