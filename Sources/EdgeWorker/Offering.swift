internal import EdgeJob
package import EdgeSandbox
internal import EdgeSystem

/// What the sandboxes of this machine offer to tasks, so that the scheduler sends nobody here in
/// vain: `language:L`, `program:NAME`, `python:MODULE`, `debian:PACKAGE`.
package struct Offering: Sendable {
  package let provides: [String]
  /// Versions for the receipts.
  package let tools: [String: String]

  /// The profiles for tasks; `inspect` is for our own use.
  package static let profiles = ["python", "python-warm", "javascript", "shell", "strict"]

  /// The profiles whose floor this machine reaches.
  package static func profiles(_ host: SandboxHost) -> [String] {
    profiles.filter { (try? check($0, host)) != nil }
  }

  /// Makes what a run in this profile would need, and drops it.
  /// - Throws: what this machine lacks.
  package static func check(_ name: String, _ host: SandboxHost) throws(LaunchFailure) {
    let profile = try SandboxProfile.load(name)
    _ = try Sandbox(host: host, slot: 0).makeWorkspace(limits: profile.limits, profile: profile)
  }

  private static let interpreters: [(language: String, program: String)] = [
    ("python", "/usr/bin/python3"), ("javascript", "/usr/bin/node"), ("shell", "/bin/bash"),
  ]

  /// With what the sandboxes of this machine can do.
  package func provides(on host: SandboxHost) -> [String] {
    host.isolation == .landlock ? provides : (provides + [TaskManifest.mountsRequirement]).sorted()
  }

  /// Looks around once.
  package static func probe() -> Offering {
    var provides: Set<String> = []
    var tools: [String: String] = [:]
    // All at once: the slowest of them takes longer than everything else here.
    let asked = interpreters.map { (language: $0.language, program: $0.program, of: Asked()) }
    let threads = asked.map { one in
      WorkThread.start { one.of.version = ToolVersion.of(one.program) }
    }
    for thread in threads { thread.join() }
    for (language, program, answer) in asked {
      guard let version = answer.version else { continue }
      provides.insert("language:\(language)")
      tools[program.split(separator: "/").last.map(String.init) ?? program] = version
    }
    for folder in ["/usr/bin", "/usr/local/bin", "/usr/sbin"] {
      for name in (try? Directory(path: folder).entries()) ?? [] {
        provides.insert("program:\(name)")
      }
    }
    for name in (try? Directory(path: "/usr/lib/python3/dist-packages").entries()) ?? [] {
      if let module = distribution(name) { provides.insert("python:\(module)") }
    }
    for name in (try? Directory(path: "/var/lib/dpkg/info").entries()) ?? []
    where name.hasSuffix(".list") {
      let package = name.dropLast(5).split(separator: ":")[0]
      provides.insert("debian:\(package)")
    }
    tools["kernel"] = kernelRelease()
    return Offering(provides: provides.sorted(), tools: tools)
  }

  /// Written by one thread, read when that has ended.
  private final class Asked: @unchecked Sendable {
    var version: String?
  }

  /// `Foo_Bar-1.2.dist-info` → `foo-bar`, as PEP 503 writes names; nil for anything else.
  private static func distribution(_ name: String) -> String? {
    guard name.hasSuffix(".dist-info") || name.hasSuffix(".egg-info") else { return nil }
    let stem = name.split(separator: "-")[0]
    return stem.lowercased().split { "-_.".contains($0) }.joined(separator: "-")
  }

  private static func kernelRelease() -> String {
    let bytes = (try? Directory(path: "/proc/sys/kernel").read("osrelease", atMost: 256)) ?? []
    return String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
  }
}
