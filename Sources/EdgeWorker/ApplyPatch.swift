internal import EdgeSystem
internal import Glibc

/// Applies a unified diff to a workspace: every line must match where the hunk says, without
/// fuzz; otherwise nothing counts as applied and the task is refused.
struct ApplyPatch {
  /// Why a patch does not apply.
  struct Mismatch: Error, Hashable {
    let reason: String
  }

  private struct FilePatch {
    var old: String?
    var new: String?
    var hunks: [Hunk] = []
  }

  private struct Hunk {
    /// First line in the old file, from 1; 0 for an empty one.
    var start: Int
    var lines: [(sign: UInt8, text: [UInt8])] = []
  }

  /// Applies `patch` below `workspace`.
  /// - Parameter isProtected: paths that the patch must not touch.
  static func apply(
    _ patch: [UInt8], to workspace: borrowing Directory, owner: UInt32?,
    isProtected: (String) -> Bool
  ) throws(Mismatch) {
    let files = try parse(patch)
    if files.isEmpty { throw Mismatch(reason: "it names no file") }
    for file in files {
      for path in [file.old, file.new] {
        if let path, isProtected(path) { throw Mismatch(reason: "\(path) is protected") }
      }
      do {
        try apply(file, to: workspace, owner: owner)
      } catch let error as Mismatch {
        throw error
      } catch {
        throw Mismatch(reason: "\(error)")
      }
    }
  }

  private static func apply(
    _ file: FilePatch, to workspace: borrowing Directory, owner: UInt32?
  ) throws {
    guard let name = file.new ?? file.old else { throw Mismatch(reason: "a change of no file") }
    var mode: UInt32 = 0o644
    var old: [[UInt8]] = []
    if let path = file.old {
      let status = try workspace.status(path)
      mode = status.mode & 0o100 == 0 ? 0o644 : 0o755
      old = lines(try workspace.read(path, atMost: 16 << 20))
    } else if workspace.contains(name) {
      throw Mismatch(reason: "\(name) exists already")
    }
    let new = try result(of: file.hunks, on: old, name: name)
    if file.new == nil {
      if !new.isEmpty { throw Mismatch(reason: "\(name) would not be empty when removed") }
      try workspace.remove(name)
      return
    }
    if let before = file.old, before != name { try workspace.remove(before) }
    try workspace.makeParents(of: name, owner: owner)
    try workspace.write(name, Array(new.joined()), mode: mode, owner: owner)
  }

  private static func result(of hunks: [Hunk], on old: [[UInt8]], name: String) throws(Mismatch)
    -> [[UInt8]]
  {
    var new: [[UInt8]] = []
    var position = 0
    for hunk in hunks {
      let start = max(hunk.start - 1, 0)
      guard start >= position, start <= old.count else {
        throw Mismatch(reason: "\(name): a hunk at line \(hunk.start) is out of order")
      }
      new += old[position..<start]
      position = start
      for (sign, text) in hunk.lines {
        if sign != UInt8(ascii: "+") {
          guard position < old.count, old[position] == text else {
            throw Mismatch(reason: "\(name): line \(position + 1) is not what the patch expects")
          }
          position += 1
        }
        if sign != UInt8(ascii: "-") { new.append(text) }
      }
    }
    return new + old[position...]
  }

  /// Lines with their newline; the last one may lack it.
  private static func lines(_ bytes: [UInt8]) -> [[UInt8]] {
    var lines: [[UInt8]] = []
    var current: [UInt8] = []
    for byte in bytes {
      current.append(byte)
      if byte == 0x0A {
        lines.append(current)
        current = []
      }
    }
    if !current.isEmpty { lines.append(current) }
    return lines
  }

  private static func parse(_ patch: [UInt8]) throws(Mismatch) -> [FilePatch] {
    var files: [FilePatch] = []
    var remaining = (old: 0, new: 0)
    for line in lines(patch) {
      let text = String(decoding: line, as: UTF8.self)
      if remaining.old > 0 || remaining.new > 0 || text.hasPrefix("\\") {
        try body(line, &files, &remaining)
      } else if text.hasPrefix("--- ") {
        files.append(FilePatch(old: try path(text, prefix: "a/")))
      } else if text.hasPrefix("+++ ") {
        guard !files.isEmpty else { throw Mismatch(reason: "a +++ line without a --- line") }
        files[files.count - 1].new = try path(text, prefix: "b/")
      } else if text.hasPrefix("@@ ") {
        guard !files.isEmpty else { throw Mismatch(reason: "a hunk without a file") }
        let (start, counts) = try header(text)
        files[files.count - 1].hunks.append(Hunk(start: start))
        remaining = counts
      } else if text.hasPrefix("Binary files") || text.hasPrefix("GIT binary patch") {
        throw Mismatch(reason: "it changes a binary file")
      }
    }
    if remaining.old > 0 || remaining.new > 0 { throw Mismatch(reason: "its last hunk is cut off") }
    return files
  }

  private static func body(
    _ line: [UInt8], _ files: inout [FilePatch], _ remaining: inout (old: Int, new: Int)
  ) throws(Mismatch) {
    guard let file = files.indices.last, let hunk = files[file].hunks.indices.last else {
      throw Mismatch(reason: "a line outside a hunk")
    }
    // An editor may have stripped the blank of an empty unchanged line.
    let sign = line.first == 0x0A ? UInt8(ascii: " ") : line[0]
    let text = line.first == 0x0A ? line : Array(line.dropFirst())
    switch sign {
    case UInt8(ascii: " "):
      remaining.old -= 1
      remaining.new -= 1
    case UInt8(ascii: "-"): remaining.old -= 1
    case UInt8(ascii: "+"): remaining.new -= 1
    case UInt8(ascii: "\\"):
      // "No newline at end of file" is about the line before.
      guard var last = files[file].hunks[hunk].lines.popLast() else {
        throw Mismatch(reason: "a note about no line")
      }
      if last.text.last == 0x0A { last.text.removeLast() }
      files[file].hunks[hunk].lines.append(last)
      return
    default: throw Mismatch(reason: "an unknown sign in a hunk")
    }
    files[file].hunks[hunk].lines.append((sign, text))
  }

  /// `--- a/x` or `+++ b/x`; nil for /dev/null. Times behind a tab are dropped.
  private static func path(_ line: String, prefix: String) throws(Mismatch) -> String? {
    let name =
      line.dropFirst(4).split(separator: "\t").first
      .map { $0.hasSuffix("\n") ? $0.dropLast() : $0 } ?? ""
    if name == "/dev/null" { return nil }
    let path = name.hasPrefix(prefix) ? String(name.dropFirst(2)) : String(name)
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    guard !path.isEmpty, parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }) else {
      throw Mismatch(reason: "the path \(path) leaves the workspace")
    }
    return path
  }

  /// `@@ -start,count +start,count @@`.
  private static func header(_ line: String) throws(Mismatch) -> (Int, (old: Int, new: Int)) {
    let fields = line.split(separator: " ")
    guard fields.count >= 4, fields[1].first == "-", fields[2].first == "+",
      let old = range(fields[1]), let new = range(fields[2])
    else { throw Mismatch(reason: "a hunk header that cannot be read") }
    // A hunk that removes nothing names the line before it.
    return (old.count == 0 ? old.start + 1 : old.start, (old.count, new.count))
  }

  private static func range(_ field: Substring) -> (start: Int, count: Int)? {
    let numbers = field.dropFirst().split(separator: ",")
    guard let first = numbers.first.flatMap({ Int($0) }), first >= 0 else { return nil }
    guard numbers.count > 1 else { return (first, 1) }
    guard let count = Int(numbers[1]), (0...1_000_000).contains(count) else { return nil }
    return (first, count)
  }
}
