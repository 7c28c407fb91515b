internal import EdgeJob

/// What a Dockerfile says about the place in which a Harbor task runs.
struct HarborEnvironment {
  var baseImage = ""
  /// `ENV` and `ARG`, the later one wins.
  var variables: [String: String] = [:]
  private(set) var arguments: [String: String] = [:]
  /// The last `WORKDIR`, absolute.
  var workDirectory = "/"
  /// Directories that it makes, absolute.
  var directories: Set<String> = []
  /// Files that it copies, by their absolute path.
  var files: [String: BuildContext.File] = [:]
  /// Distributions that it installs with pip, without versions.
  var distributions: [String] = []
  /// Debian packages that it installs, without versions.
  var packages: [String] = []
  /// True where it makes `python` a name for `python3`.
  var linksPython = false
  var notices: [String] = []
  /// Why the task cannot run here.
  var reasons: [String] = []

  /// Follows the instructions one by one.
  init(_ dockerfile: Dockerfile, context: BuildContext) {
    for instruction in dockerfile.instructions { follow(instruction, context) }
    if baseImage.isEmpty { refuse("the Dockerfile has no FROM") }
  }

  private mutating func refuse(_ reason: String) {
    if !reasons.contains(reason) { reasons.append(reason) }
  }

  private mutating func follow(_ instruction: Dockerfile.Instruction, _ context: BuildContext) {
    let text = instruction.text
    let place = "Dockerfile:\(instruction.line)"
    switch instruction.keyword {
    case "FROM":
      if !baseImage.isEmpty { refuse("\(place) has a second stage") }
      baseImage = expand(text)
    case "ENV", "ARG": assign(text, isArgument: instruction.keyword == "ARG", place)
    case "WORKDIR":
      workDirectory = AbsolutePath.resolve(expand(text), from: workDirectory)
      directories.insert(workDirectory)
    case "COPY", "ADD": copy(text, context, place)
    case "RUN": run(text, place)
    case "EXPOSE", "LABEL", "MAINTAINER", "VOLUME", "STOPSIGNAL": break
    case "CMD", "ENTRYPOINT", "HEALTHCHECK":
      notices.append("\(place): \(instruction.keyword) is ignored")
    case "USER":
      if text != "root", text != "0" { notices.append("\(place): USER is ignored") }
    default: refuse("\(place): \(instruction.keyword) is not supported")
    }
  }

  private mutating func assign(_ text: String, isArgument: Bool, _ place: String) {
    var pairs: [(String, String)] = []
    let name = text.prefix { !$0.isWhitespace && $0 != "=" }
    if text.dropFirst(name.count).first == "=" {
      for word in ShellWords.words(expand(text)) ?? [] {
        guard let equal = word.firstIndex(of: "=") else {
          return refuse("\(place): an assignment that is not understood")
        }
        pairs.append((String(word[..<equal]), String(word[word.index(after: equal)...])))
      }
    } else {
      let value = text.dropFirst(name.count).drop { $0.isWhitespace }
      pairs = [(String(name), expand(String(value)))]
    }
    if pairs.isEmpty { refuse("\(place): an assignment that is not understood") }
    for (name, value) in pairs {
      guard TaskName.isIdentifier(name) else { return refuse("\(place): no variable name") }
      if isArgument { arguments[name] = value } else { variables[name] = value }
    }
  }

  /// Replaces `$NAME`, `${NAME}` and `${NAME:-DEFAULT}`; an unset name is empty.
  func expand(_ text: String) -> String {
    var result = ""
    var rest = text[...]
    while let character = rest.popFirst() {
      guard character == "$" else {
        result.append(character)
        continue
      }
      var name = rest.prefix { $0.isASCII && TaskName.isIdentifierByte($0.asciiValue ?? 0) }
      var fallback = ""
      if rest.first == "{", let end = rest.firstIndex(of: "}") {
        let inside = rest[rest.index(after: rest.startIndex)..<end]
        name = inside.prefix { $0 != ":" }
        if inside.dropFirst(name.count).hasPrefix(":-") {
          fallback = String(inside.dropFirst(name.count + 2))
        }
        rest = rest[rest.index(after: end)...]
      } else {
        rest = rest.dropFirst(name.count)
      }
      let value = variables[String(name)] ?? arguments[String(name)] ?? ""
      result += value.isEmpty ? fallback : value
    }
    return result
  }
}

extension HarborEnvironment {
  /// `COPY` and `ADD` (Dockerfile reference): files of the context, to a file or into a directory.
  private mutating func copy(_ text: String, _ context: BuildContext, _ place: String) {
    guard var words = Self.list(text) ?? ShellWords.words(expand(text)) else {
      return refuse("\(place): names that are not understood")
    }
    var executable: Bool?
    while let option = words.first, option.hasPrefix("--") {
      words.removeFirst()
      if option.hasPrefix("--chmod=") { executable = Self.isExecutable(option.dropFirst(8)) }
      if option.hasPrefix("--from=") { return refuse("\(place): a copy from another image") }
    }
    guard words.count >= 2, let last = words.popLast() else {
      return refuse("\(place): a copy without a source or a target")
    }
    let target = AbsolutePath.resolve(last, from: workDirectory)
    let isInto = last.hasSuffix("/") || words.count > 1 || directories.contains(target)
    for source in words {
      if source.contains("://") || source.split(separator: "/").contains("..") {
        return refuse("\(place): \(quoted(source)) is not in the build context")
      }
      let found = context.select(source)
      if found.isEmpty { return refuse("\(place): \(quoted(source)) is not in the build context") }
      for (path, file) in found {
        let name = path.isEmpty ? (isInto ? lastComponent(source) : ".") : path
        let mode = executable ?? file.executable
        let copied = BuildContext.File(path: file.path, bytes: file.bytes, executable: mode)
        files[AbsolutePath.resolve(name, from: target)] = copied
      }
    }
  }

  /// The JSON form of an instruction, or nil where it has the shell's form.
  static func list(_ text: String) -> [String]? {
    guard text.hasPrefix("["), let json = try? JSON.parse(Array(text.utf8)) else { return nil }
    guard let elements = json.elements else { return nil }
    let words = elements.compactMap(\.text)
    return words.count == elements.count ? words : nil
  }

  /// Whether a mode gives its owner the right to execute; nil where it does not say.
  static func isExecutable(_ mode: some StringProtocol) -> Bool? {
    if let bits = UInt32(mode, radix: 8) { return bits & 0o100 != 0 }
    let parts = mode.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
    if parts.count == 2, parts[1].contains("x"), parts[0].allSatisfy({ "ugoa".contains($0) }) {
      return true
    }
    return nil
  }

  /// `RUN`: what installs packages becomes a requirement, what makes directories and rights is
  /// carried over, and anything else is a reason not to run.
  private mutating func run(_ text: String, _ place: String) {
    let words = Self.list(text)
    guard let commands = words.map({ [$0] }) ?? ShellWords.commands(text) else {
      return refuse("\(place): RUN uses more of the shell than the importer reads")
    }
    for command in commands { run(command, place) }
  }

  private mutating func run(_ command: [String], _ place: String) {
    let name = command.first ?? ""
    let rest = Array(command.dropFirst())
    let operands = rest.filter { !$0.hasPrefix("-") }
    switch name {
    case "apt-get", "apt": installPackages(operands, place)
    case "pip", "pip3": installDistributions(rest, place)
    case "python3" where rest.starts(with: ["-m", "pip"]):
      installDistributions(Array(rest.dropFirst(2)), place)
    case "set", "true": break
    case "rm" where operands.allSatisfy({ $0.hasPrefix("/var/lib/apt/") || $0 == "/root/.cache" }):
      break
    case "mkdir" where rest.allSatisfy({ $0 == "-p" || Self.isPlain($0) }):
      for path in operands {
        directories.insert(AbsolutePath.resolve(path, from: workDirectory))
      }
    case "chmod" where changeModes(operands): break
    case "ln" where operands.count == 2 && lastComponent(operands[1]) == "python":
      linksPython = true
    default: refuse("\(place): RUN \(quoted(command.joined(separator: " "))) is not carried over")
    }
  }

  /// True for an operand without patterns.
  private static func isPlain(_ word: String) -> Bool {
    !word.hasPrefix("-") && !word.contains { "*?[".contains($0) }
  }

  private mutating func changeModes(_ operands: [String]) -> Bool {
    guard let mode = operands.first, operands.dropFirst().allSatisfy(Self.isPlain) else {
      return false
    }
    guard let executable = Self.isExecutable(mode) else { return false }
    for operand in operands.dropFirst() {
      let path = AbsolutePath.resolve(operand, from: workDirectory)
      if directories.contains(path) { continue }
      guard let file = files[path] else { return false }
      files[path] = BuildContext.File(path: file.path, bytes: file.bytes, executable: executable)
    }
    return true
  }

  private mutating func installPackages(_ operands: [String], _ place: String) {
    switch operands.first {
    case "update", "clean", "upgrade", "autoremove": break
    case "install":
      for operand in operands.dropFirst() {
        let name = operand.prefix { $0 != "=" && $0 != "/" }
        if name.count < operand.count { notices.append("\(place): the version of \(operand)") }
        packages.append(String(name))
      }
    default: refuse("\(place): an apt command that is not carried over")
    }
  }

  private mutating func installDistributions(_ words: [String], _ place: String) {
    guard words.first == "install" else {
      return refuse("\(place): a pip command that is not carried over")
    }
    for word in words.dropFirst() where !word.hasPrefix("--") {
      if ["-q", "-U", "-y"].contains(word) { continue }
      let name = word.prefix { $0.isLetter || $0.isNumber || "-_.".contains($0) }
      let rest = word.dropFirst(name.count)
      guard !name.isEmpty, !name.hasPrefix("-"), !word.contains("/"), !word.contains("@") else {
        return refuse("\(place): pip installs \(quoted(word)), which is no plain name")
      }
      if !rest.isEmpty {
        notices.append("the Dockerfile pins \(word); this machine's own version is used")
      }
      distributions.append(String(name))
    }
  }
}
