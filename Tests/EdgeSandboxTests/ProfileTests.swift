import EdgeJob
import EdgeSandbox
import EdgeSystem
import EdgeTestSupport
import Testing

/// Profiles as files.
struct ProfileTests {
  @Test func everyShippedProfileLoads() throws {
    let files = try Directory(path: Box.profiles).entries()
    let names = files.filter { $0.hasSuffix(".json") && $0 != "schema.json" }
      .map { String($0.dropLast(".json".count)) }
    #expect(
      names.sorted() == [
        "base", "inspect", "javascript", "python", "python-warm", "shell", "strict",
      ])
    for name in names {
      let profile = try SandboxProfile.load(name, directory: Box.profiles)
      #expect(profile.name == name)
      #expect(profile.digest == (try SandboxProfile.load(name, directory: Box.profiles)).digest)
    }
  }

  @Test func profilesDiffer() throws {
    var digests: Set<Digest> = []
    for name in ["python", "python-warm", "javascript", "shell", "strict", "inspect"] {
      digests.insert(try SandboxProfile.load(name, directory: Box.profiles).digest)
    }
    #expect(digests.count == 6)
  }

  @Test(arguments: ["../python", "", "none", "a/b", "Python"])
  func otherNamesAreRefused(_ name: String) {
    let failure = #expect(throws: LaunchFailure.self) {
      try SandboxProfile.load(name, directory: Box.profiles)
    }
    #expect(failure?.stage == "profile")
  }

  @Test(arguments: [
    (#""version": 2,"#, #""version": 2, "surprise": 1,"#, "surprise"),
    (#""memory": "tree""#, #""memory": "perhaps""#, "neither tree nor rlimit"),
    (#""version": 2,"#, #""version": 2, "kill": ["read"],"#, "allowed and killed"),
    (#""version": 2,"#, #""version": 2, "fileSystem": { "required": ["/a/../b"] },"#, "plain"),
  ])
  func mistakesAreNamed(_ old: String, _ new: String, _ problem: String) throws {
    let folder = TemporaryDirectory()
    let source = try Directory(path: Box.profiles)
    let target = try Directory(path: folder.path)
    try target.publish("base.json", try source.read("base.json", atMost: 1 << 20))
    let text = String(decoding: try source.read("strict.json", atMost: 1 << 20), as: UTF8.self)
    var changed = text.replacing(old, with: new)
    // One "kill" is there already.
    if new.contains("kill") {
      changed = changed.replacing(#""kill": ["io_uring"#, with: #""kill": ["read", "io_uring"#)
        .replacing(new, with: old)
    }
    try target.publish("strict.json", Array(changed.utf8))
    let failure = #expect(throws: LaunchFailure.self) {
      try SandboxProfile.load("strict", directory: folder.path)
    }
    #expect(failure?.subject.contains(problem) == true, "\(String(describing: failure))")
  }

  @Test func theInspectProfileStartsNothing() throws {
    guard isRoot else { return }
    let failure = #expect(throws: LaunchFailure.self) {
      try Box(limits: smallLimits).run(["true"], profile: "inspect")
    }
    #expect(failure?.stage == "profile")
  }
}
