import EdgeSandbox
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// Hostile runs in random order, after which the machine is as it was. In a process of its own,
/// so that descriptors and control groups are those of the campaign alone.
@Suite(
  .serialized,
  .enabled(if: Campaign.runs != nil, "started by CampaignSampleTests and by scripts/soak"))
struct CampaignTests {
  @Test(arguments: Seed.some(1)) func theMachineIsAsItWas(seed: Seed) throws {
    var random = SplitMix64(seed)
    let level = Level.here[0]
    let trials = Trial.inside.filter { $0.level == level && $0.attack.hole == nil }
    // The first runs fill caches that stay.
    for _ in 0..<20 { try TrialTests.check(random.one(of: trials)) }
    let before = MachineState()
    let runs = Campaign.runs ?? 0
    for _ in 0..<runs { try TrialTests.check(random.one(of: trials)) }
    var problems: [String] = []
    // What the kernel puts away by itself takes its time, and others use the machine as well.
    for _ in 0..<40 {
      problems = MachineState().growth(since: before, runs: runs)
      if problems.isEmpty { break }
      usleep(500_000)
    }
    #expect(problems.isEmpty, "\(problems.joined(separator: "\n"))")
  }

  /// The comparison sees what it is for.
  @Test func aDescriptorAndAFileAreSeen() throws {
    let before = MachineState()
    let leaked = open("/dev/null", O_RDONLY | O_CLOEXEC)
    let path = "/dev/shm/edgecoder-hostile-\(Hex16.random())"
    close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600))
    chown(path, Slots.users.lowerBound, 0)
    let found = MachineState().growth(since: before, runs: 0)
    close(leaked)
    unlink(path)
    #expect(found.contains { $0.hasPrefix("descriptors") })
    #expect(found.contains { $0.contains(path) })
  }
}

/// Starts a sample of the campaign.
@Suite(
  .enabled(if: isRoot && HostileProgram.isAvailable, "needs root and a C compiler"))
struct CampaignSampleTests {
  @Test(arguments: Seed.some(1)) func aSampleLeavesNothing(seed: Seed) throws {
    guard Campaign.runs == nil else { return }
    var environment = [
      "PATH=/usr/local/bin:/usr/bin:/bin", "\(Campaign.variable)=150",
      "EDGECODER_SEED=\(seed.number)",
    ]
    for name in ["LD_LIBRARY_PATH", "HOME"] {
      if let value = environmentVariable(name) { environment.append("\(name)=\(value)") }
    }
    let result = try runProgram(
      try Executable.path(),
      ["--testing-library", "swift-testing", "--filter", "HostileTests.CampaignTests"],
      environment: environment, seconds: 240)
    let output = result.output + result.errors
    #expect(result.status == 0, "\(output.suffix(4000))")
    #expect(output.contains("theMachineIsAsItWas"), "\(output.suffix(500))")
  }
}

enum Campaign {
  static let variable = "EDGECODER_HOSTILE_RUNS"
  /// How many runs this process is for; nil where it is for none.
  static let runs = environmentVariable(variable).flatMap { Int($0) }
}

/// What could be left behind or grow.
struct MachineState {
  /// Things of our slots' users: there must be none.
  private let left: [String]
  private let mounts: [[UInt8]]
  /// Control groups that this process has made.
  private let groups: Int
  private let descriptors: Int
  /// By user.
  private let keys: [UInt32: Int]
  /// Objects of the kernel by kind.
  private let objects: [String: Int]

  /// Kinds of which a run makes some, and has to give all back.
  private static let kinds = [
    "mnt_cache", "net_namespace", "task_struct", "pid_namespace", "user_namespace", "cred_jar",
    "mqueue_inode_cache", "nsproxy", "uts_namespace", "shmem_inode_cache", "sock_inode_cache",
    "kernfs_node_cache",
  ]

  init() {
    left = Machine.left(by: Slots.users)
    mounts = Machine.mounts()
    groups = MachineState.ownGroups()
    descriptors = (try? Directory(path: "/proc/\(getpid())/fd").entries().count) ?? 0
    var keys: [UInt32: Int] = [:]
    for line in MachineState.lines("key-users") {
      let fields = line.split { $0 == " " || $0 == ":" || $0 == "/" }
      if fields.count > 2, let user = UInt32(fields[0]), let number = Int(fields[2]) {
        keys[user] = number
      }
    }
    self.keys = keys
    var objects: [String: Int] = [:]
    for line in MachineState.lines("slabinfo") {
      let fields = line.split(separator: " ")
      if fields.count > 2, MachineState.kinds.contains(String(fields[0])) {
        objects[String(fields[0])] = Int(fields[1])
      }
    }
    objects["namespaces"] = Machine.namespaces()
    self.objects = objects
  }

  private static func lines(_ name: String) -> [Substring] {
    let bytes = (try? Directory(path: "/proc").read(name, atMost: 1 << 20)) ?? []
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
  }

  private static func ownGroups() -> Int {
    let places = (try? Level.here[0].host().findings.map(\.note).filter { $0.hasPrefix("/") }) ?? []
    return Set(places).reduce(0) { sum, place in
      let names = (try? Directory(path: place).entries()) ?? []
      return sum + names.count { $0.hasPrefix("edgecoder-\(getpid())-") }
    }
  }

  /// What there is more of than before, beyond what is kept for each slot.
  /// - Parameter runs: how many runs lie between; an object that each of them leaves is seen.
  func growth(since before: MachineState, runs: Int) -> [String] {
    var found = left
    if mounts != before.mounts { found.append("mounts of the machine are others now") }
    // Groups and channels may stay with a slot for its next run; one run at a time uses one slot.
    if groups > before.groups + 4 { found.append("control groups: \(groups)") }
    if descriptors > before.descriptors {
      found.append("descriptors: \(before.descriptors) → \(descriptors)")
    }
    for (user, number) in keys where Slots.users.contains(user) {
      found.append("\(number) keys of user \(user)")
    }
    let slack = runs / 2 + 64
    if keys[0, default: 0] > before.keys[0, default: 0] + slack { found.append("keys of root") }
    for (kind, number) in objects where number > before.objects[kind, default: 0] + slack {
      found.append("\(kind): \(before.objects[kind, default: 0]) → \(number)")
    }
    return found
  }
}
