/// The simple commands of a line of shell, for reading `RUN`: words, quotes and separators, no
/// expansion (POSIX.1 XCU §2).
enum ShellWords {
  /// Splits at `&&`, `;` and line ends.
  /// - Returns: the words of each command; nil where the line uses anything else of the shell's
  ///   grammar: pipes, redirections, `||`, substitutions, background jobs. Patterns
  ///   stay as written.
  static func commands(_ line: String) -> [[String]]? {
    var parser = ShellParser(characters: Array(line))
    return parser.commands()
  }

  /// The words of one line without separators; nil as above.
  static func words(_ line: String) -> [String]? {
    guard let commands = commands(line), commands.count <= 1 else { return nil }
    return commands.first ?? []
  }
}

private struct ShellParser {
  let characters: [Character]
  var position = 0
  var done: [[String]] = []
  var words: [String] = []
  var word: String?

  init(characters: [Character]) { self.characters = characters }

  mutating func commands() -> [[String]]? {
    while position < characters.count {
      let character = characters[position]
      position += 1
      switch character {
      case " ", "\t": endWord()
      case ";", "\n": endCommand()
      case "&":
        guard position < characters.count, characters[position] == "&" else { return nil }
        position += 1
        endCommand()
      case "'":
        guard takeSingleQuoted() else { return nil }
      case "\"":
        guard takeDoubleQuoted() else { return nil }
      case "\\":
        guard position < characters.count else { return nil }
        word = (word ?? "") + String(characters[position])
        position += 1
      case "|", ">", "<", "`", "(", ")", "$", "{", "}": return nil
      case "~" where word == nil, "#" where word == nil, "!" where word == nil: return nil
      default: word = (word ?? "") + String(character)
      }
    }
    endCommand()
    return done
  }

  private mutating func endWord() {
    if let word { words.append(word) }
    word = nil
  }

  private mutating func endCommand() {
    endWord()
    if !words.isEmpty { done.append(words) }
    words = []
  }

  private mutating func takeSingleQuoted() -> Bool {
    guard let end = characters[position...].firstIndex(of: "'") else { return false }
    word = (word ?? "") + String(characters[position..<end])
    position = end + 1
    return true
  }

  private mutating func takeDoubleQuoted() -> Bool {
    var text = ""
    while position < characters.count {
      let character = characters[position]
      position += 1
      switch character {
      case "\"":
        word = (word ?? "") + text
        return true
      case "$", "`": return false
      case "\\" where position < characters.count && "\\\"$`".contains(characters[position]):
        text.append(characters[position])
        position += 1
      default: text.append(character)
      }
    }
    return false
  }
}
