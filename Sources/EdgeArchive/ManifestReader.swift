package import EdgeJob

/// Reads a native `task.toml`, format 1: every key is known, or is an error with its line.
/// - Parameter file: the name for messages, such as `task.toml`.
package func readManifest(_ bytes: [UInt8], file: String) throws(ManifestError) -> TaskManifest {
  let document = try TOMLDocument(bytes, file: file, most: ArchiveLimits.task.manifestBytes)
  var reader = ManifestReader()
  return try reader.read(document)
}

/// Puts the tables of a `task.toml` together.
struct ManifestReader {
  private var extensions: [String: String] = [:]
  private var notices: [String] = []

  /// What belongs to the request and not to the task.
  private static let request = [
    "account", "priority", "key", "idempotency_key", "credits_max", "queue", "retries",
    "not_before", "not_after", "depends_on",
  ]
  /// Keys of Harbor that are carried along: nothing is built, and there is no network.
  private static let carriedEnvironment = [
    "build_timeout_sec", "docker_image", "gpus", "gpu_types", "allow_internet",
    "mcp_servers", "env", "skills_dir", "os", "user", "workdir", "healthcheck",
  ]

  mutating func read(_ document: TOMLDocument) throws(ManifestError) -> TaskManifest {
    var root = try TOMLSection(document, [], document.root)
    for key in ["schema_version", "version"] {
      if let version = try root.text(key), !version.hasPrefix("1.") {
        throw root.error(key, "is \"\(MemberName.shown(version))\", expected \"1.4\"")
      }
    }
    guard var native = try root.section("edgecoder") else {
      throw root.error(
        "no [edgecoder] table with format = 1",
        hint: "a Harbor task is converted by `edgecoder import harbor`")
    }
    guard try native.integer("format", in: 1...1) != nil else {
      throw native.error("[edgecoder] lacks format = 1")
    }
    if root.keys.contains("steps") {
      throw root.error("steps", "is not taken: a task has one step")
    }
    ignoreRequest(&root)
    var manifest = try core(&native)
    try task(&root, &manifest)
    try limits(&root, &native, &manifest)
    manifest.verifier = try verifier(&root, manifest)
    manifest.artifacts = try artifacts(&root)
    manifest.requirements = try requirements(&root)
    try end(&native)
    carry(&root, ["metadata", "solution"])
    try end(&root)
    manifest.extensions = extensions
    for notice in notices where !manifest.notices.contains(notice) {
      manifest.notices.append(notice)
    }
    return manifest
  }

  /// Takes keys out and keeps their values as JSON.
  private mutating func carry(_ section: inout TOMLSection, _ keys: [String]) {
    for key in keys {
      guard let node = section.take(key) else { continue }
      extensions[(section.path + [key]).joined(separator: ".")] = node.json.canonicalText
    }
  }

  /// Keeps keys that start with `x_`, and refuses all others that are left.
  private mutating func end(_ section: inout TOMLSection) throws(ManifestError) {
    for key in section.keys where key.hasPrefix("x_") {
      guard key.utf8.allSatisfy({ isWord($0) || $0 == UInt8(ascii: "-") }) else {
        throw section.error(key, "is no name", hint: "letters, digits, - and _ only")
      }
      carry(&section, [key])
    }
    try section.end()
  }

  private mutating func ignoreRequest(_ section: inout TOMLSection) {
    for key in ManifestReader.request where section.take(key) != nil {
      let name = TOMLSection.name(section.path + [key])
      notices.append("\(name) is ignored: it belongs to the request, not to the task")
    }
  }

  /// `[edgecoder]` without its limits.
  private mutating func core(_ native: inout TOMLSection) throws(ManifestError) -> TaskManifest {
    guard let word = try native.text("kind") else { throw native.error("[edgecoder] lacks kind") }
    guard let kind = TaskManifest.Kind(rawValue: word) else {
      throw native.error("kind", "is neither \"run\" nor \"verify\"")
    }
    guard let language = try native.text("language") else {
      throw native.error("[edgecoder] lacks language")
    }
    guard Name.isValid(language) else { throw native.error("language", "is no name") }
    let profile = try native.text("profile") ?? language
    guard Name.isValid(profile) else { throw native.error("profile", "is no name") }
    let command = try native.texts("command") ?? []
    if let first = command.first, first.isEmpty { throw native.error("command", "starts empty") }
    if kind == .run, command.isEmpty {
      throw native.error("[edgecoder] lacks command, which kind = \"run\" needs")
    }
    let workDirectory = try native.text("workdir") ?? ""
    if !workDirectory.isEmpty, !PathText.isRelative(workDirectory) {
      throw native.error("workdir", "is no path below the workspace")
    }
    let mountPoint = try native.text("mount_point") ?? "/work"
    guard PathText.isMountPoint(mountPoint) else {
      throw native.error("mount_point", "is no absolute path of its own, such as \"/work\"")
    }
    let environment = try native.table("environment") ?? [:]
    try checkVariables(environment, native, "environment")
    let protected = try native.texts("protected") ?? []
    for path in protected where !PathText.isRelative(path) {
      throw native.error("protected", "names \(MemberName.shown(path)), no path of the snapshot")
    }
    ignoreRequest(&native)
    // What whoever wrote the file noticed, for people.
    let notices = try native.texts("notices") ?? []
    return TaskManifest(
      name: "task", kind: kind, language: language, profile: profile, command: command,
      input: try native.text("stdin") ?? "", environment: environment,
      workDirectory: workDirectory, mountPoint: mountPoint,
      seed: try native.integer("seed", in: 0...4_294_967_295) ?? 0, protected: protected,
      notices: notices)
  }

  private func checkVariables(
    _ variables: [String: String], _ section: TOMLSection, _ key: String
  ) throws(ManifestError) {
    for name in variables.keys.sorted() {
      let isDigit = name.utf8.first.map { (0x30...0x39).contains($0) } ?? true
      if isDigit || !name.utf8.allSatisfy(isWord) {
        throw section.error(key, "has \(MemberName.shown(name)), no name of a variable")
      }
    }
  }

  /// `[task]`.
  private mutating func task(_ root: inout TOMLSection, _ manifest: inout TaskManifest)
    throws(ManifestError)
  {
    guard var section = try root.section("task") else { return }
    if let name = try section.text("name") {
      guard (1...200).contains(name.utf8.count), MemberName.shown(name) == name else {
        throw section.error("name", "is empty, longer than 120 characters, or not plain text")
      }
      manifest.name = name
    }
    manifest.summary = try section.text("description") ?? ""
    carry(&section, ["authors", "keywords"])
    ignoreRequest(&section)
    try end(&section)
  }

  /// `[environment]`, `[agent]` and `[edgecoder.limits]`: the limits of the run phase.
  private mutating func limits(
    _ root: inout TOMLSection, _ native: inout TOMLSection, _ manifest: inout TaskManifest
  ) throws(ManifestError) {
    var limits = Limits()
    var cpu: Int64?
    var wall: Int64?
    if var section = try root.section("environment") {
      try amounts(&section, &limits)
      if let network = try section.text("network"), network != "none" {
        throw section.error("network", "is not \"none\", which is all that a task gets")
      }
      if section.keys.contains("allow_internet") {
        notices.append("environment.allow_internet is ignored: no task gets a network")
      }
      let ignored = ["docker_image", "gpus", "mcp_servers", "env"].filter {
        section.keys.contains($0)
      }
      if !ignored.isEmpty {
        notices.append(
          "carried along, without effect: environment.\(ignored.joined(separator: ", "))")
      }
      carry(&section, ManifestReader.carriedEnvironment)
      try end(&section)
    }
    if var section = try root.section("agent") {
      wall = try section.seconds("timeout_sec")
      carry(&section, ["user"])
      try end(&section)
    }
    if var section = try native.section("limits") {
      cpu = try section.seconds("cpu")
      wall = try section.seconds("wall") ?? wall
      try end(&section)
    }
    apply(cpu, wall, &limits)
    manifest.limits = limits
  }

  /// A wall limit alone bounds the CPU time too.
  private func apply(_ cpu: Int64?, _ wall: Int64?, _ limits: inout Limits) {
    if let wall { limits.wallMilliseconds = wall }
    if let cpu = cpu ?? wall { limits.cpuMilliseconds = cpu }
  }

  /// The limits that are counted, not timed.
  private func amounts(_ section: inout TOMLSection, _ limits: inout Limits) throws(ManifestError) {
    let megabytes: ClosedRange<Int64> = 1...(1 << 24)
    if let value = try section.integer("memory_mb", in: megabytes) {
      limits.memoryBytes = value << 20
    }
    if let value = try section.integer("storage_mb", in: megabytes) {
      limits.diskBytes = value << 20
    }
    if let value = try section.integer("pids", in: 1...1_000_000) { limits.processes = value }
    if let value = try section.integer("cpus", in: 1...1024) { limits.processors = value }
    if let value = try section.integer("open_files", in: 3...1_000_000) { limits.openFiles = value }
    if let value = try section.integer("output_kb", in: 1...(1 << 20)) {
      limits.outputBytes = value << 10
    }
    if let value = try section.integer("files", in: 1...100_000_000) { limits.files = value }
  }

  /// `[verifier]`, with the limits of the run phase where it gives none.
  private mutating func verifier(_ root: inout TOMLSection, _ manifest: TaskManifest)
    throws(ManifestError) -> TaskManifest.Verifier?
  {
    guard var section = try root.section("verifier") else {
      if manifest.kind == .run { return nil }
      throw root.error("no [verifier] table, which kind = \"verify\" needs")
    }
    let runner = try runner(&section)
    let files = try section.texts("files") ?? []
    for file in files where !PathText.isRelative(file) {
      throw section.error("files", "names \(MemberName.shown(file)), no path below tests/")
    }
    let expected = try section.texts("expected") ?? []
    if Set(expected.map { Array($0.utf8) }).count != expected.count {
      throw section.error("expected", "names a test twice")
    }
    let command = try section.texts("command") ?? []
    let environment = try section.table("env") ?? [:]
    try checkVariables(environment, section, "env")
    var limits = manifest.limits
    var cpu: Int64?
    var wall = try section.seconds("timeout_sec")
    if var own = try section.section("limits") {
      try amounts(&own, &limits)
      cpu = try own.seconds("cpu")
      wall = try own.seconds("wall") ?? wall
      try end(&own)
    }
    apply(cpu, wall, &limits)
    carry(&section, ["user"])
    try end(&section)
    guard let runner else {
      if manifest.kind == .verify { throw section.error("[verifier] lacks runner") }
      notices.append("[verifier] is ignored: it names no runner")
      return nil
    }
    let isCommand = runner == .exit || runner == .reward
    if isCommand, command.first?.isEmpty ?? true {
      throw section.error("[verifier] lacks command, which runner = \"\(runner.rawValue)\" needs")
    }
    if !isCommand, files.isEmpty || expected.isEmpty || !command.isEmpty {
      throw section.error(
        "[verifier] with runner = \"\(runner.rawValue)\" needs files and expected, and no command")
    }
    return TaskManifest.Verifier(
      runner: runner, files: files, expected: expected, command: command,
      environment: environment, limits: limits)
  }

  private func runner(_ section: inout TOMLSection) throws(ManifestError)
    -> TaskManifest.Verifier.Runner?
  {
    guard let word = try section.text("runner") else { return nil }
    guard let runner = TaskManifest.Verifier.Runner(rawValue: word) else {
      let list = TaskManifest.Verifier.Runner.allCases.map(\.rawValue).joined(separator: ", ")
      throw section.error("runner", "is \"\(MemberName.shown(word))\", none of \(list)")
    }
    return runner
  }

  /// `[[artifacts]]`.
  private mutating func artifacts(_ root: inout TOMLSection) throws(ManifestError)
    -> [TaskManifest.Artifact]
  {
    var artifacts: [TaskManifest.Artifact] = []
    for var section in try root.sections("artifacts") {
      guard let path = try section.text("path"), PathText.isRelative(path) else {
        throw section.error("an artifact lacks a path below the workspace")
      }
      let word = try section.text("when") ?? "always"
      guard let when = TaskManifest.Artifact.When(rawValue: word) else {
        throw section.error("when", "is none of always, success, failure")
      }
      let megabytes = try section.integer("max_mb", in: 1...(1 << 20)) ?? 10
      artifacts.append(
        TaskManifest.Artifact(
          path: path, required: try section.flag("required") ?? false, when: when,
          bytesMax: megabytes << 20))
      try end(&section)
    }
    return artifacts
  }

  /// `[requires]`.
  private mutating func requirements(_ root: inout TOMLSection) throws(ManifestError) -> [String] {
    guard var section = try root.section("requires") else { return [] }
    var list: [String] = []
    for (key, kind) in [("programs", "program"), ("python", "python"), ("debian", "debian")] {
      for name in try section.texts(key) ?? [] {
        guard !name.isEmpty, name.utf8.allSatisfy({ isWord($0) || "+-.".utf8.contains($0) }) else {
          throw section.error(key, "names \"\(MemberName.shown(name))\", which is no name")
        }
        list.append("\(kind):\(name)")
      }
    }
    try end(&section)
    return list
  }
}

private func isWord(_ byte: UInt8) -> Bool {
  switch byte {
  case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"): true
  default: false
  }
}
