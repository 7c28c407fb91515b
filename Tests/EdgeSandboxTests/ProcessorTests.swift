import EdgeJob
import EdgeSandbox
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// On which processors a run is.
@Suite(.enabled(if: isRoot && Processors.available() > 1, "needs root and two processors"))
struct ProcessorTests {
  /// How many there are for a program, before and after it has asked for all.
  private static let script =
    "nproc; taskset -pc 0-\(Processors.available() - 1) $$ >/dev/null; nproc"

  private func run(_ processors: Int64, _ box: Box) throws -> RunReport {
    var box = box
    box.limits = Limits(processors: processors)
    return try box.sh(Self.script)
  }

  private func isHeld() throws -> Bool {
    try Box().sandbox.host.findings.first { $0.property == "cpus" }?.ok == true
  }

  @Test func aRunStaysOnTheOneOfItsSlot() throws {
    guard try isHeld() else { return }
    let report = try run(1, Box())
    #expect(report.out == "1\n1", "\(report.err)")
    #expect(report.enforced["cpus"]?.contains("cpuset") == true)
  }

  @Test func withoutGroupsAProgramCanGoElsewhere() throws {
    let report = try run(1, Box(without: [.groups]))
    #expect(report.out == "1\n\(Processors.available())", "\(report.err)")
    #expect(report.enforced["cpus"]?.hasPrefix("affinity, which a program can change") == true)
  }

  /// What was asked for is compared with what holds, each time.
  @Test func aRunThatIsElsewhereIsNotStarted() throws {
    guard try isHeld() else { return }
    let box = try Box()
    #expect(try run(1, box).out == "1\n1")
    let place = box.sandbox.host.findings.first { $0.property == "cpus" }?.note ?? ""
    let group = try Directory(path: place).entries().first {
      $0.hasPrefix("edgecoder-\(getpid())-\(box.sandbox.slot)-")
    }
    let all = "0-\(Processors.available() - 1)"
    try Directory(path: "\(place)/\(try #require(group))").open("cpuset.cpus", O_WRONLY)
      .write(all.utf8)
    let failure = try #require(throws: LaunchFailure.self) { _ = try run(1, box) }
    #expect(failure.stage == "proof" && failure.subject.contains("Cpus_allowed_list: \(all)"))
  }

  @Test func theSlotsShareThemOut() throws {
    // Slots that follow each other meet all of them; other tests take some of those between.
    var seen: [Int: String] = [:]
    while seen.count < Processors.available() {
      let box = try Box()
      let place = box.sandbox.slot % Processors.available()
      let report = try run(1, box)
      let processors: String = try #require(report.enforced["cpus"])
      seen[place] = processors
    }
    #expect(Set(seen.values).count == seen.count)
  }

  @Test func whoAsksForAllHasAll() throws {
    let all = Processors.available()
    for count in [all, all + 7] {
      let report = try run(Int64(count), Box())
      #expect(report.out == "\(all)\n\(all)")
      #expect(report.enforced["cpus"] == nil)
    }
  }

  /// A worker that was itself confined hands that on.
  @Test func programsDoNotLeaveTheWorkersProcessors() throws {
    guard try isHeld() else { return }
    let last = Processors.available() - 1
    let result = try runProgram(
      "/usr/bin/taskset",
      ["-c", "\(last)", binary("edgecoder"), "sandbox", "run", "--", "sh", "-c", Self.script])
    #expect(result.output == "1\n1\n", "\(result)")
  }

  @Test func aJailServesOneNumberOfProcessors() throws {
    let box = try Box()
    for count in [1, Int64(Processors.available()), 1] {
      #expect(try run(count, box).out.hasPrefix("\(count)\n"))
    }
  }
}
