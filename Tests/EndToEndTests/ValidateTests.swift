import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

extension EndToEnd {
  /// Whether a task is worth something.
  @Suite struct ValidateTests {}
}

extension EndToEnd.ValidateTests {
  /// A task whose program is judged by its own status, with a solution beside it.
  private func task(
    _ place: Workplace, _ name: String, source: String, solution: String?, more: String = ""
  ) throws -> String {
    let path = try place.task(name, source, more: more)
    guard let solution else { return path }
    try #require(mkdir("\(path)/solution", 0o755) == 0)
    try place.folder.write("\(name)/solution/main.sh", text: solution + "\n")
    return path
  }

  private func found(_ place: Workplace, _ status: Int32, _ arguments: String...) throws
    -> [String]
  {
    let command = (["validate", "--json"] + arguments).joined(separator: " ")
    let result = expect(try place.shell("edgecoder \(command)"), status)
    return try result.json["tasks"]?.elements?.compactMap { $0["found"]?.text } ?? []
  }

  @Test func aGoodTaskFailsWithoutItsSolutionAndPassesWithIt() throws {
    let place = try Workplace(making: false)
    let good = try task(place, "good", source: "exit 1", solution: "exit 0")
    let pass = try task(place, "pass", source: "exit 0", solution: "exit 0")
    let fail = try task(place, "fail", source: "exit 1", solution: "exit 3")
    let none = try task(place, "none", source: "exit 1", solution: nil)
    #expect(try found(place, 0, good, "--times", "2") == ["valid"])
    #expect(
      try found(place, 1, good, pass, fail, none) == [
        "valid", "the untouched source passes", "the solution does not pass",
        "there is no solution/",
      ])
  }

  /// Chance decides: of many runs some pass and some do not.
  @Test func aFlakyTaskIsNamed() throws {
    let place = try Workplace(making: false)
    let flaky = try task(
      place, "flaky", source: "exit 1", solution: "exit $((RANDOM % 2))")
    let result = expect(try place.edgecoder("validate", "--times", "40", "--json", flaky), 1)
    let row = try #require(try result.json["tasks"]?.elements?.first)
    #expect(row["found"]?.text == "flaky")
    #expect(row["next"]?.text?.contains("passed") == true, "\(result)")
    #expect(row["check"]?.text == flaky)
  }

  /// What this machine cannot run is no failure of the task.
  @Test func whatCannotRunIsNotJudged() throws {
    let place = try Workplace(making: false)
    let path = try task(
      place, "odd", source: "exit 1", solution: "exit 0",
      more: "[requires]\nprograms = [\"nobody-has-this\"]")
    #expect(try found(place, 69, path) == ["it could not be run here"])
  }
}
