internal import EdgeJob

/// Reads `linux.seccomp` of the OCI runtime specification: strictly and with reasons inside our own
/// profiles, and as Docker and podman write it in documents of theirs.
struct SeccompDocument {
  /// Whose document it is.
  enum Origin { case profile, foreign }

  private let origin: Origin
  private var rules: [SyscallPolicy.Rule] = []
  private var kill: [String] = []
  private var notices: [String] = []

  /// - Parameter kill: calls that a profile kills besides.
  static func read(_ json: JSON, _ origin: Origin, kill: [String]) throws(JSONError)
    -> SyscallPolicy
  {
    var document = SeccompDocument(origin: origin)
    return try document.policy(json, kill: kill)
  }

  private init(origin: Origin) { self.origin = origin }

  private mutating func policy(_ json: JSON, kill more: [String]) throws(JSONError)
    -> SyscallPolicy
  {
    var fields = try Fields(json, of: "seccomp")
    let action = try fields.text("defaultAction")
    let number = try errno(&fields, number: "defaultErrnoRet", name: "defaultErrno")
    let standard = try self.action(action, number, of: "the default")
    if origin == .profile, standard != .error(1) {
      throw JSONError("the default of seccomp is not SCMP_ACT_ERRNO with EPERM (1)")
    }
    for (index, json) in try fields.elements("syscalls").enumerated() {
      try group(json, "group \(index + 1)")
    }
    if origin == .foreign { try architectures(&fields) }
    for name in fields.left {
      if origin == .profile { throw JSONError("seccomp has an unknown member \"\(name)\"") }
      notices.append("\"\(name)\" is not used")
    }
    for name in more where !kill.contains(name) { kill.append(name) }
    let contradictions = origin == .foreign ? settle() : []
    return SyscallPolicy(
      rules: rules, kill: kill, defaultAction: standard, notices: notices,
      contradictions: contradictions)
  }

  /// podman's own list allows and forbids the same call. The stricter word counts.
  private mutating func settle() -> [String] {
    var words: [String: [Int]] = [:]
    for (index, rule) in rules.enumerated() where rule.arguments.isEmpty {
      for name in rule.names { words[name, default: []].append(index) }
    }
    var settled: [String] = []
    for (name, groups) in words.sorted(by: { $0.key < $1.key }) {
      guard Set(groups.map { rules[$0].action }).count > 1,
        let strict = groups.first(where: { rules[$0].action != .allow })
      else { continue }
      for index in groups where rules[index].action != rules[strict].action {
        rules[index].names.removeAll { $0 == name }
      }
      let list = groups.map { String($0 + 1) }.joined(separator: " and ")
      settled.append("\(name): groups \(list) say different things; \(strict + 1) counts")
    }
    return settled
  }

  private mutating func group(_ json: JSON, _ subject: String) throws(JSONError) {
    var fields = try Fields(json, of: subject)
    var names: [String] = []
    if origin == .foreign, let name = try fields.optionalText("name") { names = [name] }
    if names.isEmpty || fields.left.contains("names") { names += try fields.texts("names") }
    let number = try errno(&fields, number: "errnoRet", name: "errno")
    let action = try self.action(try fields.text("action"), number, of: subject)
    var arguments: [SyscallPolicy.Argument] = []
    for json in try list(&fields, "args") { arguments.append(try argument(json)) }
    var why = origin == .profile ? try fields.text("why") : try fields.optionalText("why")
    if origin == .profile, why?.isEmpty == true {
      throw JSONError("\(subject) of syscalls has no reason")
    }
    if origin == .foreign {
      let comment = try fields.optionalText("comment") ?? ""
      if why == nil, !comment.isEmpty { why = comment }
      let conditions = try OCIConditions(
        includes: fields.take("includes"), excludes: fields.take("excludes"), of: subject)
      notices += conditions.notices
      guard conditions.hold else { return }
    }
    for name in fields.left {
      if origin == .profile { throw JSONError("\(subject) has an unknown member \"\(name)\"") }
      notices.append("\"\(name)\" of \(subject) is not used")
    }
    if action == .kill, arguments.isEmpty {
      kill += names.filter { !kill.contains($0) }
    } else {
      rules.append(
        SyscallPolicy.Rule(names: names, action: action, arguments: arguments, why: why))
    }
  }

  /// podman writes null where there are no arguments.
  private func list(_ fields: inout Fields, _ name: String) throws(JSONError) -> [JSON] {
    guard let json = fields.take(name), json != .null else { return [] }
    guard let elements = json.elements else { throw JSONError("\"\(name)\" is not a list") }
    return elements
  }

  private mutating func action(_ text: String, _ number: UInt16, of subject: String)
    throws(JSONError) -> SyscallPolicy.Action
  {
    switch text {
    case "SCMP_ACT_ALLOW": return .allow
    case "SCMP_ACT_ERRNO": return .error(number)
    case _ where origin == .profile: break
    case "SCMP_ACT_LOG":
      notices.append("\(subject) allows without logging")
      return .allow
    case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_TRAP":
      return .kill
    case "SCMP_ACT_TRACE":
      throw JSONError("\(subject) wants a tracer, and a program in a sandbox has none")
    case "SCMP_ACT_NOTIFY":
      throw JSONError("\(subject) wants a listener of its own; forbidden calls are told to ours")
    default: break
    }
    throw JSONError("the action of \(subject), \(text), is not one that is known here")
  }

  /// podman writes the name of the error besides its number.
  private mutating func errno(_ fields: inout Fields, number: String, name: String)
    throws(JSONError) -> UInt16
  {
    let value = try fields.optionalInteger(number)
    if let value, !(1...4095).contains(value) {
      throw JSONError("\(number) \(value) is no error number")
    }
    guard origin == .foreign, let text = try fields.optionalText(name), !text.isEmpty else {
      return UInt16(value ?? 1)
    }
    guard let known = ErrorText.number(named: text) ?? value.map(Int32.init) else {
      throw JSONError("\(name) \"\(text)\" is no error that is known here")
    }
    if let value, Int64(known) != value {
      throw JSONError("\(name) \"\(text)\" and \(number) \(value) are different errors")
    }
    return UInt16(known)
  }

  private func argument(_ json: JSON) throws(JSONError) -> SyscallPolicy.Argument {
    var parts = try Fields(json, of: "args")
    let index = try parts.integer("index")
    guard (0..<6).contains(index),
      let comparison = SyscallPolicy.Comparison(rawValue: try parts.text("op"))
    else { throw JSONError("\"args\" has an unknown index or op") }
    let value = try number(parts.take("value"), "value")
    let second = try parts.take("valueTwo").map { json throws(JSONError) in
      try number(json, "valueTwo")
    }
    if origin == .profile { try parts.end() }
    return SyscallPolicy.Argument(
      index: UInt32(index), value: value, second: second ?? 0, comparison: comparison)
  }

  /// 64 bits, also where they are written as a negative number.
  private func number(_ json: JSON?, _ name: String) throws(JSONError) -> UInt64 {
    if let integer = json?.integer { return UInt64(bitPattern: integer) }
    throw JSONError("\"\(name)\" of args is not an integer of 64 bits")
  }

  /// Only this machine's own convention is let in; all others are killed.
  private mutating func architectures(_ fields: inout Fields) throws(JSONError) {
    var named: [String] = []
    for json in try list(&fields, "architectures") { named += [json.text ?? ""] }
    for json in try list(&fields, "archMap") {
      guard json["architecture"]?.text == SyscallTable.architecture else { continue }
      named.append(SyscallTable.architecture)
      named += (json["subArchitectures"]?.elements ?? []).compactMap(\.text)
    }
    let others = named.filter { $0 != SyscallTable.architecture }
    if !named.isEmpty, others.count == named.count {
      notices.append("it is not written for \(SyscallTable.architecture)")
    }
    if !others.isEmpty {
      notices.append("calls of \(others.joined(separator: ", ")) are killed")
    }
  }
}
