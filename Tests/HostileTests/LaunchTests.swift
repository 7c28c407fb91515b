import EdgeJob
import EdgeSandbox
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// Launches that are hostile themselves, and set-ups that fail.
@Suite(.enabled(if: HostileProgram.isAvailable, "needs a C compiler"))
struct LaunchTests {
  struct Seen {
    var report: RunReport?
    var failure: LaunchFailure?
    /// True where the program did what it is for.
    var ran = false
    var left: [String] = []
  }

  private func run(_ level: Level, _ change: (inout Launch) -> Void) throws -> Seen {
    var launch = Launch(
      profile: try Profiles.named("shell"), limits: .small,
      arguments: ["./hostile", "create", "ran"])
    change(&launch)
    return try Slots.lend(on: level) { try LaunchTests.start(launch, in: $0, as: $1) }
  }

  private static func start(_ launch: Launch, in sandbox: Sandbox, as user: UInt32) throws -> Seen {
    let workspace = try sandbox.makeWorkspace(limits: .small, profile: launch.profile)
    try workspace.directory.publish(
      "hostile", HostileProgram.bytes ?? [], mode: 0o755, durable: false)
    let mounts = Machine.mounts()
    var seen = Seen()
    do { seen.report = try sandbox.attempt(launch, in: workspace) } catch { seen.failure = error }
    seen.left = Machine.left(by: isRoot ? user..<user + 1 : nil)
    if Machine.mounts() != mounts { seen.left.append("mounts of the machine are others now") }
    seen.ran = workspace.directory.contains("ran")
    return seen
  }

  /// Each step of the set-up is made to fail; those that a level does not need are passed by.
  @Test(arguments: Level.here, Array(1...28 as ClosedRange<Int32>) + [34])
  func aFailedStepRunsNothing(level: Level, step: Int32) throws {
    let seen = try run(level) { $0.failingStage = step }
    if let failure = seen.failure {
      #expect(failure.errno == ECANCELED, "\(failure)")
      #expect(!failure.isAboutTask)
      #expect(!seen.ran)
    } else {
      #expect(seen.ran && seen.report?.verdict() == .passed)
    }
    #expect(seen.left.isEmpty, "\(seen.left)")
  }

  /// A twin of the table: with nothing made to fail, the program runs.
  @Test(arguments: Level.here) func nearlyEveryStepIsNeeded(level: Level) throws {
    var needed = 0
    for step in 1...28 as ClosedRange<Int32> {
      if try run(level, { $0.failingStage = step }).failure != nil { needed += 1 }
    }
    #expect(needed >= (level.isBare ? 12 : 24))
    #expect(try run(level) { _ in }.ran)
  }

  /// The kernel takes 128 KiB in one argument.
  @Test(arguments: Level.here) func aLongArgumentIsTheTasksMistake(level: Level) throws {
    let long = String(repeating: "x", count: 200 << 10)
    let seen = try run(level) { $0.arguments.append(long) }
    #expect(seen.failure?.stage == "exec" && seen.failure?.errno == E2BIG, "\(seen)")
    #expect(seen.failure?.isAboutTask == true)
    let variable = try run(level) { $0.environment = ["TASK_LONG": long] }
    #expect(variable.failure?.errno == E2BIG && variable.failure?.isAboutTask == true)
    let short = try run(level) { $0.arguments.append(String(long.prefix(100 << 10))) }
    #expect(short.ran)
  }

  /// More than a plan holds.
  @Test func manyArgumentsAreTheTasksMistake() async {
    await #expect(processExitsWith: .success) { try LaunchTests.launchWithManyArguments() }
  }

  private static func launchWithManyArguments() throws {
    let part = String(repeating: "x", count: 100 << 10)
    let seen = try LaunchTests().run(Level.here[0]) {
      $0.arguments += Array(repeating: part, count: 60)
    }
    #expect(seen.failure != nil && !seen.ran)
    #expect(seen.failure?.isAboutTask == true, "\(String(describing: seen.failure))")
  }

  static let loaderVariables = [
    "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "LD_DEBUG_OUTPUT", "GCONV_PATH", "LOCPATH",
    "MALLOC_TRACE", "BASH_ENV", "ENV", "NODE_OPTIONS", "PERL5LIB", "RUBYOPT", "JAVA_TOOL_OPTIONS",
    "PATH", "IFS", "TMPDIR", "GLIBC_TUNABLES",
  ]

  @Test(arguments: loaderVariables) func loaderVariablesAreRefused(name: String) throws {
    let seen = try run(Level.here[0]) { $0.environment = [name: "x"] }
    #expect(seen.failure?.stage == "environment" && seen.failure?.isAboutTask == true)
    #expect(!seen.ran)
  }

  /// The jail dies while a program runs that resists everything it can.
  @Test(.enabled(if: isRoot, "needs root")) func theTreeDiesWithTheJail() throws {
    var launch = Launch(
      profile: try Profiles.named("shell"), limits: .small,
      arguments: ["sh", "-c", "./hostile leave 0 deathless; exec ./hostile stubborn 0"])
    launch.limits.wallMilliseconds = 30_000
    try Slots.lend(on: Level.here[0]) { sandbox, user in
      let killer = Assassin(user: user)
      let seen = try LaunchTests.start(launch, in: sandbox, as: user)
      #expect(killer.join())
      #expect(seen.failure?.isAboutTask == false, "\(seen)")
      for _ in 0..<200 where !Machine.attackers(of: user).isEmpty { usleep(10_000) }
      #expect(Machine.attackers(of: user).isEmpty)
    }
  }
}

/// A thread that kills whoever started the processes of a user.
private final class Assassin {
  private var thread = pthread_t()
  private let target: Target

  private final class Target {
    let user: UInt32
    var isDone = false
    init(user: UInt32) { self.user = user }
  }

  init(user: UInt32) {
    target = Target(user: user)
    let answer = pthread_create(
      &thread, nil,
      { raw in
        if let raw { Assassin.run(Unmanaged<Target>.fromOpaque(raw).takeRetainedValue()) }
        return nil
      }, Unmanaged.passRetained(target).toOpaque())
    precondition(answer == 0, "a test may start a thread")
  }

  private static func run(_ target: Target) {
    for _ in 0..<1000 {
      usleep(10_000)
      let inside = Machine.attackers(of: target.user)
      guard inside.count >= 2 else { continue }
      // The jail outside is the parent of init, which is the parent of those that were adopted.
      for process in inside {
        var outer = Machine.parent(of: Machine.parent(of: process))
        // Of a process that the program itself has started that was init.
        if Machine.name(Machine.parent(of: outer)) == "edgecoder-jail" {
          outer = Machine.parent(of: outer)
        }
        guard outer > 1, outer != getpid(), Machine.name(outer) == "edgecoder-jail" else {
          continue
        }
        kill(outer, SIGKILL)
        target.isDone = true
        return
      }
    }
  }

  /// True where it has killed somebody.
  func join() -> Bool {
    pthread_join(thread, nil)
    return target.isDone
  }
}
