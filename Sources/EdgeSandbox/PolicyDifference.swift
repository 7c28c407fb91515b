internal import EdgeJob

/// Something that two policies say differently.
package struct PolicyDifference: Hashable, Sendable {
  /// `call`, `default`, `limits`, `fileSystem`, `environment` or the name of another member.
  package let kind: String
  package let name: String
  /// What the first says; nil where it says nothing.
  package let left: String?
  package let right: String?
}

extension NamedPolicy {
  /// What the other says differently, about calls first.
  /// - Throws: stage `seccomp compile`, where groups contradict one another.
  package func differences(_ other: NamedPolicy) throws(LaunchFailure) -> [PolicyDifference] {
    var found: [PolicyDifference] = []
    let (mine, others) = (try compiled(), try other.compiled())
    let (left, right) = (ResolvedPolicy(policy), ResolvedPolicy(other.policy))
    for number in Set(mine.keys).union(others.keys).sorted()
    where mine[number] != others[number] {
      found.append(
        PolicyDifference(
          kind: "call", name: SyscallTable.name(of: number), left: left.text(of: number),
          right: right.text(of: number)))
    }
    if standard != other.standard {
      found.append(
        PolicyDifference(kind: "default", name: "", left: standard, right: other.standard))
    }
    guard let profile, let theirs = other.profile else { return found }
    return found + profile.differences(theirs)
  }

  /// What is said of each call, in a form that is equal where it means the same. Nothing is said
  /// where only the default is repeated.
  private func compiled() throws(LaunchFailure) -> [Int32: Set<CompileRules.Rule>] {
    let resolved = ResolvedPolicy(policy)
    var rules: [Int32: Set<CompileRules.Rule>] = [:]
    do throws(CompileRules.Problem) {
      for rule in try CompileRules.of(resolved) where rule.action != policy.defaultAction {
        rules[rule.number, default: []].insert(rule)
      }
    } catch {
      throw LaunchFailure(
        stage: "seccomp compile", errno: 0, subject: "\(name): \(error.name): \(error.problem)")
    }
    for number in resolved.kills {
      rules[number] = [CompileRules.Rule(number: number, action: .kill, arguments: [])]
    }
    return rules
  }
}

extension ResolvedPolicy {
  /// What the groups say of a call, for people; nil where they say nothing.
  fileprivate func text(of number: Int32) -> String? {
    if kills.contains(number) { return "end the run" }
    var words: [String] = []
    for entry in entries[number] ?? [] {
      let condition = entry.arguments.map(\.text).joined(separator: ", ")
      let text = NamedPolicy.text(entry.action) + (condition.isEmpty ? "" : " if \(condition)")
      if !words.contains(text) { words.append(text) }
    }
    return words.isEmpty ? nil : words.joined(separator: "; ")
  }
}

extension SandboxProfile {
  func differences(_ other: SandboxProfile) -> [PolicyDifference] {
    var found: [PolicyDifference] = []
    func compare(_ kind: String, _ left: [String: String], _ right: [String: String]) {
      for name in Set(left.keys).union(right.keys).sorted() where left[name] != right[name] {
        found.append(
          PolicyDifference(kind: kind, name: name, left: left[name], right: right[name]))
      }
    }
    compare("limits", limitTexts, other.limitTexts)
    compare("require", floorTexts, other.floorTexts)
    compare("network", ["": network.rawValue], ["": other.network.rawValue])
    compare("fileSystem", viewTexts, other.viewTexts)
    compare("path", ["": path.joined(separator: ":")], ["": other.path.joined(separator: ":")])
    compare("environment", environmentTexts, other.environmentTexts)
    return found
  }

  /// Limits, floor, view and environment as members of a JSON object.
  var parts: [JSON.Member] {
    [
      JSON.Member("limits", .table(limitTexts)), JSON.Member("require", .table(floorTexts)),
      JSON.Member("fileSystem", .table(viewTexts)), JSON.Member("path", .texts(path)),
      JSON.Member("environment", .table(environmentTexts)),
    ]
  }

  private var limitTexts: [String: String] {
    var texts: [String: String] = ["limitAddressSpace": String(addressSpaceIsLimited)]
    for member in limits.json.members ?? [] {
      texts[member.name] = member.value.integer.map(String.init)
    }
    return texts
  }

  private var floorTexts: [String: String] {
    func rung(_ isTree: Bool) -> String { isTree ? "tree" : "rlimit" }
    return [
      "memory": rung(floor.memoryTree), "processes": rung(floor.processesTree),
      "cpu": rung(floor.cpuTree), "landlock": String(floor.landlock),
      "disk": floor.diskQuota ? "quota" : "watched",
      "fileSystem": floor.fileSystemPrivate ? "private" : "landlock",
      "kill": floor.killNamespace ? "namespace" : "subreaper",
      "network": floor.networkNamespace ? "namespace" : "filter",
      "ipc": floor.ipcNamespace ? "namespace" : "filter",
    ]
  }

  private var viewTexts: [String: String] {
    var texts = ["proc": view.wholeProc ? "whole" : "processes"]
    for path in view.optional { texts[path] = "optional" }
    for path in view.required { texts[path] = "required" }
    return texts
  }

  private var environmentTexts: [String: String] {
    var texts: [String: String] = [:]
    for name in environment.allowed { texts[name] = "allowed" }
    for (name, value) in environment.fixed {
      texts[name] = "= \(value)" + (environment.allows(name) ? ", allowed" : "")
    }
    return texts
  }
}
