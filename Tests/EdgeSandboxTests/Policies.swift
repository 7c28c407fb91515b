import EdgeJob
import EdgeSystem
import EdgeTestSupport

@testable import EdgeSandbox

/// Policies for tests.
enum Policies {
  static let ours = ["python", "javascript", "shell", "strict", "inspect"]
  static let documents = ["docker-default", "podman-default"]

  /// One of ours, or one of the documents of others; `loopback` is `base` with that grant.
  static func named(_ name: String) throws -> SyscallPolicy {
    if name == "loopback" { return try loopback() }
    if ours.contains(name) {
      return try SandboxProfile.load(name, directory: Box.profiles).policy
    }
    return try document(name).policy
  }

  private static func loopback() throws -> SyscallPolicy {
    let bytes = try Directory(path: Box.profiles).read("base.json", atMost: 1 << 20)
    let text = String(decoding: bytes, as: UTF8.self)
      .replacing(#""network": "unix""#, with: #""network": "loopback""#)
    let json = ProfileSeccomp.granted(try JSON.parse(Array(text.utf8)))
    return try SandboxProfile(resolved: json, "loopback").policy
  }

  static func document(_ name: String) throws -> NamedPolicy {
    try NamedPolicy.load("\(SharedData.folder("seccomp") ?? "absent")/\(name).json")
  }

  /// A plain document with these groups and EPERM as default.
  static func plain(_ groups: String, default action: String = "SCMP_ACT_ERRNO") throws
    -> NamedPolicy
  {
    let text = #"{"defaultAction": "\#(action)", "syscalls": [\#(groups)]}"#
    return try NamedPolicy.document(try JSON.parse(Array(text.utf8)), "plain")
  }

  /// A group that allows these calls under these comparisons.
  static func allow(_ names: String, _ arguments: String = "") -> String {
    group(names, "SCMP_ACT_ALLOW", arguments)
  }

  static func group(_ names: String, _ action: String, _ arguments: String = "") -> String {
    let list = names.split(separator: " ").map { #""\#($0)""# }.joined(separator: ",")
    return #"{"names": [\#(list)], "action": "\#(action)", "args": [\#(arguments)]}"#
  }

  /// One comparison.
  static func compare(_ index: Int, _ comparison: String, _ value: Int64, _ two: Int64 = 0)
    -> String
  {
    #"{"index": \#(index), "op": "SCMP_CMP_\#(comparison)", "value": \#(value),"#
      + #" "valueTwo": \#(two)}"#
  }

  /// What a program needs to be started, for documents that are about something else.
  static let basics = allow("read write execve exit_group")
}
