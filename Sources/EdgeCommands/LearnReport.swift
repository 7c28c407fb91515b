internal import EdgeJob
internal import EdgeSandbox

/// What `sandbox learn` says, `edgecoder.learn/1`.
struct LearnReport {
  static let schema = "edgecoder.learn/1"

  let name: String
  let base: String
  let calls: LearnedCalls
  /// Empty where the new profile does for the command.
  let problems: [String]
  /// The file that was written.
  let path: String
  /// The base on the left, the new profile on the right.
  let differences: [PolicyDifference]

  var json: JSON {
    [
      "schema": .string(LearnReport.schema), "name": .string(name), "base": .string(base),
      "runs": .int(Int64(calls.runs)), "file": .string(path),
      "calls": .array(calls.granted.map(LearnReport.entry)),
      "notGranted": .array(calls.notGranted.map(LearnReport.entry)),
      "differences": .array(differences.map { DifferenceRow(difference: $0).json }),
      "replay": ["passed": .bool(problems.isEmpty), "problems": .texts(problems)],
    ]
  }

  private static func entry(_ entry: LearnedCalls.Entry) -> JSON {
    .members([
      ("call", .string(entry.name)),
      ("if", entry.condition.isEmpty ? nil : .string(entry.condition)),
      ("runs", .int(Int64(entry.runs))), ("count", .int(entry.count)),
      ("why", entry.why.map { .string($0) }),
    ])
  }

  /// For people.
  var lines: [String] {
    let changed = differences.filter { $0.kind == "call" }
    let fewer = changed.filter { $0.left?.hasPrefix("allow") == true && $0.right == nil }
    let more = changed.filter { $0.left == nil }
    let other = changed.filter { !fewer.contains($0) && !more.contains($0) }
    var lines = LearnReport.list("no longer allowed", fewer.map(\.name))
    lines += LearnReport.list("allowed besides", more.map(\.name))
    lines += other.map { "\($0.name): \($0.left ?? "-") -> \($0.right ?? "-")" }
    lines += differences.filter { $0.kind != "call" }.map {
      "\($0.kind) \($0.name): \($0.left ?? "-") -> \($0.right ?? "-")"
    }
    lines += calls.notGranted.map { entry in
      let condition = entry.condition.isEmpty ? "" : " (\(entry.condition))"
      return "wanted but not granted: \(entry.name)\(condition): \(entry.why ?? "")"
    }
    if problems.isEmpty {
      lines.append("replayed under \(name): no call was denied; wrote \(path)")
    }
    let runs = calls.runs == 1 ? "1 run" : "\(calls.runs) runs"
    return lines + ["learned from \(runs); paths that were not taken fail with EPERM"]
  }

  /// Names on as many lines as they need.
  private static func list(_ title: String, _ names: [String]) -> [String] {
    if names.isEmpty { return [] }
    var lines: [String] = ["\(title) (\(names.count)):"]
    for name in names {
      let last = lines[lines.count - 1]
      if last.count + name.count >= 98 {
        lines.append("  \(name)")
      } else {
        lines[lines.count - 1] = "\(last) \(name)"
      }
    }
    return lines
  }
}
