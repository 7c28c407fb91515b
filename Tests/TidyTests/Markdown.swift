/// A Markdown text, with what points elsewhere.
struct Markdown {
  let file: SourceFile

  /// Something that a text points to, with its line.
  struct Reference: Hashable {
    let target: String
    let line: Int
  }

  /// The lines outside fenced blocks, numbered from 1.
  var prose: [(number: Int, text: Substring)] {
    var isInside = false
    var found: [(Int, Substring)] = []
    for (index, line) in file.lines.enumerated() {
      if line.drop(while: { $0 == " " }).hasPrefix("```") {
        isInside.toggle()
      } else if !isInside {
        found.append((index + 1, line))
      }
    }
    return found
  }

  /// `[text](target)` outside code.
  var links: [Reference] {
    prose.flatMap { number, line in
      Self.withoutCode(line).split(separator: "](", omittingEmptySubsequences: false).dropFirst()
        .compactMap { rest in
          rest.firstIndex(of: ")").map { Reference(target: String(rest[..<$0]), line: number) }
        }
    }
  }

  /// `<doc:Article>`, as DocC writes it.
  var articles: [Reference] {
    prose.flatMap { number, line in
      Self.withoutCode(line).split(separator: "<doc:", omittingEmptySubsequences: false)
        .dropFirst().compactMap { rest in
          rest.firstIndex(of: ">").map { Reference(target: String(rest[..<$0]), line: number) }
        }
    }
  }

  /// Inline code that is a path of this repository.
  var paths: [Reference] {
    prose.flatMap { number, line in
      let parts = line.split(separator: "`", omittingEmptySubsequences: false)
      return parts.indices.filter { $0 % 2 == 1 }.map { parts[$0] }.filter(Self.isPath).map {
        Reference(target: String($0), line: number)
      }
    }
  }

  private static let folders = [
    "Sources/", "Tests/", "scripts/", "queue/", "sandbox-profiles/", ".ci/",
  ]

  private static func isPath(_ text: Substring) -> Bool {
    folders.contains { text.hasPrefix($0) }
      && text.allSatisfy { $0.isWordPart || "./-".contains($0) }
  }

  private static func withoutCode(_ line: Substring) -> String {
    let parts = line.split(separator: "`", omittingEmptySubsequences: false)
    return parts.indices.filter { $0 % 2 == 0 }.map { String(parts[$0]) }.joined(separator: " ")
  }

  /// The anchors of the headings, as forges make them.
  var anchors: Set<String> {
    Set(
      prose.filter { $0.text.hasPrefix("#") }.map { _, line in
        line.drop { $0 == "#" }.drop { $0 == " " }.lowercased()
          .map { $0 == " " ? "-" : $0 }.filter { $0.isWordPart || $0 == "-" }
          .map(String.init).joined()
      })
  }
}

/// Every pointer of a text leads somewhere.
enum MarkdownRules {
  static func findings(in file: SourceFile, exists: (String) -> Bool = Repository.exists)
    -> [Finding]
  {
    let text = Markdown(file: file)
    let folder = file.path.split(separator: "/").dropLast().joined(separator: "/")
    var found: [Finding] = []
    for link in text.links where !link.target.hasPrefix("https://") {
      let parts = link.target.split(separator: "#", omittingEmptySubsequences: false)
      if let path = parts.first, !path.isEmpty {
        guard exists(resolve(String(path), in: folder)) else {
          found.append(Finding(file.path, line: link.line, "\(link.target) is not there"))
          continue
        }
      } else if parts.count > 1, !text.anchors.contains(String(parts[1])) {
        found.append(Finding(file.path, line: link.line, "no heading gives \(link.target)"))
      }
    }
    for article in text.articles {
      let catalog = file.path.firstRange(of: ".docc/").map { String(file.path[..<$0.upperBound]) }
      let places = ["", "decisions/"].map { "\(catalog ?? "")\($0)\(article.target).md" }
      if catalog == nil || !places.contains(where: exists) {
        found.append(Finding(file.path, line: article.line, "no article \(article.target)"))
      }
    }
    for path in text.paths where !exists(path.target) {
      found.append(Finding(file.path, line: path.line, "\(path.target) is not there"))
    }
    return found
  }

  /// A relative path without `.` and `..`.
  static func resolve(_ path: String, in folder: String) -> String {
    var parts = folder.split(separator: "/")
    for part in path.split(separator: "/") {
      if part == ".." { _ = parts.popLast() } else if part != "." { parts.append(part) }
    }
    return parts.joined(separator: "/")
  }
}
