import EdgeJob
import EdgeTestSupport
import Testing

@testable import EdgeImport

/// Names of tests and definitions, read from program text.
struct NamesInTextTests {
  private func pytest(_ source: String) throws -> [String] {
    RunnerNames.pytest("f.py", try PythonTests.names(in: source, file: "f.py"))
  }

  @Test func pythonClassesAndFunctions() throws {
    let source = """
      import unittest
      def test_top(): pass
      def helper():
          def test_inner(): pass
      class One(unittest.TestCase):
          \"\"\"class Fake:
          def test_in_text(self): pass
          \"\"\"
          x = {
      "def test_in_brackets": 1}
          def setUp(self): pass
          def test_a(self):
              s = '''
      def test_in_string(): pass
      '''
          def test_a(self): pass
          async def test_b(
              self,
          ): pass
          # def test_comment(self): pass
      class TestPlain:
      \tdef test_tab(self): pass
      class Other:
          def test_not_collected(self): pass
      def test_last(): pass
      """
    #expect(
      try pytest(source) == [
        "f.py::test_top", "f.py::One::test_a", "f.py::One::test_b", "f.py::TestPlain::test_tab",
        "f.py::test_last",
      ])
  }

  @Test func pythonNamesFromADecoratorAreRefused() {
    #expect(throws: ImportError.self) {
      try pytest("@pytest.mark.parametrize('x', [1])\ndef test_a(x): pass\n")
    }
  }

  @Test func pythonHeadersEndAtTheirColon() {
    let source = "def f(a: dict = {'x': \":\"}, *b) -> int: return 1\nclass C(B): pass\nx = 1\n"
    let statements = PythonText.statements(of: source)
    #expect(
      statements.map(\.header) == [
        "def f(a: dict = {'x': \":\"}, *b) -> int:", "class C(B):", nil,
      ])
    #expect(statements.map { $0.defines("def") } == ["f", nil, nil])
  }

  private func jest(_ source: String) throws -> [String] {
    RunnerNames.jest("f.js", try JavaScriptTests.names(in: source, file: "f.js"))
  }

  @Test func javaScriptTitles() throws {
    let source = #"""
      import { describe, expect, test, xtest } from '@jest/globals';
      // describe('comment', () => {
      /* test('comment', */
      const text = "test('in text', 1)", odd = /test\('[)/]/g, half = 4 / 2;
      describe('outer \'one\'', () => {
        test("a \"b\" \u00e9\x41", () => { expect(`${f(")")} test('x')`).toBe(')') });
        describe(`inner`, function () {
          xtest(
            'long ' + 'title',
            async () => { await x.test('method', (y) => y); },
            1000,
          );
          test.skip('left out', () => {});
        });
        it.only('again', () => {});
      });
      test('top', () => {});
      describe.skip('off', () => { test('never', () => {}); });
      """#
    #expect(
      try jest(source) == [
        "f.js > outer 'one' > a \"b\" éA", "f.js > outer 'one' > inner > long title",
        "f.js > outer 'one' > again", "f.js > top",
      ])
  }

  @Test(arguments: [
    "test(name, () => {});", "test('a' + b, () => {});", "test.each([1])('x %i', () => {});",
    "test(`a ${b}`, () => {});",
  ])
  func computedJavaScriptTitlesAreRefused(source: String) {
    #expect(throws: ImportError.self) { try jest(source) }
  }

  @Test(arguments: Seed.some(40)) func noTextBreaksTheScanners(seed: Seed) {
    var random = SplitMix64(seed)
    let words = [
      "describe(", "test(", "'", "\"", "`", "${", "}", ")", "/*", "*/", "//", "/", "\\", "\n",
      "def test_a(", "class A", "'''", "\"\"\"", "#", ":", " ", "\t", "(", "[", "@", "\\u{", "\\x",
    ]
    for _ in 0..<50 {
      var text = ""
      for _ in 0..<random.number(0...40) {
        text += random.once(in: 4) ? random.text(atMost: 3) : random.one(of: words)
      }
      _ = try? jest(text)
      _ = try? pytest(text)
      _ = PythonText.statements(of: text).map(\.header)
      _ = ShellWords.commands(text)
      _ = PathWords.words(Array(text.utf8))
      _ = try? Dockerfile(parsing: Array(text.utf8), named: "D")
    }
  }

  @Test func shellWords() {
    #expect(
      ShellWords.commands("a 'b c' \"d\\\"e\" && f\\ g; h") == [
        ["a", "b c", "d\"e"], ["f g"], ["h"],
      ])
    #expect(ShellWords.commands("  ") == [])
    #expect(ShellWords.words("''") == [""])
    for text in ["a|b", "a>b", "$x", "`a`", "a & b", "\"$x\"", "'a", "\"a", "a\\", "(a)", "#x"] {
      #expect(ShellWords.commands(text) == nil, "\(text)")
    }
  }

  @Test(.program("python3")) func pythonReadsOurLiterals() throws {
    let json = try JSON.parse(
      #"[null, true, -7, 0.1, 1e30, "a\"\\\n\u0001é😀", {"k": [[], {}]}, [false]]"#.utf8)
    let result = try runProgram(
      "python3", ["-c", "import sys, ast; print(ast.literal_eval(sys.stdin.read()))"],
      environment: ["PYTHONIOENCODING=utf-8"], input: Array(pythonLiteral(json).utf8))
    #expect(
      result.output
        == "[None, True, -7, 0.1, 1e+30, 'a\"\\\\\\n\\x01é😀', {'k': [[], {}]}, [False]]\n")
  }

  @Test func stubsHoldWhatTheTestsUse() {
    let code = """
      import math
      LIMIT = 3
      def unused(x): return x
      class Pair(object):
          def __init__(self, a, b=(1, 2)):
              self.a = a
      def wanted(a,
                 b): return math.pi
      """
    #expect(
      MBPP.stub(of: code, usedBy: ["assert wanted(Pair(1), 2) == LIMIT"]) == """
        class Pair:
            def __init__(self, a, b=(1, 2)):
                raise NotImplementedError


        def wanted(a,            b):
            raise NotImplementedError

        """)
  }
}
