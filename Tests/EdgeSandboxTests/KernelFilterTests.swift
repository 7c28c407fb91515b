import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

@testable import EdgeSandbox

/// The kernel that runs here against our interpreter and the meaning of the rules.
@Suite(.enabled(if: FilterProbe.isAvailable, "needs a C compiler"))
struct KernelFilterTests {
  private func instructions(_ name: String, reporting: Bool = false) throws -> [UInt8] {
    try SeccompFilter.make(try Policies.named(name), reporting: reporting, cache: nil)
      .instructions
  }

  private static let unasked = SyscallNumbers.unasked.compactMap { SyscallTable.number(of: $0) }

  /// The calls of which the kernel says something else than the interpreter and the rules.
  private func disagreements(
    _ policy: SyscallPolicy, _ program: [UInt8], against other: [UInt8], reporting: Bool
  ) throws -> [String] {
    let classes = CallClasses(policy)
    let calls = classes.calls.filter { !Self.unasked.contains(Int32(bitPattern: $0.number)) }
    let answers = try FilterProbe.answers(FilterProbe.translated(program), calls, isOpen: true)
    let ours = try SeccompProgram(other)
    var found: [String] = []
    for (call, answer) in zip(calls, answers) {
      let evaluated = try ours.evaluate(call)
      let meant = classes.policy.action(classes.policy.decision(call), reporting: reporting)
      if answer != -FilterProbe.code(evaluated) || meant != evaluated {
        found.append("\(call.number) \(call.arguments): \(answer), \(evaluated)")
      }
    }
    return found
  }

  @Test(arguments: Policies.ours + ["loopback"], [false, true])
  func theKernelAgrees(_ name: String, _ reporting: Bool) throws {
    try compare(name, reporting)
  }

  @Test(.sharedData("seccomp"), arguments: Policies.documents, [false, true])
  func theKernelAgreesOnOthers(_ name: String, _ reporting: Bool) throws {
    try compare(name, reporting)
  }

  private func compare(_ name: String, _ reporting: Bool) throws {
    let policy = try Policies.named(name)
    let program = try instructions(name, reporting: reporting)
    let found = try disagreements(policy, program, against: program, reporting: reporting)
    #expect(found.isEmpty, "\(found.count): \(found.prefix(5))")
  }

  /// One wrong instruction in what the kernel got, and the comparison finds it.
  @Test func aWrongProgramIsFound() throws {
    let policy = try Policies.named("shell")
    let good = try instructions("shell")
    // Not those that kill (0x80 in front): one of them waits for another architecture.
    let returns = stride(from: 48, to: good.count, by: 8).filter {
      good[$0] == 0x06 && good[$0 + 7] != 0x80
    }
    #expect(returns.count > 2)
    for start in returns {
      var bad = good
      // allow becomes log, EPERM another error.
      bad[start + 6] ^= 3
      bad[start + 4] ^= 3
      let found = try disagreements(policy, bad, against: good, reporting: false)
      #expect(!found.isEmpty, "instruction \(start / 8)")
    }
  }

  /// The program as it is, with calls that do no harm wherever they get through.
  @Test func withoutTranslation() throws {
    try run("shell", [0, -1, -38, -38, -1, -1, 0])
  }

  @Test(.sharedData("seccomp")) func withoutTranslationOfOthers() throws {
    try run("docker-default", [0, 0, -22, -38, 0, -1, 0])
  }

  private func run(_ name: String, _ wanted: [Int64]) throws {
    func call(_ name: String, _ arguments: UInt64...) throws -> SeccompCall {
      SeccompCall(
        number: UInt32(try #require(SyscallTable.number(of: name))),
        architecture: ResolvedPolicy.architecture,
        arguments: Array((arguments + Array(repeating: 0, count: 6)).prefix(6)))
    }
    var newer = try call("getpid")
    newer.number = UInt32(SyscallTable.newest) + 1
    let calls = [
      try call("getpid"), try call("socket", 2, 1), try call("mseal", 1), newer,
      try call("personality", 8), try call("socket", 38 | 1 << 32, 5), try call("sched_yield"),
    ]
    let answers = try FilterProbe.answers(try instructions(name), calls, isOpen: false)
    // A process id and a descriptor are some number above 0.
    #expect(answers.map { min($0, 0) } == wanted, "\(answers)")
  }
}
