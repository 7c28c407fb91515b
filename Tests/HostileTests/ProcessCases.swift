import EdgeJob
import EdgeSandbox

/// 5.2: time, signals and the tree of processes.
extension HostileCase {
  static let processes = endings + signals + clocks

  private static let soon: @Sendable (inout Limits) -> Void = { $0.wallMilliseconds = 400 }

  private static func orphans(_ least: Int64) -> @Sendable (Observation) -> Bool {
    { ($0.report?.usage.orphans ?? -1) >= least }
  }

  private static let endings: [HostileCase] = [
    HostileCase(23, ["stubborn", "0"], .ends(.timedOut(.wall)), .without([.watch]))
      .limited(soon).twinned(["stubborn", "600"]),
    HostileCase(
      24, ["leave", "0"], .ends(.failed(exit: 7)).and("no orphan", orphans(1)),
      .outside(.prints("OK", .passed).and("nobody is left") { $0.survivors > 0 })),
    HostileCase(
      25, ["keep-writing", "20000"],
      .works.and("no orphan", orphans(1)).and("the file grows") { $0.growth == 0 },
      .outside(.works.and("nobody is left") { $0.survivors > 0 })),
    // Nobody is alive who could change a file while it is collected.
    HostileCase(
      89, ["keep-writing", "20000"], .works.and("the file grows") { $0.growth == 0 },
      .outside(.works.and("nobody is left") { $0.survivors > 0 })),
    HostileCase(26, ["stop", "0"], .ends(.timedOut(.wall)), .without([.watch]))
      .limited(soon).twinned(["stop", "600"]),
    HostileCase(
      28, ["comet", "100"], .works, .outside(.works.and("nobody is left") { $0.survivors > 0 })),
    HostileCase(
      29, ["leave", "0", "deathless"], .ends(.failed(exit: 7)).and("no orphan", orphans(1)),
      .outside(.prints("OK", .passed).and("nobody is left") { $0.survivors > 0 })),
    HostileCase(30, ["hang", "0"], .ends(.timedOut(.wall)), .without([.watch]))
      .limited(soon).twinned(["hang", "600"]),
    HostileCase(
      31, ["end", "137"], .ends(.failed(exit: 137)), withoutTwin: "a status is no attack"),
    HostileCase(
      31, ["end", "159"], .ends(.failed(exit: 159)), withoutTwin: "a status is no attack"),
    // The jail's own ways to end, before and instead of the program.
    HostileCase(
      31, ["end", "125"], .ends(.failed(exit: 125)), withoutTwin: "a status is no attack"),
    HostileCase(
      31, ["end", "126"], .ends(.failed(exit: 126)), withoutTwin: "a status is no attack"),
    HostileCase(31, ["raise", "24"], .ends(.signalled(24)), withoutTwin: "as above"),
    HostileCase(31, ["raise", "9"], .ends(.signalled(9)), withoutTwin: "as above"),
    HostileCase(31, ["raise", "31"], .ends(.signalled(31)), withoutTwin: "as above"),
    HostileCase(
      32, ["records"], .prints("none", .failed(exit: 1)),
      withoutTwin: "no descriptor that leads to the worker is inside, whatever is left open"),
  ]

  private static let alive: @Sendable (Observation) -> Bool = { $0.victimIsAlive == true }
  private static let dead: @Sendable (Observation) -> Bool = { $0.victimIsAlive == false }

  /// Without a process namespace it is seen, and Landlock stands before it.
  private static let unreachable = Expectation.denied("ESRCH").and("it died", alive)
    .but(on: .landlock, .denied("EPERM").and("it died", alive))

  private static let signals: [HostileCase] = [
    HostileCase(
      27, ["signal", "-1", "15"],
      // The kernel calls it a success to have met nobody who may be signalled.
      .denied("ESRCH").but(on: .landlock, .works),
      withoutTwin: "without the namespace it would end every process of the user"),
    // Init is of another domain of Landlock, and the kernel keeps it from signals of its own
    // namespace.
    HostileCase(
      27, ["signal", "1", "9"], .denied("EPERM"), .without([.landlock], .works.not(on: .landlock))),
    HostileCase(
      27, ["signal", "{worker}", "9"], .denied("ESRCH").but(on: .landlock, .denied("EPERM")),
      withoutTwin: "it would end the tests; the next one tries it on somebody else"),
    HostileCase(
      27, ["signal", "{victim}", "9"], unreachable,
      .outside(.works.and("it lives", dead))),
    HostileCase(
      74, ["other-ways", "{victim}", "9"], unreachable,
      .outside(.works.and("it lives", dead))),
    HostileCase(
      74, ["other-ways", "1", "9"], .denied("EPERM"),
      .without([.landlock], .works.not(on: .landlock))),
    HostileCase(
      74, ["own-for", "{victim}", "9"],
      // Landlock asks when the signal is sent, not before.
      .denied("ESRCH").and("it died", alive).but(on: .landlock, .works.and("it died", alive)),
      .outside(.works.and("it lives", dead))),
  ]

  private static let clocks: [HostileCase] = [
    HostileCase(
      33, ["call", "settimeofday"], .killed("settimeofday"),
      .without([.seccomp], .reachesTheKernel)),
    HostileCase(
      33, ["call", "clock_settime"], .killed("clock_settime"),
      .without([.seccomp], .reachesTheKernel)),
    HostileCase(33, ["correct-clock"], .denied("EPERM"), .without([.seccomp])),
    HostileCase(
      34, ["profile"], .ends(.signalled(27)), withoutTwin: "it meets nobody but the program"),
    HostileCase(
      34, ["alarms", "200"], .works, withoutTwin: "it meets nobody but the program"),
  ]
}
