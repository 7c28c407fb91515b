import EdgeJob
import EdgeSandbox
import Testing

@testable import EdgeSandbox

/// Calls of the launch itself are let through from the jail's code alone, and never for a program.
struct StageFiltersTests {
  /// Where the jail's code lies, EC_CODE_HIGH and EC_CODE_LENGTH.
  private static let code: ClosedRange<UInt64> = 0x100_0000_0000...0x100_000F_FFFF
  private static let launch = ["mount", "clone", "keyctl", "seccomp", "setresuid", "move_mount"]

  private func filters(_ name: String) throws -> (first: SeccompProgram, second: SeccompProgram) {
    let policy = try Policies.named(name)
    let both = StageFilters(
      try SeccompFilter.make(policy, reporting: true, cache: nil), allowing: policy.always)
    return (try SeccompProgram(both.first), try SeccompProgram(both.second))
  }

  private func call(_ name: String, from place: UInt64) throws -> SeccompCall {
    let number = try #require(SyscallTable.number(of: name))
    #if arch(x86_64)
      let architecture: UInt32 = 0xC000_003E
    #else
      let architecture: UInt32 = 0xC000_00B7
    #endif
    // Arguments that no rule of a profile allows.
    return SeccompCall(
      number: UInt32(number), architecture: architecture, instructionPointer: place,
      arguments: Array(repeating: 0x7E00_0000, count: 6))
  }

  @Test(arguments: Policies.ours.filter { $0 != "inspect" }) func onlyFromItsCode(name: String)
    throws
  {
    let filters = try filters(name)
    for word in StageFiltersTests.launch {
      for place in [Self.code.lowerBound, Self.code.lowerBound + 0x940, Self.code.upperBound] {
        let inside = try call(word, from: place)
        #expect(try filters.first.evaluate(inside) == .allow, "\(word)")
        // The kernel takes the stricter of the two.
        #expect(try filters.second.evaluate(inside) == .error(1), "\(word)")
      }
      let places = [
        0, 0x40_0940, Self.code.lowerBound - 1, Self.code.upperBound + 1, 0x100_0000_0940 << 8,
        0x7FFF_0000_0940,
      ]
      for place in places {
        let outside = try call(word, from: place)
        #expect(try filters.first.evaluate(outside) == .notify, "\(word) from \(place)")
        #expect(try filters.second.evaluate(outside) == .allow, "\(word) from \(place)")
      }
    }
  }

  /// What a profile allows is answered without a look at the address, so that the kernel keeps the
  /// answer in its table; what it denies and the launch does not need is denied from there, too.
  @Test func otherCallsAreAsInTheProfile() throws {
    let filters = try filters("python")
    for place in [0x40_0940, Self.code.lowerBound] {
      #expect(try filters.first.evaluate(try call("close", from: place)) == .allow)
      #expect(try filters.second.evaluate(try call("close", from: place)) == .allow)
      for word in ["ptrace", "bpf", "unshare", "io_uring_setup", "fsopen"] {
        #expect(try filters.first.evaluate(try call(word, from: place)) == .notify, "\(word)")
      }
    }
  }
}

/// The same with the kernel: a program puts code of its own where the jail's was.
@Suite(.enabled(if: isRoot && Probe.isAvailable, "needs root and a C compiler"))
struct CodeGateTests {
  #if arch(x86_64)
    @Test func theGateIsClosedForPrograms() throws {
      let report = try Box().run(["./probe", "gate", "10000000000"])
      #expect(report.out == "EPERM")
      #expect(report.verdict() == .passed)
      // From anywhere else it is a call like any other.
      let elsewhere = try Box().run(["./probe", "gate", "20000000000"])
      #expect(elsewhere.verdict() == .violation(syscall: "keyctl"))
    }

    @Test func withoutTheFiltersItIsOpen() throws {
      #expect(try Box(without: [.seccomp]).probe("gate", "10000000000") == "OK")
    }
  #endif
}
