import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Testing

extension EndToEnd {
  /// What the program says of itself.
  @Suite struct HelpTests {}
}

extension EndToEnd.HelpTests {
  /// The names below the headings of subcommands in a help text.
  private func subcommands(_ help: String) -> [String] {
    var isInside = false
    var names: [String] = []
    for line in help.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasSuffix("SUBCOMMANDS:") {
        isInside = true
      } else if line.isEmpty || !line.hasPrefix("  ") {
        isInside = false
      } else if isInside, let name = line.dropFirst(2).split(separator: " ").first,
        !line.hasPrefix("   ")
      {
        names.append(String(name))
      }
    }
    return names
  }

  @Test func everyCommandHasAnExample() throws {
    let place = try Workplace(making: false)
    var open = [""]
    var seen: [String] = []
    while let command = open.popLast() {
      let result = expect(try place.shell("edgecoder \(command) --help"), 0)
      #expect(result.stderr.isEmpty)
      #expect(
        result.output.contains("Example: edgecoder \(command)"), "\(command): \(result.output)")
      // A line for every option and argument.
      #expect(result.output.contains("USAGE: edgecoder"), "\(command)")
      seen.append(command)
      open += subcommands(result.output).map { command.isEmpty ? $0 : "\(command) \($0)" }
    }
    for command in ["run", "ledger verify", "account allow", "sandbox run", "completion"] {
      #expect(seen.contains(command))
    }
    #expect(seen.count > 30)
  }

  @Test func theTableOfCodesIsInTheHelp() throws {
    let place = try Workplace(making: false)
    let help = try place.edgecoder("--help").output
    let words = Set(help.split { !$0.isNumber }.map(String.init))
    for code in ExitCode.allCases {
      #expect(words.contains("\(code.rawValue)"), "\(code)")
    }
  }

  /// Each shell judges its own script, where it is installed.
  @Test(arguments: ["bash", "zsh", "fish"]) func completionsAreProgramsOfTheirShell(shell: String)
    throws
  {
    let place = try Workplace(making: false)
    let result = expect(try place.edgecoder("completion", shell), 0)
    #expect(result.output.contains("settle") && result.output.contains("until-idle"))
    try place.folder.write("script", result.stdout)
    guard programPath(shell) != nil else { return }
    let judged = try runProgram(shell, ["-n", place.folder.path("script")])
    #expect(judged.status == 0 && judged.stderr.isEmpty, "\(judged)")
  }
}
