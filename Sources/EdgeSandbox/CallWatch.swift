internal import CJailPlan

/// What is said of a call while it is learned: whether it is let through, where its arguments
/// satisfy the comparisons, and which bits of them a rule is made of.
struct CallWatch: Hashable, Sendable {
  let name: String
  let isGranted: Bool
  /// Masked comparisons, one for each argument at most.
  let arguments: [SyscallPolicy.Argument]
  /// Argument → the bits that are noted.
  let kept: [UInt32: UInt64]
  /// Why it is refused; empty where it is granted.
  let why: String

  static func grant(
    _ name: String, _ arguments: [SyscallPolicy.Argument] = [], keeping kept: [UInt32: UInt64] = [:]
  ) -> CallWatch {
    CallWatch(name: name, isGranted: true, arguments: arguments, kept: kept, why: "")
  }

  static func refuse(
    _ name: String, _ arguments: [SyscallPolicy.Argument] = [],
    keeping kept: [UInt32: UInt64] = [:], why: String
  ) -> CallWatch {
    CallWatch(name: name, isGranted: false, arguments: arguments, kept: kept, why: why)
  }

  /// The comparisons of a rule about a call as it was noted: what this entry compares, and all that
  /// it keeps.
  func rule(_ seen: [UInt64]) -> [SyscallPolicy.Argument] {
    (UInt32(0)..<6).compactMap { index in
      let condition = arguments.first { $0.index == index }
      let bits = kept[index] ?? 0
      let mask = bits | (condition?.value ?? 0)
      if mask == 0 { return nil }
      return SyscallPolicy.Argument(
        index: index, value: mask, second: seen[Int(index)] & bits | (condition?.second ?? 0),
        comparison: .masked)
    }
  }

  /// As the jail reads it; the call exists here.
  var entry: ec_watch {
    var entry = ec_watch()
    entry.number = SeccompFilter.number(of: name)
    entry.granted = isGranted ? 1 : 0
    func six(_ value: (UInt32) -> UInt64) -> (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) {
      (value(0), value(1), value(2), value(3), value(4), value(5))
    }
    entry.masks = six { index in arguments.first { $0.index == index }?.value ?? 0 }
    entry.values = six { index in arguments.first { $0.index == index }?.second ?? 0 }
    entry.kept = six { kept[$0] ?? 0 }
    return entry
  }
}

extension SyscallPolicy.Argument {
  /// A masked comparison.
  static func masked(_ index: UInt32, _ mask: UInt64, _ value: UInt64) -> SyscallPolicy.Argument {
    SyscallPolicy.Argument(index: index, value: mask, second: value, comparison: .masked)
  }

  /// A comparison of 32 bits.
  static func word(_ index: UInt32, _ value: UInt64) -> SyscallPolicy.Argument {
    masked(index, ArgumentWidths.word, value)
  }
}
