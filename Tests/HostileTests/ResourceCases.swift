import EdgeJob
import EdgeSandbox

/// 5.1: exhaustion. Where no tree is counted, the limits of single processes hold, and the kernel
/// does not tell which of them was met; the table says what is seen then.
extension HostileCase {
  static let resources = processNumbers + memory + times + disk + smallThings

  /// Without a user of their own all processes of the worker's user count, other tests among them.
  private static func fewer(than all: String) -> Expectation {
    Expectation { seen in
      guard seen.report?.verdict() == .failed(exit: 1) else { return "did not just fail" }
      if isRoot { return seen.word == "31" ? nil : "not 31" }
      return seen.word == all ? "all were started" : nil
    }
  }

  private static let processNumbers: [HostileCase] = [
    HostileCase(
      1, ["forks", "60"],
      .prints("31", .tooManyProcesses).and("no refusals counted") {
        ($0.report?.limitsHit.processRefusals ?? 0) > 0
      }.butWithoutGroups(.prints("31", .failed(exit: 1)))
        .but(on: .landlock, fewer(than: "60")),
      .without([.groups, .rlimits], .prints("60", .passed))),
    HostileCase(
      1, ["threads", "60"],
      .prints("31", .tooManyProcesses).butWithoutGroups(.prints("31", .failed(exit: 1)))
        .but(on: .landlock, fewer(than: "60")),
      .without([.groups, .rlimits], .prints("60", .passed))),
    HostileCase(
      1, ["bomb", "120"],
      .prints("31", .tooManyProcesses).butWithoutGroups(.prints("31", .failed(exit: 1)))
        .but(on: .landlock, fewer(than: "120")),
      .without([.groups, .rlimits], .prints("120", .passed))),
    HostileCase(
      14, ["zombies", "60"],
      .prints("31", .tooManyProcesses).butWithoutGroups(.prints("31", .failed(exit: 1)))
        .but(on: .landlock, fewer(than: "60")),
      .without([.groups, .rlimits], .prints("60", .passed))),
  ]

  private static let memory: [HostileCase] = [
    HostileCase(
      2, ["eat", "100"],
      .ends(.outOfMemory).and("the peak is above the limit") {
        $0.report?.usage.memoryPeakBytes ?? .max <= Limits.small.memoryBytes
      }.butWithoutGroups(.denied("ENOMEM")),
      .without([.groups, .rlimits])),
    HostileCase(
      3, ["memfds", "100"], .ends(.outOfMemory).butWithoutGroups(countsNoFiles),
      .without([.groups])),
    HostileCase(
      3, ["fill", "/dev/shm/x", "60"],
      .ends(.outOfMemory).butWithoutGroups(.prints("ENOSPC", .workspaceFull))
        .but(on: .landlock, .denied("EACCES")),
      .without([.groups, .quota, .rlimits], .works.not(on: .landlock))
    ).limited { $0.diskBytes = 56 << 20 },
    HostileCase(
      3, ["pipes", "40"], .ends(.outOfMemory).butWithoutGroups(countsNoFiles), .without([.groups])
    ).limited {
      $0.memoryBytes = 16 << 20
      $0.openFiles = 200
    },
    HostileCase(
      3, ["sockets", "100"], .ends(.outOfMemory).butWithoutGroups(countsNoFiles),
      .without([.groups])
    ).limited {
      $0.memoryBytes = 16 << 20
      $0.openFiles = 300
    },
    HostileCase(
      3, ["tables", "8000"], .ends(.outOfMemory).butWithoutGroups(countsNoFiles),
      .without([.groups])
    ).limited { $0.memoryBytes = 16 << 20 },
    HostileCase(
      4, ["maps", "70000"], .denied("ENOMEM"),
      withoutTwin: "the number of mappings is a limit of the kernel, which no layer of ours sets"),
    HostileCase(
      5, ["eat", "100", "out"],
      .ends(.outOfMemory).and("swap is not spoken of") { $0.report?.enforced["swap"] != nil }
        .butWithoutGroups(.denied("ENOMEM")),
      .without([.groups, .rlimits])),
  ]

  /// Memory that belongs to no address space is counted by control groups alone.
  private static let countsNoFiles = Expectation.works

  private static let brief: @Sendable (inout Limits) -> Void = {
    $0.cpuMilliseconds = 300
    $0.wallMilliseconds = 60_000
  }

  private static let soon: @Sendable (inout Limits) -> Void = { $0.wallMilliseconds = 400 }

  private static let times: [HostileCase] = [
    HostileCase(
      6, ["spin", "0"],
      .ends(.timedOut(.cpu)).and("less was used than is allowed") {
        $0.report?.usage.cpuMilliseconds ?? 0 >= 300
      },
      .without([.watch, .rlimits])
    ).limited(brief).twinned(["spin", "500"]),
    HostileCase(7, ["stubborn", "0"], .ends(.timedOut(.wall)), .without([.watch]))
      .limited(soon).twinned(["stubborn", "600"]),
    HostileCase(
      8, ["spin-threads", "4", "300"], .ends(.timedOut(.cpu)), .without([.watch, .rlimits])
    ).limited(brief).twinned(["spin-threads", "4", "500"]),
    HostileCase(
      8, ["spin-tree", "4", "200"], .ends(.timedOut(.cpu)), .without([.watch, .rlimits])
    ).limited(brief),
    HostileCase(
      8, ["spin-hidden", "4", "200"], .ends(.timedOut(.cpu)), .without([.watch, .rlimits])
    ).limited(brief).hole(
      "time of children for which nobody waits is not counted", on: .withoutGroups, .userNamespace),
    // Once is enough: a busy disk has to be waited for.
    HostileCase(
      19, ["flush", "/usr"], .denied("EPERM"),
      withoutTwin: "a busy disk would have to be waited for"),
    HostileCase(
      19, ["storm", "0"], .ends(.timedOut(.wall), .timedOut(.cpu)), .without([.watch])
    ).limited(soon).twinned(["storm", "600"]),
    HostileCase(20, ["spin", "0", "yield"], .ends(.timedOut(.cpu)), .without([.watch, .rlimits]))
      .limited(brief).twinned(["spin", "500", "yield"]),
    HostileCase(20, ["spin", "0", "random"], .ends(.timedOut(.cpu)), .without([.watch, .rlimits]))
      .limited(brief).twinned(["spin", "500", "random"]),
    HostileCase(
      20, ["real-time"], .denied("EPERM"),
      .without([.user], .works.not(on: .userNamespace, .container))),
    HostileCase(
      20, ["hurry"], .denied("EACCES"),
      .without([.user], .works.not(on: .userNamespace, .container))),
  ]

  /// Where nothing can be mounted the use is looked at, and too much of it ends the run.
  private static let full = Expectation.prints("ENOSPC", .workspaceFull)
    .but(on: .landlock, .ends(.workspaceFull))

  private static let disk: [HostileCase] = [
    HostileCase(
      9, ["fill", "x", "20"], full, .without([.quota, .rlimits])),
    HostileCase(
      9, ["fill", "/tmp/x", "20"], full,
      .without([.quota, .rlimits])),
    HostileCase(
      10, ["inodes", "400"], full, .without([.quota])),
    HostileCase(
      10, ["deep", "400"], full, .without([.quota])),
    HostileCase(
      11, ["flood", "1", "0"],
      .ends(.outputTooLarge).and("more is kept than allowed") {
        $0.report?.stdout.count == 64 << 10
      },
      .without([.watch], .ends(.passed))
    ).twinned(["flood", "1", "4000000"]),
    HostileCase(
      11, ["flood", "2", "0"], .ends(.outputTooLarge), .without([.watch], .ends(.passed))
    ).twinned(["flood", "2", "4000000"]),
    HostileCase(
      11, ["flood", "3", "0"], .ends(.outputTooLarge), .without([.watch], .ends(.passed))
    ).twinned(["flood", "3", "30000000"]).with { $0.reports = true },
    HostileCase(12, ["sparse", "1024"], .denied("EFBIG"), .without([.rlimits])),
    HostileCase(
      21, ["allocate", "8704"],
      .prints("ENOSPC", .failed(exit: 1)).but(on: .landlock, .ends(.workspaceFull)),
      .without([.quota])),
    HostileCase(21, ["allocate", "30720"], .denied("EFBIG"), .without([.quota, .rlimits])),
  ]

  private static let smallThings: [HostileCase] = [
    HostileCase(13, ["descriptors", "100"], .denied("EMFILE"), .without([.rlimits])),
    HostileCase(13, ["stash", "150"], .denied("ETOOMANYREFS"), .without([.rlimits])),
    HostileCase(16, ["core"], .denied("EPERM"), .without([.rlimits])),
    HostileCase(
      16, ["core-limit"], .prints("1", .passed),
      withoutTwin: "a pipe in core_pattern is the whole machine's, so that no test sets one"
    ),
    HostileCase(17, ["signals", "2000"], .denied("EAGAIN"), .without([.rlimits])),
    HostileCase(17, ["timers", "2000"], .denied("EAGAIN"), .without([.rlimits])),
    HostileCase(
      17, ["queue"], .denied("EPERM"),
      // Without a namespace of their own queues have the machine's names, other tests' too.
      .without([.seccomp], .denied("EMFILE").but(on: .landlock, .denied("EMFILE", "EACCES"))),
      .without([.seccomp, .rlimits, .landlock], .works.not(on: .landlock))),
    HostileCase(
      17, ["file-locks", "50000"],
      .ends(.outOfMemory).not(on: .withoutGroups, .userNamespace), .without([.groups])
    ).limited { $0.memoryBytes = 8 << 20 }
      .hole("the kernel counts file locks nowhere, so that only CPU time bounds their memory"),
    HostileCase(17, ["watches", "80"], .denied("EPERM"), .without([.seccomp, .rlimits])),
    HostileCase(18, ["lock", "1024"], .denied("ENOMEM"), .without([.rlimits])),
  ]
}
