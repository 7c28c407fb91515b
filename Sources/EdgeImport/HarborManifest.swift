internal import EdgeJob

/// What a Harbor task.toml asks for, and what of it cannot be had here.
struct HarborManifest {
  /// Wall time of the first phase, milliseconds.
  var agentMilliseconds: Int64 = 600_000
  /// Wall time of the verifier, milliseconds.
  var verifierMilliseconds: Int64 = 600_000
  var verifierEnvironment: [String: String] = [:]
  var processors: Int64 = 1
  var memoryBytes: Int64 = 2048 << 20
  var diskBytes: Int64 = 1024 << 20
  /// What was not read, by its dotted name.
  var carried: [JSON.Member] = []
  var notices: [String] = []
  /// Why the task cannot run here.
  var reasons: [String] = []

  private let file: String

  /// - Throws: a value of another type than Harbor's, with the key's name.
  init(_ json: JSON, file: String) throws(ImportError) {
    self.file = file
    guard let tables = json.members else { throw ImportError("no table", at: file) }
    for member in tables {
      switch (member.name, member.value) {
      case ("version", .string(let version)), ("schema_version", .string(let version)):
        if !version.hasPrefix("1.") {
          notices.append("\(member.name) \(quoted(version)) is not known; read as 1.x")
        }
      case ("verifier", .object(let values)): try readVerifier(values)
      case ("agent", .object(let values)): try readAgent(values)
      case ("environment", .object(let values)): try readEnvironment(values)
      case ("verifier", _), ("agent", _), ("environment", _):
        throw ImportError("[\(member.name)] is no table", at: file)
      default: carry(member.value, member.name)
      }
    }
  }

  /// Keeps a value under its dotted name; empty tables and lists say nothing.
  private mutating func carry(_ value: JSON, _ name: String) {
    switch value {
    case .object(let members):
      for member in members { carry(member.value, name + "." + member.name) }
    case .array(let elements) where elements.isEmpty: break
    case .null: break
    default: carried.append(JSON.Member(name, value))
    }
  }

  private mutating func readVerifier(_ values: [JSON.Member]) throws(ImportError) {
    for value in values {
      switch (value.name, value.value) {
      case ("timeout_sec", let json):
        verifierMilliseconds = try milliseconds(json, "verifier.timeout_sec")
      case ("env", .object(let names)):
        for name in names {
          guard TaskName.isIdentifier(name.name), let text = name.value.text else {
            throw ImportError("verifier.env.\(quoted(name.name)) is not text", at: file)
          }
          if text.contains("${") {
            reasons.append("verifier.env.\(name.name) comes from the host's environment")
          }
          verifierEnvironment[name.name] = text
        }
      default: carry(value.value, "verifier." + value.name)
      }
    }
  }

  private mutating func readAgent(_ values: [JSON.Member]) throws(ImportError) {
    for value in values {
      if value.name == "timeout_sec" {
        agentMilliseconds = try milliseconds(value.value, "agent.timeout_sec")
      } else {
        carry(value.value, "agent." + value.name)
      }
    }
  }

  private mutating func readEnvironment(_ values: [JSON.Member]) throws(ImportError) {
    for value in values {
      let name = "environment." + value.name
      switch (value.name, value.value) {
      case ("cpus", let json): processors = try positive(json, name)
      case ("memory_mb", let json): memoryBytes = try positive(json, name) << 20
      case ("storage_mb", let json): diskBytes = try positive(json, name) << 20
      case ("gpus", .int(let count)):
        if count > 0 { reasons.append("it asks for \(count) GPUs") }
      case ("mcp_servers", .array(let servers)):
        if !servers.isEmpty { reasons.append("it asks for \(servers.count) MCP servers") }
      case ("allow_internet", .bool(let isAllowed)):
        if isAllowed { notices.append("allow_internet is ignored: tasks have no network") }
      case ("docker_image", .string(let image)):
        notices.append("the prebuilt image \(quoted(image)) is not used")
      case ("build_timeout_sec", _): break
      default: carry(value.value, name)
      }
    }
  }

  /// Seconds, whole or not, between a millisecond and a day.
  private func milliseconds(_ json: JSON, _ name: String) throws(ImportError) -> Int64 {
    let seconds: Double? =
      switch json {
      case .int(let integer): Double(integer)
      case .number(let number): number
      default: nil
      }
    guard let seconds, seconds >= 0.001, seconds <= 86_400 else {
      throw ImportError("\(name) is no number of seconds up to a day", at: file)
    }
    return Int64((seconds * 1000).rounded())
  }

  /// A whole number up to a million; Harbor allows fractions of processors, which count as one.
  private func positive(_ json: JSON, _ name: String) throws(ImportError) -> Int64 {
    switch json {
    case .int(let integer) where (1...1_000_000).contains(integer): return integer
    case .number(let number) where number > 0 && number <= 1_000_000:
      return Int64(number.rounded(.up))
    default: throw ImportError("\(name) is no number between 1 and 1000000", at: file)
    }
  }
}
