import EdgeTestSupport
import Testing

@testable import EdgeSandbox

/// The interpreter of classic BPF.
struct SeccompProgramTests {
  private func bytes(_ instructions: [(UInt16, UInt8, UInt8, UInt32)]) -> [UInt8] {
    instructions.flatMap { code, yes, no, k in
      withUnsafeBytes(of: code.littleEndian) { Array($0) } + [yes, no]
        + withUnsafeBytes(of: k.littleEndian) { Array($0) }
    }
  }

  private let call = SeccompCall(
    number: 41, architecture: 0xC000_003E, instructionPointer: 0x1122_3344_5566_7788,
    arguments: [0x8000_0000_0000_0001, 2, 3, 4, 5, 0xFFFF_FFFF_0000_0000])

  /// The accumulator, returned as an action's 16 bits in two halves.
  private func value(_ instructions: [(UInt16, UInt8, UInt8, UInt32)]) throws -> UInt32 {
    var halves: [UInt32] = []
    for shift in [UInt32(0), 16] {
      let program = try SeccompProgram(
        bytes(
          instructions + [
            (0x74, 0, 0, shift), (0x54, 0, 0, 0xFFFF), (0x44, 0, 0, 0x7FF0_0000), (0x16, 0, 0, 0),
          ]))
      guard case .trace(let half) = try program.evaluate(call) else { return 0 }
      halves.append(UInt32(half))
    }
    return halves[1] << 16 | halves[0]
  }

  @Test func theCallIsLittleEndian() throws {
    let words: [(UInt32, UInt32)] = [
      (0, 41), (4, 0xC000_003E), (8, 0x5566_7788), (12, 0x1122_3344), (16, 1), (20, 0x8000_0000),
      (24, 2), (56, 0), (60, 0xFFFF_FFFF),
    ]
    for (offset, word) in words { #expect(try value([(0x20, 0, 0, offset)]) == word) }
  }

  @Test func arithmetic() throws {
    let start: (UInt16, UInt8, UInt8, UInt32) = (0x00, 0, 0, 0xF000_0003)
    let cases: [(UInt16, UInt32, UInt32)] = [
      (0x04, 0x1000_0000, 3), (0x14, 4, 0xEFFF_FFFF), (0x24, 16, 48), (0x34, 3, 0x5000_0001),
      (0x44, 4, 0xF000_0007), (0x54, 2, 2), (0x64, 4, 48), (0x74, 28, 15), (0x84, 0, 0x0FFF_FFFD),
      (0xA4, 1, 0xF000_0002),
    ]
    for (code, operand, result) in cases {
      #expect(try value([start, (code, 0, 0, operand)]) == result, "\(code)")
      if code != 0x84 {
        #expect(try value([(0x01, 0, 0, operand), start, (code | 8, 0, 0, 0)]) == result)
      }
    }
  }

  @Test func registersMemoryAndJumps() throws {
    #expect(try value([(0x00, 0, 0, 7), (0x02, 0, 0, 3), (0x00, 0, 0, 0), (0x60, 0, 0, 3)]) == 7)
    #expect(try value([(0x00, 0, 0, 9), (0x07, 0, 0, 0), (0x00, 0, 0, 1), (0x87, 0, 0, 0)]) == 9)
    #expect(try value([(0x80, 0, 0, 0)]) == 64)
    for (code, operand, isTrue) in [
      (0x15, 5, true), (0x15, 4, false), (0x25, 4, true), (0x25, 5, false), (0x35, 5, true),
      (0x35, 6, false), (0x45, 4, true), (0x45, 2, false),
    ] as [(UInt16, UInt32, Bool)] {
      let taken = try value([
        (0x00, 0, 0, 5), (code, 1, 0, operand), (0x00, 0, 0, 0), (0x04, 0, 0, 0),
      ])
      #expect(taken == (isTrue ? 5 : 0), "\(code) \(operand)")
    }
    #expect(try value([(0x00, 0, 0, 8), (0x05, 0, 0, 1), (0x00, 0, 0, 0), (0x04, 0, 0, 0)]) == 8)
  }

  @Test func aDivisionByARegisterOfZeroEndsIt() throws {
    let program = try SeccompProgram(
      bytes([(0x01, 0, 0, 0), (0x3C, 0, 0, 0), (0x06, 0, 0, 0x7FFF_0000)]))
    #expect(try program.evaluate(call) == .killThread)
  }

  @Test(
    arguments: [
      (0x7FFF_0000, .allow), (0x7FFC_0000, .log), (0x7FC0_0000, .notify), (0x0005_0026, .error(38)),
      (0x0005_FFFF, .error(4095)), (0x0003_0000, .trap), (0, .killThread),
      (0x8000_0000, .killProcess), (0x1234_0000, .killProcess),
    ] as [(UInt32, SeccompAction)])
  func actions(_ raw: UInt32, _ action: SeccompAction) {
    #expect(SeccompAction(raw: raw) == action)
  }

  @Test func whatTheKernelRefusesIsRefused() {
    let allow: (UInt16, UInt8, UInt8, UInt32) = (0x06, 0, 0, 0x7FFF_0000)
    let bad: [[(UInt16, UInt8, UInt8, UInt32)]] = [
      [(0x20, 0, 0, 64), allow], [(0x20, 0, 0, 2), allow], [(0x15, 1, 0, 0), allow],
      [(0x15, 0, 9, 0), allow], [(0x05, 0, 0, 1), allow], [(0x05, 0, 0, .max), allow],
      [(0x02, 0, 0, 16), allow], [(0x34, 0, 0, 0), allow], [(0x64, 0, 0, 32), allow],
      [(0x28, 0, 0, 0), allow], [(0x94, 0, 0, 3), allow], [allow, (0x00, 0, 0, 1)],
    ]
    for program in bad {
      #expect(throws: SeccompProgram.Failure.self) { try SeccompProgram(bytes(program)) }
    }
    #expect(throws: SeccompProgram.Failure.self) { try SeccompProgram([]) }
    #expect(throws: SeccompProgram.Failure.self) { try SeccompProgram([6, 0, 0, 0]) }
    let long = Array(repeating: allow, count: SeccompProgram.instructionsMax + 1)
    #expect(throws: SeccompProgram.Failure.self) { try SeccompProgram(bytes(long)) }
    #expect(throws: SeccompProgram.Failure.self) {
      try SeccompProgram(bytes([(0x60, 0, 0, 1), allow])).evaluate(call)
    }
  }

  /// Whatever the bytes are, it ends.
  @Test(arguments: Seed.some(8)) func arbitraryBytes(seed: Seed) {
    var random = SplitMix64(seed)
    let codes: [UInt8] = [
      0x20, 0x00, 0x01, 0x80, 0x81, 0x06, 0x16, 0x07, 0x87, 0x60, 0x61, 0x02, 0x03, 0x04, 0x0C,
      0x34, 0x3C, 0x64, 0x6C, 0x74, 0x84, 0x05, 0x15, 0x1D, 0x25, 0x35, 0x45, 0xFF,
    ]
    var evaluated = 0
    for _ in 0..<4000 {
      var bytes = random.bytes(8 * random.number(1...12))
      for start in stride(from: 0, to: bytes.count, by: 8) where !random.once(in: 40) {
        (bytes[start], bytes[start + 1]) = (random.one(of: codes), 0)
        bytes[start + 2] %= 3
        bytes[start + 3] %= 3
        if !random.once(in: 4) {
          (bytes[start + 4], bytes[start + 5]) = (bytes[start + 4] % 64 & 0xFC, 0)
          (bytes[start + 6], bytes[start + 7]) = (0, 0)
        }
      }
      if !random.once(in: 4) { bytes[bytes.count - 8] = 0x06 }
      guard let program = try? SeccompProgram(bytes) else { continue }
      evaluated += 1
      _ = try? program.evaluate(call)
    }
    #expect(evaluated > 50, "\(evaluated)")
  }
}
