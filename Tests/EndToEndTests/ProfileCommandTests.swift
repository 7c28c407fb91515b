import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Testing

extension EndToEnd {
  /// `sandbox profile` as people use it.
  @Suite struct ProfileCommandTests {}
}

extension EndToEnd.ProfileCommandTests {
  private func json(_ place: Workplace, _ command: String, _ status: Int32 = 0) throws -> JSON {
    let result = expect(try place.shell("edgecoder sandbox profile \(command) --json"), status)
    return try JSON.parse(result.stdout)
  }

  @Test func everyCommandAnswersWithItsSchema() throws {
    let place = try Workplace(making: false)
    let shown = try json(place, "show python")
    #expect(shown["schema"]?.text == "edgecoder.profile-show/1")
    #expect(shown["network"]?.text == "unix" && shown["default"]?.text == "EPERM")
    let groups = try #require(shown["groups"]?.elements)
    #expect(groups.count > 20 && groups.allSatisfy { $0["why"]?.text?.isEmpty == false })
    let clean = try json(place, "lint python")
    #expect(clean["schema"]?.text == "edgecoder.profile-lint/1")
    #expect(clean["findings"]?.elements?.isEmpty == true)
    let differences = try json(place, "diff python shell")
    #expect(differences["schema"]?.text == "edgecoder.profile-diff/1")
    #expect(differences["differences"]?.elements?.isEmpty == false)
    let answer = try json(place, "explain python socket AF_INET SOCK_STREAM")
    #expect(answer["schema"]?.text == "edgecoder.profile-explain/1")
    #expect(answer["action"]?.text == "EPERM" && answer["agrees"]?.flag == true)
  }

  @Test func thePlainFormIsReadAgain() throws {
    let place = try Workplace(making: false)
    let result = try place.shell(
      """
      edgecoder sandbox profile show shell --oci >plain.json &&
      edgecoder sandbox profile explain plain.json unshare CLONE_NEWUSER &&
      edgecoder sandbox profile diff shell plain.json -q | grep -c .
      """)
    #expect(result.output.contains("end the run") && result.output.hasSuffix("\n0\n"))
  }

  /// A program that does not do what the rules say, put where compiled ones are kept.
  @Test func aWrongProgramIsAnInvariantThatBroke() throws {
    let place = try Workplace(making: false)
    expect(try place.shell("edgecoder sandbox profile explain inspect socket"), 0)
    let path = "home/.cache/edgecoder/seccomp"
    let name = try #require(try place.names(path).first)
    let file = try place.folder.read("\(path)/\(name)")
    let allow: [UInt8] = [6, 0, 0, 0, 0, 0, 0xFF, 0x7F]
    try place.folder.write(
      "\(path)/\(name)", Array(file.prefix(18 + 32)) + Hash.sha256(allow) + allow)
    let wrong = try json(place, "explain inspect socket", 70)
    #expect(wrong["program"]?.text == "allow" && wrong["agrees"]?.flag == false)
    // Without the right checksum it is not even looked at.
    try place.folder.write("\(path)/\(name)", Array(file.dropLast()) + [0])
    expect(try place.shell("edgecoder sandbox profile explain inspect socket"), 0)
  }

  @Test func mistakesHaveTheirCodes() throws {
    let place = try Workplace(making: false)
    let pair = #"{"index": 0, "op": "SCMP_CMP_NE", "value": "#
    try place.folder.write(
      "pair.json",
      text: """
        {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
        {"names": ["read", "write", "execve", "exit_group"], "action": "SCMP_ACT_ALLOW"},
        {"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [\(pair)38}]},
        {"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [\(pair)40}]}]}
        """)
    try place.folder.write("odd.json", text: #"{"extends": "base", "name": "odd", "x": 1}"#)
    for (command, status) in [
      ("lint pair.json", 65), ("lint odd.json", 65), ("show odd.json", 65), ("lint none", 66),
      ("show none.json", 66), ("explain python read zero", 64), ("explain python nonsense", 64),
      ("explain python read 1 2 3 4 5 6 7", 64), ("lint python", 0),
    ] as [(String, Int32)] {
      expect(try place.shell("edgecoder sandbox profile \(command)"), status)
    }
    let findings = try json(place, "lint pair.json", 65)["findings"]?.elements ?? []
    #expect(findings.contains { $0["code"]?.text == "not-equal-pair" })
  }
}
