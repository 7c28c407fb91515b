/// Differences between two texts in the unified format with git's headers, so that `git apply` and
/// `patch -p1` take them.
enum UnifiedDiff {
  /// Lines of unchanged text around each change.
  private static let context = 3

  /// The change of one file; nil for a file that is not there.
  /// - Returns: empty where nothing changed; a one-line note where a side is not text.
  static func text(path: String, old: [UInt8]?, new: [UInt8]?) -> String {
    if old == new { return "" }
    var head = "diff --git a/\(path) b/\(path)\n"
    if old == nil { head += "new file mode 100644\n" }
    if new == nil { head += "deleted file mode 100644\n" }
    guard let before = lines(old ?? []), let after = lines(new ?? []) else {
      return head + "Binary files differ\n"
    }
    head += old == nil ? "--- /dev/null\n" : "--- a/\(path)\n"
    head += new == nil ? "+++ /dev/null\n" : "+++ b/\(path)\n"
    return head + hunks(before, after).map { hunk($0, before, after) }.joined()
  }

  /// Lines with their newline; nil where the bytes are not text.
  private static func lines(_ bytes: [UInt8]) -> [String]? {
    if bytes.contains(0) { return nil }
    guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
    return text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
      .enumerated().reduce(into: [String]()) { lines, piece in
        // Each newline ends a line, so the last piece is a line only if it is not empty.
        if !lines.isEmpty { lines[lines.count - 1] += "\n" }
        lines.append(piece.element)
      }
      .filter { !$0.isEmpty }
  }

  private struct Change {
    var old: Range<Int>
    var new: Range<Int>
  }

  /// Changed ranges, joined where their context would overlap.
  private static func hunks(_ before: [String], _ after: [String]) -> [Change] {
    var removed: Set<Int> = []
    var inserted: Set<Int> = []
    for change in after.difference(from: before) {
      switch change {
      case .remove(let offset, _, _): removed.insert(offset)
      case .insert(let offset, _, _): inserted.insert(offset)
      }
    }
    var changes: [Change] = []
    var (i, j) = (0, 0)
    while i < before.count || j < after.count {
      if removed.contains(i) || inserted.contains(j) {
        let (oldStart, newStart) = (i, j)
        while removed.contains(i) { i += 1 }
        while inserted.contains(j) { j += 1 }
        if let last = changes.last, oldStart - last.old.upperBound <= 2 * context {
          changes[changes.count - 1] = Change(
            old: last.old.lowerBound..<i, new: last.new.lowerBound..<j)
        } else {
          changes.append(Change(old: oldStart..<i, new: newStart..<j))
        }
      } else {
        i += 1
        j += 1
      }
    }
    return changes
  }

  private static func hunk(_ change: Change, _ before: [String], _ after: [String]) -> String {
    let lead = min(context, change.old.lowerBound)
    let tail = min(context, before.count - change.old.upperBound)
    let old = change.old.lowerBound - lead..<change.old.upperBound + tail
    let new = change.new.lowerBound - lead..<change.new.upperBound + tail
    var text = "@@ -\(range(old)) +\(range(new)) @@\n"
    for line in before[old.lowerBound..<change.old.lowerBound] { text += mark(" ", line) }
    text += body(Array(before[change.old]), Array(after[change.new]))
    for line in before[change.old.upperBound..<old.upperBound] { text += mark(" ", line) }
    return text
  }

  /// The lines of a change; unchanged lines inside it keep their place.
  private static func body(_ before: [String], _ after: [String]) -> String {
    var removed: Set<Int> = []
    var inserted: Set<Int> = []
    for change in after.difference(from: before) {
      switch change {
      case .remove(let offset, _, _): removed.insert(offset)
      case .insert(let offset, _, _): inserted.insert(offset)
      }
    }
    var text = ""
    var (i, j) = (0, 0)
    while i < before.count || j < after.count {
      if removed.contains(i) {
        text += mark("-", before[i])
        i += 1
      } else if inserted.contains(j) {
        text += mark("+", after[j])
        j += 1
      } else {
        text += mark(" ", before[i])
        i += 1
        j += 1
      }
    }
    return text
  }

  private static func range(_ range: Range<Int>) -> String {
    let start = range.isEmpty ? range.lowerBound : range.lowerBound + 1
    return range.count == 1 ? "\(start)" : "\(start),\(range.count)"
  }

  private static func mark(_ sign: String, _ line: String) -> String {
    line.hasSuffix("\n") ? sign + line : sign + line + "\n\\ No newline at end of file\n"
  }
}
