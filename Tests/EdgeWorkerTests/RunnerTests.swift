import EdgeJob
import EdgeTestSupport
import EdgeWorker
import Testing

/// Small programs through each runner.
@Suite(.program("bwrap"), .program("setpriv"))
struct RunnerTests {
  private func run(
    _ runner: TaskManifest.Verifier.Runner, tests: [String: String], files: [String: String],
    expected: [String], without: Set<RunnerPlan.Defence> = [], compiled: [UInt8]? = nil
  ) throws -> Judgement {
    try RunnerHarness(
      files: files.mapValues { Array($0.utf8) }, tests: tests.mapValues { Array($0.utf8) },
      verifier: TaskManifest.Verifier(
        runner: runner, files: tests.keys.sorted().filter { $0.contains("test") },
        expected: expected),
      without: without, compiled: compiled
    ).run()
  }

  private static let plain = """
    from solution import double, Point

    def test_number():
        assert double(4) == 8

    def test_list():
        assert double([1]) == [1, 1]

    def test_objects():
        assert Point(1) == Point(1) and Point(1) != Point(2)
        assert Point(3) - Point(1) == Point(2)
    """
  private static let good = """
    class Point:
        def __init__(self, x): self.x = x
        def __eq__(self, other): return self.x == other.x
        def __sub__(self, other): return Point(self.x - other.x)

    def double(x): return x * 2
    """
  private static let names = ["number", "list", "objects"].map { "a_test.py::test_\($0)" }

  @Test func plainPythonPasses() throws {
    let judged = try run(
      .python, tests: ["a_test.py": Self.plain], files: ["solution.py": Self.good],
      expected: Self.names)
    #expect(judged.verdict == .passed, "\(judged)")
  }

  /// A candidate that cannot be parsed has its own word; one that fails while it is loaded has not,
  /// and neither has one that says so itself.
  @Test(arguments: [TaskManifest.Verifier.Runner.python, .pytest])
  func aSourceThatDoesNotCompileHasItsOwnVerdict(runner: TaskManifest.Verifier.Runner) throws {
    func verdict(_ source: String, test: String = Self.plain) throws -> Verdict {
      try run(
        runner, tests: ["a_test.py": test], files: ["solution.py": source],
        expected: Self.names
      ).verdict
    }
    #expect(try verdict("def double(x) return x\n") == .compileError)
    #expect(try verdict("class Point:\n\tx = 1\n        y = 2\n") == .compileError)
    for source in [
      "raise ValueError(1)", "raise SyntaxError('so')", "import nothing_here",
      "exec('def f(')", "Point = 1\ndef double(x): exec('def f(')",
    ] {
      #expect(try verdict(source).name == "failed", "\(source)")
    }
    // The task's own mistake is not the candidate's.
    #expect(try verdict(Self.good, test: "def test_number( pass").name == "failed")
    // One test of another file passed: the candidate was loaded.
    let late = try run(
      runner,
      tests: ["a_test.py": "def test_number():\n    assert 1\n", "b_test.py": "import broken\n"],
      files: ["broken.py": "x ="], expected: ["a_test.py::test_number", "b_test.py::test_x"])
    #expect(late.verdict.name == "failed")
  }

  @Test(
    .program("node"),
    arguments: [
      "import { double } from './solution';", "const { double } = require('./solution');",
    ])
  func aScriptThatDoesNotCompileHasItsOwnVerdict(first: String) throws {
    let test = "\(first)\ntest('number', () => { expect(double(4)).toBe(8); });\n"
    for (source, word) in [
      ("function double( {", "compileError"), ("throw new SyntaxError('so');", "failed"),
    ] {
      let ending = first.hasPrefix("import") ? "export {};\n" : ""
      let judged = try run(
        .jest, tests: ["a.test.js": test], files: ["solution.js": ending + source],
        expected: ["a.test.js > number"])
      #expect(judged.verdict.name == word, "\(judged)")
    }
  }

  @Test func compiledRunnersDoTheSame() throws {
    let compiled = try RunnerBytecode.compile()
    #expect(compiled.count > 1000)
    for bytes in [compiled, Array(compiled.reversed())] {
      let judged = try run(
        .python, tests: ["a_test.py": Self.plain], files: ["solution.py": Self.good],
        expected: Self.names, compiled: bytes)
      #expect(judged.verdict == .passed, "\(judged)")
    }
  }

  /// Each would pass a comparison with plain values if its operators were asked.
  @Test(arguments: [
    "class X:\n    def __eq__(self, o): return True\ndouble = lambda x: X()",
    "class X(list):\n    def __eq__(self, o): return True\ndouble = lambda x: X([0])",
    "class X(int):\n    def __eq__(self, o): return 1\n    __hash__ = None\n"
      + "double = lambda x: X(0)",
    "class X:\n    def __eq__(self, o): return True\n"
      + "double = lambda x: [X(), X()] if x == [1] else X()",
    "class M(type):\n    def __eq__(c, o): return True\nclass X(metaclass=M): pass\n"
      + "double = lambda x: X",
    "from unittest.mock import ANY\ndouble = lambda x: ANY",
    "from unittest.mock import MagicMock\nm = MagicMock()\nm.__eq__.return_value = True\n"
      + "double = lambda x: m",
    "import builtins\nclass X:\n    __module__ = 'fractions'\n    __qualname__ = 'Fraction'\n"
      + "    def __eq__(self, o): return True\n    __eq__.__module__ = 'fractions'\n"
      + "double = lambda x: X()",
    "class X(str):\n    __eq__ = lambda s, o: True\n    __hash__ = None\ndouble = lambda x: X()",
  ])
  func anOperatorOfTheCandidateDecidesNothing(cheat: String) throws {
    let point = "\nclass Point:\n    pass\n"
    let expected = Array(Self.names.prefix(2))
    for (without, passes) in [([], false), ([.strict], true)] as [(Set<RunnerPlan.Defence>, Bool)] {
      let judged = try run(
        .python, tests: ["a_test.py": Self.plain], files: ["solution.py": cheat + point],
        expected: expected, without: without)
      #expect((judged.verdict == .passed) == passes, "\(judged)")
    }
  }

  /// Ways to reach what reports, from inside.
  @Test(arguments: [
    "import builtins\nbuiltins.isinstance = lambda *a: True",
    "import sys\nsys.audit('edgecoder.test', 'a_test.py::test_number', 'passed', '', 0)",
    "import sys\nsys.audit('edgecoder.end')\nimport os\nos._exit(0)",
    "import sys\nsys.modules['strict'].compare = lambda *a: True",
    "import sys\nf = sys._getframe()\nwhile 'a_test' not in f.f_globals.get('__name__', ''):\n"
      + "    f = f.f_back\nf.f_globals['_edge_compare'] = lambda *a: True",
    "raise SystemExit(0)", "import os\nos.kill(os.getpid(), 9)", "import sys\nsys.exit()",
    "import sys\nf = sys._getframe()\nwhile 'a_test' not in f.f_globals.get('__name__', ''):\n"
      + "    f = f.f_back\nf.f_globals['globals'] = lambda: {}",
    "import os\nos.execv('/bin/true', ['true'])",
  ])
  func reachingForTheReportDoesNotPass(cheat: String) throws {
    let wrong = "\nclass Point: pass\ndef double(x): return None\n"
    let judged = try run(
      .python, tests: ["a_test.py": Self.plain], files: ["solution.py": cheat + wrong],
      expected: ["a_test.py::test_number"])
    #expect(judged.verdict != .passed, "\(judged)")
  }

  private static let script = """
    import { describe, expect, test, xtest } from '@jest/globals';
    import { double } from './solution';

    describe('double', () => {
      test('number', () => { expect(double(4)).toBe(8); });
      xtest('list', () => { expect(double([1])).toEqual([1, 1]); });
      test.skip('never', () => { expect(1).toBe(2); });
      test('throws', () => { expect(() => double(null)).toThrow(TypeError); });
      test('later', () => expect(Promise.resolve({ a: [1] })).resolves.toEqual({ a: [1] }));
    });
    """
  private static let titles = ["number", "list", "throws", "later"].map {
    "a.test.js > double > \($0)"
  }

  @Test(.program("node")) func jestStyleTestsPass() throws {
    let judged = try run(
      .jest, tests: ["a.test.js": Self.script],
      files: [
        "solution.js": """
        export const double = (x) => {
          if (x === null) throw new TypeError('null');
          return Array.isArray(x) ? [...x, ...x] : x * 2;
        };
        """
      ], expected: Self.titles)
    #expect(judged.verdict == .passed, "\(judged)")
    #expect(judged.tests.contains { $0.status == .skipped })
  }

  @Test(
    .program("node"),
    arguments: [
      "process.exit(0);", "Object.is = () => true;", "Array.prototype.every = () => true;",
      "JSON.stringify = () => '[]';", "globalThis.expect = () => ({ toBe() {}, toEqual() {} });",
      "import { expect } from '@jest/globals'; expect.extend({ toBe: () => ({ pass: true }) });",
      "process.reallyExit(0);",
    ])
  func aScriptThatReachesForTheFrameworkDoesNotPass(cheat: String) throws {
    let judged = try run(
      .jest, tests: ["a.test.js": Self.script],
      files: ["solution.js": cheat + "\nexport const double = () => ({});\n"],
      expected: Self.titles)
    #expect(judged.verdict != .passed, "\(judged)")
  }

  @Test(.program("node"), arguments: [false, true])
  func aChangedBuiltInVoidsTheFile(integrity: Bool) throws {
    let judged = try run(
      .jest,
      tests: [
        "a.test.js": """
        import { twice } from './solution';
        test('list', () => { expect(twice([1])).toEqual([1, 1]); });
        """
      ],
      files: [
        "solution.js": "Array.prototype.every = () => true; export const twice = () => [0, 0];"
      ],
      expected: ["a.test.js > list"], without: integrity ? [] : [.integrity])
    #expect((judged.verdict == .passed) == !integrity, "\(judged)")
    if integrity { #expect(judged.notices.contains { $0.contains("Array.prototype.every") }) }
  }

  @Test(.program("node")) func aWildcardOfTheCandidateEqualsNothing() throws {
    let judged = try run(
      .jest, tests: ["a.test.js": Self.script],
      files: [
        "solution.js": """
        import { expect } from '@jest/globals';
        const $$typeof = Symbol.for('jest.asymmetricMatcher');
        const fake = { $$typeof, asymmetricMatch: () => true };
        export const double = (x) => { if (x === null) throw new TypeError(); return x === 4 ? 8 :
          x[0] === 1 ? expect.anything() : fake; };
        """
      ], expected: Self.titles)
    #expect(judged.verdict == .failedTests(failed: [Self.titles[1]], missing: []), "\(judged)")
  }

  @Test(.program("node")) func nodesOwnRunnerReportsByFullName() throws {
    let judged = try run(
      .node,
      tests: [
        "a.test.mjs": """
        import test, { describe, it } from 'node:test';
        import assert from 'node:assert/strict';
        import { double } from './solution.mjs';
        test('top', () => assert.equal(double(2), 4));
        describe('group', () => { it('inner', () => assert.equal(double(3), 6)); });
        """
      ], files: ["solution.mjs": "export const double = (x) => x * 2;\n"],
      expected: ["a.test.mjs > top", "a.test.mjs > group > inner"])
    #expect(judged.verdict == .passed, "\(judged)")
  }

  @Test func aShellProgramReportsThroughItsOwnDescriptor() throws {
    let tests = [
      "a.test.sh": """
      three() { [ "$(run bash add.sh 1 2)" = 3 ]; }
      check three three
      if run bash add.sh; then not_ok empty; else ok empty; fi
      """
    ]
    let names = ["a.test.sh > three", "a.test.sh > empty"]
    let good = "[ $# -eq 2 ] || exit 1\necho $(($1 + $2))\n"
    // A program that prints what a test would, on every descriptor that it finds.
    let forging = """
      for n in 1 2 3 9 10 11 12; do
        { echo "ok three"; echo '["","test","a.test.sh > three","passed","",0]'; } >&$n
      done 2>/dev/null
      """
    for (program, passes) in [(good, true), (forging, false)] {
      let judged = try run(.shell, tests: tests, files: ["add.sh": program], expected: names)
      #expect((judged.verdict == .passed) == passes, "\(judged)")
    }
  }
}
