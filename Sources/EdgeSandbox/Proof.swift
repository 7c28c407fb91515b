internal import EdgeSystem

/// What must be true of the confined program before it is let go, and the comparison with what the
/// kernel says about it from inside.
struct Proof {
  var user: UInt32
  var group: UInt32
  /// How many filters hold; nil where none is planned.
  var filters: Int?
  var hasNoCapabilities: Bool
  /// True where the bounding set stays: an ordinary user has no power over it, and none from it.
  var hasBoundingSet = false
  /// Mount points inside → true where read-only; nil where the mounts are not checked.
  var mounts: [String: Bool]?
  /// Mount points that may be there: device nodes that had to be bound.
  var optionalMounts: Set<String> = []
  /// On which it is; none = not checked.
  var processors: [Int] = []
  /// True where control groups hold: seen from inside, each is the top.
  var hasGroups: Bool

  typealias Bytes = ArraySlice<UInt8>

  /// The first difference, in words; nil where everything is as planned.
  func difference(_ shown: Records.Shown) -> String? {
    differenceInStatus(shown.status) ?? differenceInGroups(shown.groups)
      ?? differenceInMounts(shown.mounts)
  }

  private func differenceInStatus(_ text: Bytes) -> String? {
    var expected: [(name: String, value: String)] = [
      ("Uid:", "\(user)"), ("Gid:", "\(group)"), ("NoNewPrivs:", "1"),
    ]
    if let filters {
      expected.append(("Seccomp:", "2"))
      // Linux 5.9 counts them.
      expected.append(("Seccomp_filters:", "\(filters)"))
    }
    if hasNoCapabilities {
      for name in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"]
      where !(hasBoundingSet && name == "CapBnd:") {
        expected.append((name, "0000000000000000"))
      }
    }
    if !processors.isEmpty { expected.append(("Cpus_allowed_list:", Proof.ranges(processors))) }
    // One pass: this stands between the program and its start.
    let letters = Set("UGNSC".utf8)
    for line in text.split(separator: 0x0A) where letters.contains(line.first ?? 0) {
      let place = expected.firstIndex { line.starts(with: $0.name.utf8) }
      guard let place else { continue }
      let (name, value) = expected.remove(at: place)
      let words = line.dropFirst(name.utf8.count).split { $0 == 0x09 || $0 == 0x20 }
      if words.isEmpty || !words.allSatisfy({ $0.elementsEqual(value.utf8) }) {
        let shown = words.map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")
        return "\(name) \(shown), expected \(value)"
      }
    }
    let missing = expected.first { $0.name != "Seccomp_filters:" }
    return missing.map { "\($0.name) missing, expected \($0.value)" }
  }

  /// As the kernel writes numbers: 0-2,5.
  static func ranges(_ numbers: [Int]) -> String {
    var parts: [ClosedRange<Int>] = []
    for number in numbers.sorted() {
      if let last = parts.last, last.upperBound + 1 == number {
        parts[parts.count - 1] = last.lowerBound...number
      } else {
        parts.append(number...number)
      }
    }
    return parts.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
      .joined(separator: ",")
  }

  private func differenceInGroups(_ text: Bytes) -> String? {
    guard hasGroups else { return nil }
    for line in text.split(separator: 0x0A) where !line.suffix(2).elementsEqual(":/".utf8) {
      return "control group \(String(decoding: line, as: UTF8.self))"
    }
    return nil
  }

  /// Exactly the planned mounts, and each read-only one is.
  private func differenceInMounts(_ text: Bytes) -> String? {
    guard let mounts else { return nil }
    var seen: Set<String> = []
    for line in text.split(separator: 0x0A) {
      let fields = line.split(separator: 0x20, maxSplits: 6)
      guard fields.count > 6 else { return "mount line \(String(decoding: line, as: UTF8.self))" }
      let point = String(decoding: fields[4], as: UTF8.self)
      if optionalMounts.contains(point) { continue }
      // A directory of the machine brings the mounts below it, all of them read-only.
      var mustBeReadOnly = mounts[point]
      if mustBeReadOnly == nil,
        mounts.contains(where: { $0.value && $0.key != "/" && point.hasPrefix($0.key + "/") })
      {
        mustBeReadOnly = true
      }
      guard let mustBeReadOnly else { return "mount \(point) is not planned" }
      if mustBeReadOnly, !fields[5].split(separator: 0x2C).contains([0x72, 0x6F]) {
        return "mount \(point) is writable"
      }
      seen.insert(point)
    }
    return mounts.keys.sorted().first { !seen.contains($0) }.map { "mount \($0) is missing" }
  }
}
