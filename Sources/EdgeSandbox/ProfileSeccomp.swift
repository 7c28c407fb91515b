internal import EdgeJob

/// The member `seccomp` of a profile: groups of its own, or a document of others as it is.
enum ProfileSeccomp {
  /// The profile with the groups of its network grant at the end of its own.
  static func granted(_ json: JSON) -> JSON {
    guard let text = json["network"]?.text, let grant = NetworkGrant(rawValue: text),
      case .object(let members) = json
    else { return json }
    return .object(
      members.map { member in
        guard member.name == "seccomp", case .object(let parts) = member.value else {
          return member
        }
        let own = member.value["syscalls"]?.elements ?? []
        let others = parts.filter { $0.name != "syscalls" }
        return JSON.Member(
          "seccomp",
          .object(others + [JSON.Member("syscalls", .array(own + grant.groups))]))
      })
  }

  /// - Parameter kill: calls that end the run.
  static func policy(_ json: JSON, kill: [String]) throws(JSONError) -> SyscallPolicy {
    guard json["file"] != nil else {
      let policy = try SeccompDocument.read(json, .profile, kill: kill)
      for name in kill where policy.allowed.contains(name) {
        throw JSONError("\(name) is allowed and killed at once")
      }
      return policy
    }
    var fields = try Fields(json, of: "seccomp")
    let (file, why) = (try fields.text("file"), try fields.text("why"))
    if why.isEmpty { throw JSONError("\"file\" of seccomp has no reason") }
    let document = try SeccompDocument.read(try fields.value("document"), .foreign, kill: kill)
    let grant = try SeccompDocument.read(
      [
        "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1,
        "syscalls": try fields.value("syscalls"),
      ], .profile, kill: [])
    try fields.end()
    // The profile only takes away: what it kills is not allowed, and its grant decides on sockets.
    var rules = document.without(NetworkGrant.calls.union(document.kill))
    for index in rules.indices where rules[index].why == nil {
      rules[index].why = "\(file): \(why)"
    }
    return SyscallPolicy(
      rules: rules + grant.rules,
      kill: document.kill, defaultAction: document.defaultAction,
      notices: document.notices + ["the grant of the network decides about socket"],
      contradictions: document.contradictions)
  }
}
