import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Testing

extension EndToEnd {
  /// The cheat set of the runners' tests through the whole program. What each cheat would get with
  /// its one defence off is shown there, with the same files.
  @Suite(.python("pytest"))
  struct CheatTests {
    private static let folder = "\(RepositoryRoot.path)/Tests/EdgeWorkerTests/Cheats"

    /// Each cheat, and the runner that it is made for.
    private static let cheats = [
      ("exit-early", "pytest"), ("patch-framework", "pytest"), ("conftest-hook", "pytest"),
      ("equality-overload", "pytest"), ("reward-file", "pytest"), ("edit-tests", "pytest"),
      ("read-proc", "pytest"), ("linger", "reward"),
    ]

    /// Under `python-warm` each is a copy of the interpreter that those before it were copied from.
    @Test(.timeLimit(.minutes(6)), arguments: ["python", "python-warm"])
    func noneOfEightPassesAndTheHonestSolutionAlwaysDoes(profile: String) throws {
      let site = try CheatSite()
      let honest = try files("honest")
      // The runner `reward` has its files at fixed places, which only a mount can give.
      let hasMounts = environmentVariable("EDGECODER_WITHOUT_NAMESPACES") == nil
      let cheats = Self.cheats.filter { hasMounts || $0.1 != "reward" }
      for (name, runner) in cheats {
        let against = try task("honest-against-\(name)", runner, profile)
        try site.add(against, candidate: honest)
        try site.add(try task(name, runner, profile), candidate: try files(name))
      }
      let endings = try site.run()
      let passed = endings.filter { $0.value.ending["verdict"]?.text == "passed" }.map(\.key)
      #expect(passed.sorted() == cheats.map { "honest-against-\($0.0)" }.sorted())
      for (name, _) in cheats {
        // A verdict about the candidate, and no fault of ours.
        let verdict = endings[name]?.ending["verdict"]?.text
        #expect(verdict != nil, "\(name): \(endings[name]?.ending ?? .null)")
        print("\(name): \(endings[name]?.ending.canonicalText ?? "")")
      }
      let starts = try endings.values.map { ended in
        try JSON.parse(Array(site.output("result.json", of: ended.job).utf8))["enforced"]?["start"]
      }
      let copies = starts.count { $0?.text == "copy of a warm interpreter" }
      // Each of two slots executes the first of the two kinds; without namespaces all are executed.
      #expect(copies >= (profile == "python" || !hasMounts ? 0 : 10), "\(starts)")
    }

    /// The same cheats, and a first phase in which they run as a program.
    private func task(_ name: String, _ runner: String, _ profile: String) throws
      -> CheatSite.Task
    {
      let names = [
        "test_ascending", "test_values", "MiddleTest::test_descending", "MiddleTest::test_equal",
      ]
      let expected = names.map { "\"middle_test.py::\($0)\"" }.joined(separator: ", ")
      return CheatSite.Task(
        name: name, profile: profile, command: ["python3", "-B", "solution.py"],
        verifier: runner == "pytest"
          ? ["runner = \"pytest\"", "files = [\"middle_test.py\"]", "expected = [\(expected)]"]
          : ["runner = \"reward\"", "command = [\"bash\", \"/tests/test.sh\"]"],
        source: ["solution.py": Array("def middle(a, b, c):\n    pass\n".utf8)],
        tests: try files("task"))
    }

    private func files(_ name: String) throws -> [String: [UInt8]] {
      let folder = try Directory(path: "\(Self.folder)/\(name)")
      var files: [String: [UInt8]] = [:]
      for name in try folder.entries() { files[name] = try folder.read(name, atMost: 1 << 20) }
      return files
    }
  }
}
