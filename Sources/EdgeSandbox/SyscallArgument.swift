extension SyscallPolicy {
  /// One comparison; a call has to satisfy all those of its rule.
  struct Argument: Hashable, Sendable {
    /// 0 to 5.
    var index: UInt32
    /// The value, or the mask of a masked comparison.
    var value: UInt64
    /// What the masked argument has to be, for `masked`.
    var second: UInt64
    var comparison: Comparison

    /// True where this value of the argument satisfies it. A comparison of 32 bits does not see
    /// the high half, since the kernel does not.
    func holds(_ argument: UInt64, isWord: Bool) -> Bool {
      let seen = isWord ? argument & ArgumentWidths.word : argument
      return switch comparison {
      case .notEqual: seen != value
      case .less: seen < value
      case .lessOrEqual: seen <= value
      case .equal: seen == value
      case .greaterOrEqual: seen >= value
      case .greater: seen > value
      case .masked: seen & value == second
      }
    }
  }

  /// How an argument is compared; the raw value is its name in the OCI runtime specification.
  enum Comparison: String, Hashable, Sendable {
    case notEqual = "SCMP_CMP_NE"
    case less = "SCMP_CMP_LT"
    case lessOrEqual = "SCMP_CMP_LE"
    case equal = "SCMP_CMP_EQ"
    case greaterOrEqual = "SCMP_CMP_GE"
    case greater = "SCMP_CMP_GT"
    case masked = "SCMP_CMP_MASKED_EQ"

    var sign: String {
      switch self {
      case .notEqual: "!="
      case .less: "<"
      case .lessOrEqual: "<="
      case .equal: "=="
      case .greaterOrEqual: ">="
      case .greater: ">"
      case .masked: "&"
      }
    }
  }
}

extension SyscallPolicy.Argument {
  /// The same as masked comparisons of which one has to hold, of 32 bit where the kernel takes the
  /// argument so; nil = always true, empty = never.
  ///
  /// Orderings of 64 bits are taken apart as well: libseccomp joins several of one call wrongly,
  /// so that more is allowed than any of them says.
  func alternatives(isWord: Bool) -> [SyscallPolicy.Argument]? {
    if comparison == .masked {
      let mask = isWord ? value & ArgumentWidths.word : value
      if second & ~mask != 0 { return [] }
      return mask == 0 ? nil : [masked(mask, second)]
    }
    let top = isWord ? ArgumentWidths.word : .max
    var ranges: [ClosedRange<UInt64>] = []
    switch comparison {
    case .equal: if value <= top { ranges = [value...value] }
    case .less: if value > 0 { ranges = [0...min(value - 1, top)] }
    case .lessOrEqual: ranges = [0...min(value, top)]
    case .greater: if value < top { ranges = [value + 1...top] }
    case .greaterOrEqual: if value <= top { ranges = [value...top] }
    case .notEqual:
      if value > top { return nil }
      if value > 0 { ranges.append(0...value - 1) }
      if value < top { ranges.append(value + 1...top) }
    case .masked: break
    }
    if ranges == [0...top] { return nil }
    return ranges.flatMap { blocks($0, top: top) }
  }

  /// A range of values, never all of them, as blocks that share their leading bits.
  private func blocks(_ range: ClosedRange<UInt64>, top: UInt64) -> [SyscallPolicy.Argument] {
    var found: [SyscallPolicy.Argument] = []
    var low = range.lowerBound
    while true {
      var size: UInt64 = 1
      while size < 1 << 63, low & (size * 2 - 1) == 0, low + (size * 2 - 1) <= range.upperBound {
        size *= 2
      }
      found.append(masked(top & ~(size - 1), low))
      if range.upperBound - low < size { return found }
      low += size
    }
  }

  private func masked(_ mask: UInt64, _ value: UInt64) -> SyscallPolicy.Argument {
    SyscallPolicy.Argument(index: index, value: mask, second: value, comparison: .masked)
  }

  /// True where no value satisfies both of two masked comparisons.
  func excludes(_ other: SyscallPolicy.Argument) -> Bool {
    precondition(comparison == .masked && other.comparison == .masked, "alternatives are masked")
    return index == other.index && (second ^ other.second) & value & other.value != 0
  }

  /// For people, such as `a0 & 0xf000 == 0x1000`.
  var text: String {
    let left = "a\(index) \(comparison.sign) \(SyscallPolicy.number(value))"
    return comparison == .masked ? "\(left) == \(SyscallPolicy.number(second))" : left
  }
}

extension SyscallPolicy {
  /// Small numbers in decimal, others in hexadecimal.
  static func number(_ value: UInt64) -> String {
    value < 1024 ? String(value) : "0x" + String(value, radix: 16)
  }
}
