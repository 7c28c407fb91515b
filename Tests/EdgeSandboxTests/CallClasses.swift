import EdgeTestSupport

@testable import EdgeSandbox

/// Every number with arguments of every class that the rules of a policy tell apart.
struct CallClasses {
  let policy: ResolvedPolicy
  private static let productMax = 3000

  init(_ policy: SyscallPolicy) { self.policy = ResolvedPolicy(policy) }

  /// Numbers beyond the table, some of them of the x32 convention, and -1.
  private static let high: [UInt32] = [
    1023, 1024, 0x3FFF_FFFF, 0x4000_0000, 0x4000_0027, 0x4000_0208, 0x7FFF_FFFF, 0x8000_0000,
    0xFFFF_FFFE, 0xFFFF_FFFF,
  ]

  var calls: [SeccompCall] {
    (0...UInt32(SyscallTable.newest) + 20).flatMap { calls(of: $0) }
      + CallClasses.high.flatMap { calls(of: $0) }
  }

  private func calls(of number: UInt32) -> [SeccompCall] {
    var lists: [[UInt64]] = [0, .max, 1 << 32, 0xFFFF_FFFF].map { Array(repeating: $0, count: 6) }
    let compared = (policy.entries[Int32(bitPattern: number)] ?? []).flatMap(\.arguments)
    if !compared.isEmpty { lists += products(compared) }
    return lists.map {
      SeccompCall(number: number, architecture: ResolvedPolicy.architecture, arguments: $0)
    }
  }

  private func products(_ compared: [SyscallPolicy.Argument]) -> [[UInt64]] {
    let values = (0..<6).map { index in
      let own = compared.filter { $0.index == index }
      return own.isEmpty
        ? [0, 7] : Array(Set(own.flatMap(CallClasses.values) + [0, .max])).sorted()
    }
    let all = values.reduce(1) { min(1 << 40, $0 * $1.count) }
    if all > CallClasses.productMax {
      var random = SplitMix64(seed: 7)
      return (0..<CallClasses.productMax).map { _ in values.map { random.one(of: $0) } }
    }
    return values.reduce([[]]) { lists, next in
      lists.flatMap { list in next.map { list + [$0] } }
    }
  }

  /// Around a constant, and with rubbish in the high half.
  private static func values(_ argument: SyscallPolicy.Argument) -> [UInt64] {
    var seeds = [argument.value]
    if argument.comparison == .masked {
      let mask = argument.value
      seeds = [argument.second, argument.second | ~mask, argument.second ^ (mask & (~mask &+ 1))]
      if mask != 0 { seeds.append(argument.second ^ 1 << (63 - UInt64(mask.leadingZeroBitCount))) }
    }
    let near = seeds.flatMap { [$0, $0 &+ 1, $0 &- 1] }
    return near + near.map { $0 ^ 1 << 32 } + seeds.map { $0 | 0xFFFF_FFFF << 32 }
  }

  /// The calls for which a program does not do what the rules say, with both answers.
  func disagreements(_ program: SeccompProgram, reporting: Bool, atMost most: Int = 5) throws
    -> [String]
  {
    var found: [String] = []
    for call in calls where found.count < most {
      let wanted = policy.action(policy.decision(call), reporting: reporting)
      let got = try program.evaluate(call)
      if wanted != got {
        let arguments = call.arguments.map { String($0, radix: 16) }
        found.append("\(call.number) \(arguments): \(got), not \(String(describing: wanted))")
      }
    }
    return found
  }
}
