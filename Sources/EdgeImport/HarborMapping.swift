internal import EdgeJob

/// Turns a Harbor task into one of ours.
struct HarborMapping {
  let task: HarborTask
  private let environment: HarborEnvironment
  private var reasons: [String]

  /// Where the stand-ins for `pytest` and `python` lie, below `tests/`.
  private static let standIns = ".edgecoder"

  init(_ task: HarborTask) throws(ImportError) {
    self.task = task
    let name = "Dockerfile"
    guard let file = task.context.files.first(where: { $0.path == name }) else {
      throw ImportError("no environment/Dockerfile says what its image holds", at: task.slug)
    }
    let dockerfile = try Dockerfile(parsing: file.bytes, named: "\(task.slug)/\(name)")
    let rest = task.context.files.filter { $0.path != name && $0.path != ".dockerignore" }
    environment = HarborEnvironment(dockerfile, context: BuildContext(files: rest))
    var reasons = task.manifest.reasons + environment.reasons
    if task.context.files.contains(where: { $0.path.hasPrefix("docker-compose.") }) {
      reasons.append("it starts further services with docker-compose")
    }
    self.reasons = reasons
  }

  func draft(named name: String) -> Draft {
    let mount = environment.workDirectory
    if let reason = refusal(mount) {
      return .refused(name: name, reason: "\(task.slug): \(reason)")
    }
    var draft = TaskDraft(
      manifest: manifest(named: name, mount: mount), instruction: task.instruction)
    draft.reasons = reasons + scriptReasons
    for directory in environment.directories.sorted() {
      if let path = AbsolutePath.relative(directory, to: mount), !path.isEmpty {
        draft.addDirectory("source/" + path)
      }
    }
    for (path, file) in environment.files.sorted(by: { $0.key < $1.key }) {
      guard let relative = AbsolutePath.relative(path, to: mount) else { continue }
      draft.add("source/" + relative, file.bytes, executable: file.executable)
    }
    for file in task.tests.files {
      draft.add("tests/" + file.path, file.bytes, executable: file.executable)
    }
    for (program, text) in standIns {
      draft.add("tests/\(Self.standIns)/\(program)", Array(text.utf8), executable: true)
    }
    for file in task.solution.files {
      draft.add("solution/" + file.path, file.bytes, executable: file.executable)
    }
    return .task(draft)
  }

  /// Why there can be no task directory: a task has one workspace, and everything that it reads
  /// and makes must lie in it.
  private func refusal(_ mount: String) -> String? {
    guard AbsolutePath.isMountPoint(mount) else {
      return "its WORKDIR \(mount) is a directory of the sandbox itself"
    }
    for path in environment.files.keys.sorted() {
      switch AbsolutePath.relative(path, to: mount) {
      case nil: return "it copies \(path), outside its WORKDIR \(mount)"
      case "": return "it copies a file to \(path), its WORKDIR"
      default: break
      }
    }
    for path in environment.directories.sorted() where AbsolutePath.relative(path, to: mount) == nil
    {
      // These are there in every sandbox.
      if ["/tmp", "/logs", "/tests"].contains(path) { continue }
      if mount.hasPrefix(path + "/") { continue }
      return "it makes \(path), outside its WORKDIR \(mount)"
    }
    if let path = resultsOutside(mount).first {
      return "its tests read \(path), which instruction.md asks for outside its WORKDIR \(mount)"
    }
    return nil
  }

  /// Paths that instruction and tests both name, outside the workspace: what is made there in the
  /// first phase is gone in the second.
  private func resultsOutside(_ mount: String) -> [String] {
    let asked = PathWords.words(task.instruction)
    let read = task.tests.files.reduce(into: Set<String>()) {
      $0.formUnion(PathWords.words($1.bytes))
    }
    let given = [
      "/bin", "/dev", "/etc", "/lib", "/lib64", "/logs", "/proc", "/sys", "/tests", "/usr",
      "/var/cache", "/var/lib/apt", "/var/lib/dpkg",
    ]
    return asked.intersection(read).sorted().filter { path in
      AbsolutePath.relative(path, to: mount) == nil
        && !given.contains { AbsolutePath.relative(path, to: $0) != nil }
    }
  }

  /// What `test.sh` does that needs a network or an image.
  private var scriptReasons: [String] {
    guard let script = task.tests.files.first(where: { $0.path == "test.sh" }) else { return [] }
    let words = Set(
      script.bytes.split { !TaskName.isIdentifierByte($0) && $0 != UInt8(ascii: "-") }
        .map { String(decoding: $0, as: UTF8.self) })
    return ["apt", "apt-get", "curl", "npm", "pip", "pip3", "uv", "uvx", "wget"]
      .filter(words.contains).map { "its test.sh uses \($0), which needs a network" }
  }

  /// Programs that the image would have under names that Debian gives to no program.
  private var standIns: [(String, String)] {
    let head =
      "#!/bin/sh\n# Written by the importer: the image has this program, Debian does not.\n"
    var programs: [(String, String)] = []
    if environment.linksPython { programs.append(("python", head + "exec python3 \"$@\"\n")) }
    if environment.distributions.contains("pytest") {
      programs.append(("pytest", head + "exec python3 -P -m pytest \"$@\"\n"))
    }
    return programs
  }
}

extension HarborMapping {
  private func manifest(named name: String, mount: String) -> TaskManifest {
    let asked = task.manifest
    var variables = environment.variables
    // It speaks to the package manager, which is gone when a task runs.
    variables["DEBIAN_FRONTEND"] = nil
    let solve = command(["bash", "-c", solveCommand], variables)
    for (name, value) in asked.verifierEnvironment { variables[name] = value }
    if !standIns.isEmpty {
      variables["PATH"] = "/tests/\(Self.standIns):/usr/local/bin:/usr/bin:/bin"
    }
    let wanted = requirements
    let text = String(decoding: task.instruction, as: UTF8.self)
    return TaskManifest(
      name: name, summary: firstLine(text), kind: .verify, language: "shell", profile: "shell",
      command: solve, mountPoint: mount, limits: limits(asked.agentMilliseconds),
      verifier: TaskManifest.Verifier(
        runner: .reward, files: ["test.sh"], expected: [],
        command: command(["bash", "/tests/test.sh"], variables),
        limits: limits(asked.verifierMilliseconds)),
      requirements: wanted.requirements, extensions: HarborMapping.carriedTable(asked.carried),
      notices: asked.notices + environment.notices
        + ["the image \(environment.baseImage) is not used: the task runs on this system"]
        + wanted.notices)
  }

  /// A command with the image's variables. They go through env(1), because a sandbox profile lets
  /// only names pass that it knows.
  private func command(_ words: [String], _ variables: [String: String]) -> [String] {
    variables.isEmpty
      ? words : ["env"] + variables.map { "\($0.key)=\($0.value)" }.sorted() + words
  }

  /// Runs the candidate's script, where it has one: without one the workspace is judged as it is.
  private var solveCommand: String {
    let solve = "if [ -f solve.sh ]; then bash solve.sh; fi"
    // A function, because nothing of ours lies in the PATH of the first phase.
    return environment.linksPython
      ? "python() { python3 \"$@\"; }; export -f python; " + solve : solve
  }

  private func limits(_ milliseconds: Int64) -> Limits {
    Limits(
      cpuMilliseconds: milliseconds * task.manifest.processors, wallMilliseconds: milliseconds,
      memoryBytes: task.manifest.memoryBytes, processes: 256, openFiles: 1024,
      diskBytes: task.manifest.diskBytes, processors: min(1024, task.manifest.processors))
  }

  /// What was not read, as one table, so that nothing of a Harbor task is lost.
  static func carriedTable(_ carried: [JSON.Member]) -> [String: String] {
    carried.isEmpty ? [:] : ["x_harbor": JSON.object(carried).canonicalText]
  }

  /// What the machine must offer, and what the image would have had besides.
  private var requirements: (requirements: [String], notices: [String]) {
    var wanted: Set<String> = ["program:bash"]
    var notices: [String] = []
    let words = wordsOfTask
    for distribution in environment.distributions {
      let module = Self.module(of: distribution)
      if words.contains(module) {
        wanted.formUnion(["program:python3", "python:\(Self.normalised(distribution))"])
      } else {
        notices.append("no file of the task names \(module), which the image would have")
      }
    }
    for package in environment.packages {
      if ["python3", "python3-pip", "python3-venv"].contains(package) {
        wanted.insert("program:python3")
      } else if TaskName.isFileName(package.replacing("+", with: "")) {
        wanted.insert("debian:\(package)")
      }
    }
    return (wanted.sorted(), notices)
  }

  /// Every word of the files and the instruction, but not of the Dockerfile.
  private var wordsOfTask: Set<String> {
    var words: Set<String> = []
    let files = task.tests.files + task.context.files.filter { $0.path != "Dockerfile" }
    for bytes in files.map(\.bytes) + [task.instruction] {
      for word in bytes.split(whereSeparator: { !TaskName.isIdentifierByte($0) }) {
        words.insert(String(decoding: word, as: UTF8.self))
      }
    }
    return words
  }

  /// A distribution's name as PEP 503 writes it, which is how workers say what they offer.
  static func normalised(_ distribution: String) -> String {
    distribution.lowercased().split { "-_.".contains($0) }.joined(separator: "-")
  }

  /// The module under which a distribution is imported: most by their name, some not.
  static func module(of distribution: String) -> String {
    let name = distribution.lowercased()
    let others = [
      "beautifulsoup4": "bs4", "opencv-python": "cv2", "opencv-python-headless": "cv2",
      "pillow": "PIL", "pycryptodome": "Crypto", "python-dateutil": "dateutil", "pyyaml": "yaml",
      "scikit-image": "skimage", "scikit-learn": "sklearn",
    ]
    return others[name] ?? name.replacing("-", with: "_").replacing(".", with: "_")
  }
}

/// Absolute paths in text, such as `/data/input.csv`.
enum PathWords {
  /// Paths of at least two characters that stand after a space, a quote, a bracket or the like.
  static func words(_ bytes: [UInt8]) -> Set<String> {
    let before = Set(" \t\n\"'`([<=:".utf8)
    var words: Set<String> = []
    var position = 0
    while position < bytes.count {
      let isStart = position == 0 || before.contains(bytes[position - 1])
      guard bytes[position] == UInt8(ascii: "/"), isStart else {
        position += 1
        continue
      }
      var end = position
      while end < bytes.count, isPathByte(bytes[end]) { end += 1 }
      var word = bytes[position..<end]
      while let last = word.last, last == UInt8(ascii: ".") || last == UInt8(ascii: "/") {
        word.removeLast()
      }
      if word.count > 1, !word.starts(with: [0x2F, 0x2F]) {
        words.insert(String(decoding: word, as: UTF8.self))
      }
      position = max(end, position + 1)
    }
    return words
  }

  private static func isPathByte(_ byte: UInt8) -> Bool {
    TaskName.isIdentifierByte(byte) || "/.-".utf8.contains(byte)
  }
}
