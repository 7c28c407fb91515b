package import EdgeJob

/// A `task.toml` that reads back as the same manifest.
///
/// Limits of memory and disk are written in MiB and those of output in KiB, rounded up.
package func taskTOML(for manifest: TaskManifest) -> String {
  var writer = TOMLWriter(extensions: manifest.extensions)
  writer.value("schema_version", .string("1.4"))
  writer.extras("")
  writer.table("edgecoder")
  writer.value("format", 1)
  writer.value("kind", .string(manifest.kind.rawValue))
  writer.value("language", .string(manifest.language))
  writer.value("profile", .string(manifest.profile))
  writer.value("command", .texts(manifest.command), unless: manifest.command.isEmpty)
  writer.value("stdin", .string(manifest.input), unless: manifest.input.isEmpty)
  writer.value("workdir", .string(manifest.workDirectory), unless: manifest.workDirectory.isEmpty)
  writer.value("mount_point", .string(manifest.mountPoint), unless: manifest.mountPoint == "/work")
  writer.value("seed", .int(manifest.seed), unless: manifest.seed == 0)
  writer.value("protected", .texts(manifest.protected), unless: manifest.protected.isEmpty)
  writer.value("notices", .texts(manifest.notices), unless: manifest.notices.isEmpty)
  writer.extras("edgecoder")
  writer.table("edgecoder.environment", manifest.environment)
  writer.table("edgecoder.limits")
  writer.times(manifest.limits)
  writer.extras("edgecoder.limits")
  writer.table("task")
  writer.value("name", .string(manifest.name))
  writer.value("description", .string(manifest.summary), unless: manifest.summary.isEmpty)
  writer.extras("task")
  writer.table("environment")
  writer.amounts(manifest.limits)
  writer.extras("environment")
  writer.section("agent")
  if let verifier = manifest.verifier {
    writer.verifier(verifier)
  } else {
    writer.section("verifier")
  }
  writer.requirements(manifest.requirements)
  for (index, artifact) in manifest.artifacts.enumerated() { writer.artifact(artifact, index) }
  return writer.text
}

private struct TOMLWriter {
  let extensions: [String: String]
  private(set) var text = ""

  init(extensions: [String: String]) { self.extensions = extensions }

  mutating func table(_ name: String) { text += "\n[\(name)]\n" }

  mutating func table(_ name: String, _ table: [String: String]) {
    if table.isEmpty { return }
    self.table(name)
    for (key, text) in table.sorted(by: { $0.key < $1.key }) { value(key, .string(text)) }
  }

  mutating func value(_ key: String, _ json: JSON, unless isDefault: Bool = false) {
    if !isDefault { text += "\(TOMLText.key(key)) = \(TOMLText.value(json))\n" }
  }

  /// The values of other formats that were read from one table.
  mutating func extras(_ table: String) {
    for (key, json) in own(table) { value(key, json) }
  }

  /// A table that holds nothing else.
  mutating func section(_ name: String) {
    if own(name).isEmpty { return }
    table(name)
    extras(name)
  }

  private func own(_ table: String) -> [(key: String, json: JSON)] {
    let prefix = table.isEmpty ? "" : table + "."
    return extensions.sorted { $0.key < $1.key }.compactMap { name, json in
      let key = name.dropFirst(prefix.count)
      guard name.hasPrefix(prefix), !key.contains("."), let json = try? JSON.parse(json.utf8) else {
        return nil
      }
      return (String(key), json)
    }
  }

  mutating func times(_ limits: Limits) {
    value("cpu", .string(DecimalText.seconds(milliseconds: limits.cpuMilliseconds)))
    value("wall", .string(DecimalText.seconds(milliseconds: limits.wallMilliseconds)))
  }

  mutating func amounts(_ limits: Limits) {
    value("memory_mb", .int(TOMLWriter.units(limits.memoryBytes, 20)))
    value("storage_mb", .int(TOMLWriter.units(limits.diskBytes, 20)))
    value("pids", .int(limits.processes))
    value("cpus", .int(limits.processors), unless: limits.processors == 1)
    value("open_files", .int(limits.openFiles))
    value("output_kb", .int(TOMLWriter.units(limits.outputBytes, 10)))
    value("files", .int(limits.files))
  }

  private static func units(_ bytes: Int64, _ shift: Int64) -> Int64 {
    (bytes >> shift) + (bytes & ((1 << shift) - 1) == 0 ? 0 : 1)
  }

  mutating func verifier(_ verifier: TaskManifest.Verifier) {
    table("verifier")
    value("runner", .string(verifier.runner.rawValue))
    value("files", .texts(verifier.files), unless: verifier.files.isEmpty)
    value("expected", .texts(verifier.expected), unless: verifier.expected.isEmpty)
    value("command", .texts(verifier.command), unless: verifier.command.isEmpty)
    extras("verifier")
    table("verifier.env", verifier.environment)
    table("verifier.limits")
    times(verifier.limits)
    amounts(verifier.limits)
    extras("verifier.limits")
  }

  mutating func requirements(_ requirements: [String]) {
    if requirements.isEmpty, own("requires").isEmpty { return }
    table("requires")
    for (key, kind) in [("programs", "program:"), ("python", "python:"), ("debian", "debian:")] {
      let names = requirements.filter { $0.hasPrefix(kind) }.map {
        String($0.dropFirst(kind.count))
      }
      value(key, .texts(names), unless: names.isEmpty)
    }
    extras("requires")
  }

  mutating func artifact(_ artifact: TaskManifest.Artifact, _ index: Int) {
    text += "\n[[artifacts]]\n"
    value("path", .string(artifact.path))
    value("required", .bool(artifact.required))
    value("when", .string(artifact.when.rawValue))
    value("max_mb", .int(TOMLWriter.units(artifact.bytesMax, 20)))
    extras("artifacts[\(index)]")
  }
}

/// TOML spellings of JSON values.
private enum TOMLText {
  static func key(_ key: String) -> String {
    let isBare =
      !key.isEmpty
      && key.utf8.allSatisfy {
        switch $0 {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
      }
    return isBare ? key : quoted(key)
  }

  /// One line. Nothing that came from TOML is null.
  static func value(_ json: JSON) -> String {
    switch json {
    case .null: "\"\""
    case .bool(let flag): flag ? "true" : "false"
    case .int(let integer): String(integer)
    case .number: json.canonicalText
    case .string(let text): quoted(text)
    case .array(let elements): "[" + elements.map(value).joined(separator: ", ") + "]"
    case .object(let members):
      "{" + members.map { "\(key($0.name)) = \(value($0.value))" }.joined(separator: ", ") + "}"
    }
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case "\r": result += "\\r"
      case "\u{0}"..<" ", "\u{7F}":
        let code = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - code.count) + code
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
