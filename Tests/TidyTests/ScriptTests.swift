import Testing

/// Rules on the programs of the folder scripts.
enum ScriptRules {
  /// Files that begin with `#!`.
  static let programs = Repository.files.filter {
    ($0.isIn("scripts") || $0.isIn(".ci")) && $0.text.hasPrefix("#!")
  }

  static let shell = programs.filter {
    $0.lines[0].contains("bash") || $0.lines[0].hasSuffix("/sh")
  }

  static func findings(_ file: SourceFile) -> [Finding] {
    var found: [Finding] = []
    if !file.lines.contains("set -euo pipefail") {
      found.append(Finding(file.path, "no line `set -euo pipefail`"))
    }
    if !file.lines.dropFirst().prefix(1).contains(where: { $0.hasPrefix("# ") }) {
      found.append(Finding(file.path, line: 2, "the second line says what the script is for"))
    }
    return found
  }
}

@Suite struct ScriptTests {
  @Test func everyScriptIsStrict() {
    #expect(ScriptRules.shell.count >= 8)
    let findings = ScriptRules.shell.flatMap(ScriptRules.findings)
    #expect(findings.isEmpty, "\(findings.report)")
  }

  @Test func aLaxScriptIsFound() {
    let lax = SourceFile(path: "scripts/a", text: "#!/usr/bin/env bash\necho a\n")
    #expect(ScriptRules.findings(lax).count == 2)
  }

  @Test func everyScriptExplainsItself() {
    for script in ScriptRules.programs where script.isIn("scripts") {
      let answer = Tool("'\(script.path)' --help")
      #expect(answer.status == 0, "\(script.path) --help: \(answer.output)")
      #expect(answer.output.hasPrefix("usage: "), "\(script.path) --help: \(answer.output)")
    }
  }

  @Test func everyVerbIsAProgram() {
    for verb in ["setup", "build", "test", "lint", "demo", "bench", "soak", "residue"] {
      #expect(ScriptRules.programs.contains { $0.path == "scripts/\(verb)" }, "scripts/\(verb)")
    }
    #expect(Repository.read(".ci/run")?.contains("scripts/test") == true)
  }

  @Test(.enabled(if: Tool.exists("shellcheck"), "shellcheck is not installed: scripts/setup"))
  func shellcheckHasNothingToSay() {
    let paths = ScriptRules.shell.map { "'\($0.path)'" }.joined(separator: " ")
    let answer = Tool("shellcheck --external-sources --source-path=SCRIPTDIR \(paths)")
    #expect(answer.status == 0, "\(answer.output)")
  }

  @Test(.enabled(if: Tool.exists("shellcheck"), "shellcheck is not installed: scripts/setup"))
  func shellcheckIsHeard() {
    let answer = PlantedFolder.lend {
      Tool("shellcheck '\($0.plant("a", "#!/usr/bin/env bash\nrm -r $1/*\n"))'")
    }
    #expect(answer.status == 1, "\(answer.output)")
  }

  @Test func residueSeesWhatIsLeftBehind() {
    PlantedFolder.lend { folder in
      let before = "\(folder.path)/before"
      let after = "\(folder.path)/after"
      let name = "residue-\(folder.path.suffix(6))"
      let residue = "scripts/residue --ignore '\(folder.path)'"
      #expect(Tool("\(residue) > \(before)").status == 0)
      #expect(Tool("touch /dev/shm/\(name)").status == 0)
      #expect(Tool("\(residue) > \(after)").status == 0)
      #expect(Tool("rm /dev/shm/\(name)").status == 0)
      let compared = Tool("scripts/residue --compare \(before) \(after)")
      #expect(compared.status == 1)
      #expect(compared.output.contains(name), "\(compared.output)")
      #expect(Tool("scripts/residue --compare \(before) \(before)").status == 0)
    }
  }
}
