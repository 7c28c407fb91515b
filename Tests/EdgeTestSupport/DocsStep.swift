/// Something in a document that a test can do: run a command, or write a file.
///
/// The convention, for writers: the steps of one document are done in their order, in a folder that
/// holds a link to `queue`, with a spool of their own. In a fenced block marked `console` each line
/// `$ command` is run; a line that ends in a backslash goes on in the next. `# exit 1` behind the
/// command says which status is right; it is 0 without it. Other lines show an answer and are not
/// compared. A block whose line before is `<!-- file: PATH -->` is written there. Blocks in other
/// languages, such as `sh`, are shown only.
package struct DocsStep: Hashable, Sendable {
  /// The document, from the root of the repository.
  package let path: String
  /// The line of the command or of the block, from 1.
  package let line: Int
  package let action: Action

  /// What is to be done.
  package enum Action: Hashable, Sendable {
    /// A line for a shell, and the status that is right.
    case run(String, status: Int)
    case write(file: String, text: String)
  }

  /// The steps of a document, in order.
  package static func all(in text: String, path: String) -> [DocsStep] {
    var found: [DocsStep] = []
    var block: (language: Substring, file: String?, line: Int, lines: [Substring])?
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      if line.hasPrefix("```") {
        if let ended = block {
          if let file = ended.file {
            let text = ended.lines.map { $0 + "\n" }.joined()
            found.append(
              DocsStep(path: path, line: ended.line, action: .write(file: file, text: text)))
          } else if ended.language == "console" {
            found += commands(ended.lines, below: ended.line, path: path)
          }
          block = nil
        } else {
          let file = index > 0 ? fileName(lines[index - 1]) : nil
          block = (line.dropFirst(3), file, index + 1, [])
        }
      } else {
        block?.lines.append(line)
      }
    }
    return found
  }

  /// The path in `<!-- file: PATH -->`.
  private static func fileName(_ line: Substring) -> String? {
    guard line.hasPrefix("<!-- file: "), line.hasSuffix(" -->") else { return nil }
    return String(line.dropFirst(11).dropLast(4))
  }

  private static func commands(_ lines: [Substring], below first: Int, path: String) -> [DocsStep] {
    var found: [DocsStep] = []
    var open: (line: Int, text: String)?
    for (index, line) in lines.enumerated() {
      if line.hasPrefix("$ ") { open = (first + index + 1, "") }
      guard let start = open else { continue }
      let part = line.hasPrefix("$ ") ? line.dropFirst(2) : line.drop { $0 == " " }
      if part.hasSuffix("\\") {
        open = (start.line, start.text + part.dropLast())
      } else {
        let action = command(start.text + part)
        found.append(DocsStep(path: path, line: start.line, action: action))
        open = nil
      }
    }
    return found
  }

  private static func command(_ text: String) -> Action {
    let parts = text.split(separator: "# exit ", maxSplits: 1)
    let status = parts.count > 1 ? Int(parts[1].prefix { $0.isNumber }) ?? -1 : 0
    var command = String(parts.first ?? "")
    while command.last == " " { command.removeLast() }
    return .run(command, status: status)
  }

  /// A Bash program that does the steps in the current folder and prints one line for each, `ok` or
  /// `not ok`, with what a failed one said; its status is 1 where one was not right.
  package static func program(_ steps: [DocsStep]) -> String {
    var text = """
      set -u
      bad=0
      attempt() { # WHERE STATUS COMMAND
        said=$(bash -c "$3" </dev/null 2>&1); got=$?
        if [ "$got" = "$2" ]; then printf 'ok %s\\n' "$1"; else
          bad=1
          printf 'not ok %s: status %s, not %s\\n  $ %s\\n%s\\n' "$1" "$got" "$2" "$3" "$said"
        fi
      }
      put() { # WHERE FILE TEXT
        mkdir -p "$(dirname "$2")" && printf '%s' "$3" >"$2" && printf 'ok %s\\n' "$1"
      }

      """
    for step in steps {
      let place = quoted("\(step.path):\(step.line)")
      switch step.action {
      case .run(let command, let status):
        text += "attempt \(place) \(status) \(quoted(command))\n"
      case .write(let file, let content):
        text += "put \(place) \(quoted(file)) \(quoted(content))\n"
      }
    }
    return text + "exit $bad\n"
  }

  private static func quoted(_ text: String) -> String {
    "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
      + "'"
  }
}
