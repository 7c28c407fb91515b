/// A system call as a filter sees it, struct seccomp_data.
package struct SeccompCall: Hashable, Sendable {
  /// In the convention of `architecture`.
  package var number: UInt32
  /// AUDIT_ARCH_* of its convention.
  package var architecture: UInt32
  /// Where the program is.
  package var instructionPointer: UInt64
  /// Exactly six.
  package var arguments: [UInt64]

  package init(
    number: UInt32, architecture: UInt32, instructionPointer: UInt64 = 0, arguments: [UInt64]
  ) {
    precondition(arguments.count == 6, "a system call has six arguments")
    self.number = number
    self.architecture = architecture
    self.instructionPointer = instructionPointer
    self.arguments = arguments
  }

  /// The word at an offset of struct seccomp_data, in the order of a little-endian machine.
  func word(at offset: UInt32) -> UInt32? {
    func half(_ value: UInt64, _ isHigh: Bool) -> UInt32 {
      UInt32(truncatingIfNeeded: isHigh ? value >> 32 : value)
    }
    switch offset {
    case 0: return number
    case 4: return architecture
    case 8, 12: return half(instructionPointer, offset == 12)
    case 16..<64 where offset % 4 == 0:
      return half(arguments[Int(offset - 16) / 8], offset % 8 == 4)
    default: return nil
    }
  }
}

/// Classic BPF as seccomp(2) takes it, evaluated without the kernel. Total: whatever the bytes are,
/// it ends with an action or an error.
package struct SeccompProgram: Sendable {
  /// Why bytes are no program, or a program gives no action.
  package struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The index of the instruction.
    package let at: Int
    package let problem: String

    package var description: String { "instruction \(at): \(problem)" }
  }

  struct Instruction: Hashable, Sendable {
    var code: UInt16
    var yes: UInt8
    var no: UInt8
    var k: UInt32
  }

  let instructions: [Instruction]

  /// What the kernel takes at most, BPF_MAXINSNS.
  package static let instructionsMax = 4096

  /// - Parameter bytes: instructions of 8 bytes, struct sock_filter.
  /// - Throws: where the kernel would refuse them: an unknown instruction, a jump out of the
  ///   program, an offset outside the call, an end without an action.
  package init(_ bytes: [UInt8]) throws(Failure) {
    guard bytes.count % 8 == 0, (8...SeccompProgram.instructionsMax * 8).contains(bytes.count)
    else { throw Failure(at: 0, problem: "\(bytes.count) bytes are no program") }
    instructions = stride(from: 0, to: bytes.count, by: 8).map { start in
      func number(_ offsets: Range<Int>) -> UInt32 {
        offsets.reversed().reduce(0) { $0 << 8 | UInt32(bytes[start + $1]) }
      }
      return Instruction(
        code: UInt16(number(0..<2)), yes: bytes[start + 2], no: bytes[start + 3], k: number(4..<8))
    }
    for (index, instruction) in instructions.enumerated() {
      if let problem = problem(of: instruction, at: index) {
        throw Failure(at: index, problem: problem)
      }
    }
    guard let last = instructions.last, last.code & 7 == 6 else {
      throw Failure(at: instructions.count - 1, problem: "the end is no action")
    }
  }

  private func problem(of instruction: Instruction, at index: Int) -> String? {
    let left = instructions.count - index - 1
    let k = instruction.k
    switch instruction.code {
    case 0x20: return k % 4 == 0 && k < 64 ? nil : "an offset outside the call"
    case 0x00, 0x01, 0x80, 0x81, 0x06, 0x16, 0x07, 0x87: return nil
    case 0x60, 0x61, 0x02, 0x03: return k < 16 ? nil : "a memory word that does not exist"
    case 0x34: return k != 0 ? nil : "a division by zero"
    case 0x64, 0x74: return k < 32 ? nil : "a shift by all bits"
    case 0x04, 0x0C, 0x14, 0x1C, 0x24, 0x2C, 0x3C, 0x44: return nil
    case 0x4C, 0x54, 0x5C, 0x6C, 0x7C, 0x84, 0xA4, 0xAC: return nil
    case 0x05: return k < left ? nil : "a jump out of the program"
    case 0x15, 0x1D, 0x25, 0x2D, 0x35, 0x3D, 0x45, 0x4D:
      return max(Int(instruction.yes), Int(instruction.no)) < left
        ? nil : "a jump out of the program"
    default: return "unknown code 0x\(String(instruction.code, radix: 16))"
    }
  }
}

extension SeccompProgram {
  private struct Machine {
    var a: UInt32 = 0
    var x: UInt32 = 0
    var memory: [UInt32?] = Array(repeating: nil, count: 16)
  }

  /// What the program says of a call.
  /// - Throws: where it reads memory that it never wrote, which the kernel would have refused.
  package func evaluate(_ call: SeccompCall) throws(Failure) -> SeccompAction {
    var machine = Machine()
    var index = 0
    // Jumps only lead forward, so each instruction is met once at most.
    while index < instructions.count {
      let instruction = instructions[index]
      let k = instruction.k
      switch instruction.code & 7 {
      case 6: return SeccompAction(raw: instruction.code == 0x16 ? machine.a : k)
      case 5:
        index += jump(instruction, machine)
      case 4:
        let operand = instruction.code & 8 == 0 ? k : machine.x
        guard let result = compute(instruction.code & 0xF0, machine.a, operand) else {
          return .killThread
        }
        machine.a = result
      case 2: machine.memory[Int(k)] = machine.a
      case 3: machine.memory[Int(k)] = machine.x
      case 7: if instruction.code == 0x07 { machine.x = machine.a } else { machine.a = machine.x }
      default: try load(instruction, call, &machine, at: index)
      }
      index += 1
    }
    throw Failure(at: index, problem: "the end is no action")
  }

  private func jump(_ instruction: Instruction, _ machine: Machine) -> Int {
    if instruction.code == 0x05 { return Int(instruction.k) }
    let operand = instruction.code & 8 == 0 ? instruction.k : machine.x
    let isTrue =
      switch instruction.code & 0xF0 {
      case 0x10: machine.a == operand
      case 0x20: machine.a > operand
      case 0x30: machine.a >= operand
      default: machine.a & operand != 0
      }
    return Int(isTrue ? instruction.yes : instruction.no)
  }

  /// Nil where a register that divides is zero: then the kernel ends the program with 0.
  private func compute(_ operation: UInt16, _ a: UInt32, _ b: UInt32) -> UInt32? {
    switch operation {
    case 0x00: a &+ b
    case 0x10: a &- b
    case 0x20: a &* b
    case 0x30: b == 0 ? nil : a / b
    case 0x40: a | b
    case 0x50: a & b
    case 0x60: a &<< b
    case 0x70: a &>> b
    case 0x80: 0 &- a
    default: a ^ b
    }
  }

  private func load(
    _ instruction: Instruction, _ call: SeccompCall, _ machine: inout Machine, at index: Int
  ) throws(Failure) {
    var value: UInt32?
    switch instruction.code & 0xE0 {
    case 0x20: value = call.word(at: instruction.k)
    case 0x60: value = machine.memory[Int(instruction.k & 15)]
    case 0x80: value = 64
    default: value = instruction.k
    }
    guard let value else { throw Failure(at: index, problem: "a word that was never written") }
    if instruction.code & 7 == 0 { machine.a = value } else { machine.x = value }
  }
}
