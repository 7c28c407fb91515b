internal import EdgeSystem

/// What must be true of the confined program before it is let go, and the comparison with what the
/// kernel says about it from inside.
struct Proof {
  /// False where the machine's process table is shown, in which the program has another number.
  var isVisible: Bool
  var user: UInt32
  var group: UInt32
  var hasFilter: Bool
  var hasNoNewPrivileges: Bool
  var hasNoCapabilities: Bool
  /// Mount points inside → true where read-only; nil where the mounts are not checked.
  var mounts: [String: Bool]?
  /// Mount points that may be there: device nodes that had to be bound.
  var optionalMounts: Set<String> = []
  /// The end of the path of each control group.
  var groups: [String]

  /// The first difference, in words; nil where everything is as planned.
  func difference(status: String, groups shown: String, mounts table: String) -> String? {
    if !isVisible { return nil }
    return differenceInStatus(status) ?? differenceInGroups(shown) ?? differenceInMounts(table)
  }

  private func differenceInStatus(_ text: String) -> String? {
    var fields: [Substring: [Substring]] = [:]
    for line in text.split(separator: "\n") {
      let parts = line.split { $0 == "\t" || $0 == " " }
      if let name = parts.first { fields[name] = Array(parts.dropFirst()) }
    }
    func expect(_ name: String, _ value: String) -> String? {
      let found = fields[name[...]]
      return found.map { $0.allSatisfy { $0 == value } && !$0.isEmpty } == true
        ? nil : "\(name) \(found?.joined(separator: " ") ?? "missing"), expected \(value)"
    }
    var problems: [String?] = [expect("Uid:", "\(user)"), expect("Gid:", "\(group)")]
    if hasFilter { problems.append(expect("Seccomp:", "2")) }
    if hasNoNewPrivileges { problems.append(expect("NoNewPrivs:", "1")) }
    if hasNoCapabilities {
      for name in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
        problems.append(expect(name, "0000000000000000"))
      }
    }
    return problems.compactMap(\.self).first
  }

  private func differenceInGroups(_ text: String) -> String? {
    let lines = text.split(separator: "\n")
    for name in groups where lines.filter({ $0.hasSuffix("/" + name) }).isEmpty {
      return "control group \(name) missing"
    }
    return nil
  }

  /// Exactly the planned mounts, and each read-only one is.
  private func differenceInMounts(_ text: String) -> String? {
    guard let mounts else { return nil }
    var seen: Set<String> = []
    for line in text.split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard fields.count > 6 else { return "mount line \(line)" }
      let point = String(fields[4])
      if optionalMounts.contains(point) { continue }
      // A directory of the machine brings the mounts below it, all of them read-only.
      let isBelow = mounts.contains { $0.value && $0.key != "/" && point.hasPrefix($0.key + "/") }
      guard let mustBeReadOnly = mounts[point] ?? (isBelow ? true : nil) else {
        return "mount \(point) is not planned"
      }
      if mustBeReadOnly, !fields[5].split(separator: ",").contains("ro") {
        return "mount \(point) is writable"
      }
      seen.insert(point)
    }
    return mounts.keys.sorted().first { !seen.contains($0) }.map { "mount \($0) is missing" }
  }
}
