/// A Dockerfile as a list of instructions; read only, nothing is ever built from it.
struct Dockerfile: Hashable {
  let instructions: [Instruction]

  /// One instruction, its continued lines joined.
  struct Instruction: Hashable {
    /// Upper case, such as `RUN`.
    let keyword: String
    /// What follows the keyword, without comments.
    let text: String
    /// The line on which it starts, from 1.
    let line: Int
  }

  /// The largest file and the longest joined instruction, bytes.
  static let bytesMax = 256 << 10

  /// Reads the format (Dockerfile reference, "Format"): comments, blank lines and continued lines.
  /// - Throws: what the importer does not understand: heredocs, another escape character, text that
  ///   is not UTF-8.
  init(parsing bytes: [UInt8], named name: String) throws(ImportError) {
    guard bytes.count <= Dockerfile.bytesMax, let text = String(validating: bytes, as: UTF8.self)
    else { throw ImportError("not UTF-8 text of at most 256 KiB", at: name) }
    var instructions: [Instruction] = []
    var joined = ""
    var first = 0
    for (index, line) in lines(of: text).enumerated() {
      let trimmed = Dockerfile.trim(line)
      if trimmed.isEmpty || trimmed.hasPrefix("#") {
        if instructions.isEmpty, Dockerfile.setsEscape(trimmed) {
          throw ImportError("another escape character", at: "\(name):\(index + 1)")
        }
        continue
      }
      if joined.isEmpty { first = index + 1 }
      if trimmed.hasSuffix("\\") {
        joined += trimmed.dropLast() + " "
        continue
      }
      joined += trimmed
      instructions.append(try Dockerfile.instruction(joined, line: first, named: name))
      joined = ""
    }
    if !joined.isEmpty {
      instructions.append(try Dockerfile.instruction(joined, line: first, named: name))
    }
    self.instructions = instructions
  }

  private static func trim(_ line: Substring) -> Substring {
    var line = line.drop { $0.isWhitespace }
    while let last = line.last, last.isWhitespace { line.removeLast() }
    return line
  }

  private static func setsEscape(_ line: Substring) -> Bool {
    let words = line.dropFirst().lowercased().filter { !$0.isWhitespace }
    return words.hasPrefix("escape=") && !words.hasSuffix("=\\")
  }

  private static func instruction(_ joined: String, line: Int, named name: String)
    throws(ImportError) -> Instruction
  {
    let keyword = joined.prefix { !$0.isWhitespace }
    let text = trim(joined.dropFirst(keyword.count))
    let place = "\(name):\(line)"
    guard !keyword.isEmpty, keyword.utf8.allSatisfy(TaskName.isIdentifierByte) else {
      throw ImportError("no instruction: \(quoted(String(keyword)))", at: place)
    }
    let upper = keyword.uppercased()
    if ["RUN", "COPY", "ADD"].contains(upper), text.contains("<<") {
      throw ImportError("a heredoc, which the importer does not read", at: place)
    }
    return Instruction(keyword: upper, text: String(text), line: line)
  }
}
