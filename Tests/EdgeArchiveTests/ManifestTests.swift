import EdgeArchive
import EdgeJob
import EdgeTestSupport
import Testing

/// The text as a manifest.
private func read(_ text: String) throws(ManifestError) -> TaskManifest {
  try readManifest(Array(text.utf8), file: "task.toml")
}

@Suite struct ManifestTests {
  private static let full = """
    schema_version = "1.4"
    [edgecoder]
    format = 1
    kind = "verify"
    language = "python"
    profile = "python-strict"
    command = ["python3", "build.py"]
    stdin = "line 1\\nline 2 é"
    workdir = "sub/dir"
    mount_point = "/testbed"
    seed = 42
    protected = ["tests/*.py", "setup.cfg"]
    x_note = {a = [1, 2.5, true], b = "c"}
    [edgecoder.environment]
    LANG = "C.UTF-8"
    [edgecoder.limits]
    cpu = "10.25"
    wall = "30"
    [task]
    name = "org/name"
    description = "what it is"
    authors = [{name = "A", email = "a@example.com"}]
    keywords = ["k"]
    [environment]
    memory_mb = 256
    storage_mb = 64
    pids = 32
    open_files = 100
    output_kb = 16
    files = 500
    cpus = 4
    network = "none"
    [verifier]
    timeout_sec = 12
    runner = "pytest"
    files = ["test_a.py", "sub/test_b.py"]
    expected = ["test_a.py::test_one", "sub/test_b.py::test_two"]
    [verifier.env]
    PYTHONHASHSEED = "0"
    [requires]
    programs = ["python3"]
    python = ["pytest"]
    debian = ["g++"]
    [[artifacts]]
    path = "out/*.txt"
    required = true
    when = "success"
    max_mb = 5
    [[artifacts]]
    path = "log"
    [metadata]
    difficulty = "easy"
    minutes = 30.0
    """

  @Test func everything() throws {
    let manifest = try read(Self.full)
    let run = Limits(
      cpuMilliseconds: 10_250, wallMilliseconds: 30_000, memoryBytes: 256 << 20, processes: 32,
      openFiles: 100, outputBytes: 16 << 10, diskBytes: 64 << 20, files: 500,
      processors: 4)
    var tests = run
    tests.cpuMilliseconds = 12_000
    tests.wallMilliseconds = 12_000
    let expected = TaskManifest(
      name: "org/name", summary: "what it is", kind: .verify, language: "python",
      profile: "python-strict", command: ["python3", "build.py"], input: "line 1\nline 2 é",
      environment: ["LANG": "C.UTF-8"], workDirectory: "sub/dir", mountPoint: "/testbed", seed: 42,
      limits: run,
      verifier: .init(
        runner: .pytest, files: ["test_a.py", "sub/test_b.py"],
        expected: ["test_a.py::test_one", "sub/test_b.py::test_two"],
        environment: ["PYTHONHASHSEED": "0"], limits: tests),
      artifacts: [
        .init(path: "out/*.txt", required: true, when: .success, bytesMax: 5 << 20),
        .init(path: "log", required: false, when: .always, bytesMax: 10 << 20),
      ],
      requirements: ["program:python3", "python:pytest", "debian:g++"],
      protected: ["tests/*.py", "setup.cfg"],
      extensions: [
        "metadata": #"{"difficulty":"easy","minutes":30}"#,
        "edgecoder.x_note": #"{"a":[1,2.5,true],"b":"c"}"#,
        "task.authors": #"[{"email":"a@example.com","name":"A"}]"#, "task.keywords": #"["k"]"#,
      ])
    #expect(manifest == expected)
    #expect(try TaskManifest(json: manifest.json) == manifest)
  }

  @Test func smallest() throws {
    let manifest = try read(runTOML)
    #expect(manifest.profile == "shell" && manifest.limits == Limits())
    #expect(manifest.mountPoint == "/work" && manifest.verifier == nil)
  }

  @Test(
    arguments: [
      ("900", 900_000), ("900.0", 900_000), ("0.0005", 1), ("1_000.5", 1_000_500), ("2.0001", 2001),
      ("\"2.5\"", 2500), ("\"1\"", 1000), ("+3", 3000),
    ] as [(String, Int64)])
  func times(text: String, milliseconds: Int64) throws {
    let manifest = try read(runTOML + "[agent]\ntimeout_sec = \(text)\n")
    #expect(manifest.limits.wallMilliseconds == milliseconds)
    // A wall limit alone bounds the CPU time too.
    #expect(manifest.limits.cpuMilliseconds == milliseconds)
  }

  @Test(
    arguments: [
      (
        "[edgecoder]\nformat = 1\nkind = \"run\"\nlanguage = \"shell\"\ncommand = []", 1,
        "lacks command"
      ),
      ("\n\n[edgecoder]\nformat = 2", 4, "is not 1 … 1"),
      ("version = \"1.0\"", 1, "no [edgecoder]"),
      ("schema_version = \"2.0\"\n[edgecoder]", 1, "expected \"1.4\""),
      (runTOML + "nonsense = 1", 6, "edgecoder.nonsense is unknown"),
      (runTOML + "[nonsense]\n", 6, "nonsense is unknown"),
      (runTOML + "\n[task]\n# a comment\nnaem = \"x\"", 9, "task.naem is unknown"),
      (runTOML + "stdin = 3", 6, "is an integer, not a text"),
      (runTOML + "seed = \"3\"", 6, "is a text, not an integer"),
      (runTOML + "seed = -1", 6, "is not 0 …"),
      (runTOML + "workdir = \"../x\"", 6, "no path below"),
      (runTOML + "mount_point = \"/\"", 6, "no absolute path"),
      (runTOML + "mount_point = \"/proc/x\"", 6, "no absolute path"),
      (runTOML + "protected = [\"a\", \"/b\"]", 6, "names /b"),
      (runTOML + "protected = [\n\"a\",\n3]", 6, "holds an integer"),
      (runTOML + "\n[edgecoder.environment]\nA = 3", 8, "environment.A is an integer"),
      (runTOML + "environment = {\"A-B\" = \"x\"}", 6, "no name of a variable"),
      (runTOML + "[edgecoder.limits]\ncpu = 0", 7, "no time in seconds"),
      (runTOML + "[edgecoder.limits]\nwall = 1e3", 7, "no time in seconds"),
      (runTOML + "[edgecoder.limits]\nwall = inf", 7, "no time in seconds"),
      (runTOML + "[edgecoder.limits]\nwall = \"99999999999\"", 7, "no time in seconds"),
      (runTOML + "[environment]\nmemory_mb = 0", 7, "is not 1 …"),
      (runTOML + "[environment]\ncpus = 0", 7, "is not 1 …"),
      (runTOML + "[environment]\nnetwork = \"host\"", 7, "is not \"none\""),
      (runTOML + "[[artifacts]]\nrequired = true", 6, "lacks a path"),
      (
        runTOML + "[[artifacts]]\npath = \"a\"\n[[artifacts]]\npath = \"b\"\nwhen = \"x\"", 10,
        "always"
      ),
      (runTOML + "[requires]\nprograms = [\"a b\"]", 7, "is no name"),
      (runTOML + "[verifier]\nrunner = \"magic\"", 7, "none of python, pytest"),
      (runTOML + "[verifier]\nrunner = \"pytest\"", 6, "needs files and expected"),
      (runTOML + "[verifier]\nrunner = \"exit\"", 6, "lacks command"),
      (runTOML + "[verifier]\nexpected = [\"a\", \"a\"]", 7, "names a test twice"),
      (runTOML + "[verifier]\nfiles = [\"../a\"]", 7, "no path below tests/"),
      (runTOML + "a = \n", 6, ""), (runTOML + "kind = \"run\"", 6, ""),
      (runTOML + "stdin = \"a\\u0000b\"", 6, "zero byte"),
      (runTOML + "\"a\\U00000000\" = 1", 6, "zero byte"),
      (runTOML + "steps = 3\n", 6, "edgecoder.steps is unknown"),
    ] as [(String, Int, String)])
  func errors(text: String, line: Int, problem: String) throws {
    do {
      _ = try read(text)
      Issue.record("taken")
    } catch {
      #expect(error.line == line, "\(error)")
      #expect(error.description.contains(problem), "\(error)")
      #expect(error.description.hasPrefix("task.toml:\(line): "))
    }
  }

  @Test func bytes() throws {
    do {
      _ = try readManifest(Array(runTOML.utf8) + [0xFF], file: "t")
      Issue.record("taken")
    } catch { #expect(error.description == "t:6: not UTF-8") }
    do {
      _ = try readManifest([0x0A, 0x0A, 0x00], file: "t")
      Issue.record("taken")
    } catch { #expect(error.line == 3) }
  }

  /// The parser behind us recurses; these would overflow its stack.
  @Test(arguments: [
    "x_a = " + String(repeating: "[", count: 100_000),
    String(repeating: "a.", count: 60_000) + "a = 1",
    "[" + String(repeating: "a.", count: 60_000) + "a]",
    "x_a = " + String(repeating: "{a=", count: 50_000),
    "x_a = {" + String(repeating: "a.", count: 60_000) + "a = 1}",
  ])
  func nesting(text: String) {
    #expect(throws: ManifestError.self) { try read(text) }
  }

  @Test func foreignDocuments() throws {
    let text = "a = [1, 2.5, inf]\nb.c = {d = 1979-05-27}\n[[t]]\nx = 'y'\n[[t]]\nz = false\n"
    let json = try readTOML(Array(text.utf8), file: "x.toml")
    let expected = #"{"a":[1,2.5,"inf"],"b":{"c":{"d":"1979-05-27"}},"t":[{"x":"y"},{"z":false}]}"#
    #expect(json.canonicalText == expected)
    do {
      _ = try readTOML(Array("a = 1\na = 2".utf8), file: "x.toml")
      Issue.record("taken")
    } catch { #expect(error.description.hasPrefix("x.toml:2: ")) }
  }

  @Test func requestIsIgnored() throws {
    let manifest = try read(
      runTOML + "account = \"x\"\npriority = 3\n[task]\nkey = \"k\"\ncredits_max = 4")
    #expect(manifest.notices.count == 4)
    #expect(manifest.notices.contains { $0.hasPrefix("edgecoder.account is ignored") })
    #expect(manifest.extensions.isEmpty)
  }
}

@Suite struct HarborManifestTests {
  /// Real Harbor files, with a native table in front.
  @Test(.sharedData("harbor")) func realFiles() throws {
    let folder = try #require(SharedData.folder("harbor"))
    let names = try tool("ls", [folder]).split(separator: 0x0A)
    #expect(names.count > 40)
    for name in names {
      let path = "\(folder)/\(String(decoding: name, as: UTF8.self))/task.toml"
      let text = String(decoding: try tool("cat", [path]), as: UTF8.self)
      // Alone it is not ours, and says what to do.
      do {
        _ = try read(text)
        Issue.record("taken")
      } catch { #expect(error.description.contains("import harbor")) }
      let native =
        "[edgecoder]\nformat = 1\nkind = \"run\"\nlanguage = \"shell\"\ncommand = [\"a\"]\n"
      let lines = text.split(separator: "\n", maxSplits: 1).map(String.init)
      let manifest = try read(lines[0] + "\n" + native + lines[1])
      #expect(manifest.limits.wallMilliseconds == 900_000)
      #expect(manifest.limits.memoryBytes == 2048 << 20)
      #expect(manifest.extensions["metadata"]?.contains("difficulty") == true)
      #expect(manifest.notices.contains { $0.contains("allow_internet") })
      let again = try read(taskTOML(for: manifest))
      #expect(again == manifest)
    }
  }
}

@Suite struct ManifestRoundTripTests {
  private func limits(_ random: inout SplitMix64) -> Limits {
    Limits(
      cpuMilliseconds: random.number(Int64(1)...9_999_999),
      wallMilliseconds: random.number(Int64(1)...9_999_999),
      memoryBytes: random.number(Int64(1)...9999) << 20, processes: random.number(Int64(1)...99),
      openFiles: random.number(Int64(3)...99), outputBytes: random.number(Int64(1)...99) << 10,
      diskBytes: random.number(Int64(1)...9999) << 20, files: random.number(Int64(1)...99))
  }

  private func text(_ random: inout SplitMix64) -> String {
    String(random.text(atMost: 30).unicodeScalars.filter { $0 != "\u{0}" })
  }

  @Test(arguments: Seed.some(60)) func random(seed: Seed) throws {
    var random = SplitMix64(seed)
    var texts = (0..<9).map { _ in text(&random) }
    var manifest = TaskManifest(
      name: "a \(random.name())", summary: texts.removeLast(), kind: .verify,
      language: random.name(), profile: random.name(), command: ["c", texts.removeLast()],
      input: texts.removeLast(), environment: ["A": texts.removeLast(), "_b1": ""],
      workDirectory: "a b/\u{E9}", mountPoint: "/x/\(random.name())",
      seed: random.number(Int64(0)...4_294_967_295), limits: limits(&random))
    manifest.verifier = .init(
      runner: .pytest, files: ["t.py"],
      expected: [texts.removeLast() + "1", texts.removeLast() + "2"],
      environment: ["P": texts.removeLast()], limits: limits(&random))
    manifest.artifacts = [
      .init(path: "a/**/*.txt", required: true, when: .failure, bytesMax: 3 << 20)
    ]
    manifest.requirements = ["program:g++", "python:numpy.core", "debian:libc6-dev"]
    manifest.protected = ["a/*"]
    manifest.notices = ["the reference solution does not pass: \(texts.removeLast())"]
    let json: JSON = [
      "k \"1\"": .string(texts.removeLast()), "n": .int(random.number(Int64(-9)...9)),
      "l": [true, ["x": []], .number(0.5)],
    ]
    manifest.extensions = [
      "metadata": json.canonicalText, "x_top": "[1]", "task.x_a": json.canonicalText,
      "edgecoder.limits.x_b": "true", "artifacts[0].x_c": "\"v\"", "agent.user": "\"u\"",
      "verifier.limits.x_d": "-3",
    ]
    let written = taskTOML(for: manifest)
    #expect(try read(written) == manifest, "\(written)")
    // Python's parser understands it in the same way.
    let python = try Python.run(
      "import sys, tomllib; d = tomllib.loads(sys.stdin.buffer.read().decode()); "
        + "sys.stdout.buffer.write(d['edgecoder'].get('stdin', '').encode())",
      input: Array(written.utf8))
    #expect(python.stdout == Array(manifest.input.utf8), "\(python.errors)")
  }

  /// Damaged files are refused or read, and never stop the program.
  @Test(arguments: Seed.some(20)) func damage(seed: Seed) throws {
    var random = SplitMix64(seed)
    let base = Array(taskTOML(for: try read(runTOML + "[metadata]\na = [1, {b = '''x'''}]\n")).utf8)
    let pieces = [
      "\"\"\"", "'''", "[[", "]]", "{", "}", "\\u0000", "\\", "\r", "\u{0}", "#", "=", ".",
    ]
    for _ in 0..<50 {
      var bytes = base
      for _ in 0..<random.number(1...6) {
        let index = random.number(0...(bytes.count - 1))
        switch random.number(0...3) {
        case 0: bytes[index] = UInt8(random.number(0...255))
        case 1: bytes.insert(contentsOf: Array(random.one(of: pieces).utf8), at: index)
        case 2: bytes.removeSubrange(index..<min(index + random.number(1...20), bytes.count))
        default: bytes.insert(contentsOf: bytes[index...].prefix(40), at: index)
        }
        if bytes.isEmpty { bytes = [0x0A] }
      }
      _ = try? readManifest(bytes, file: "task.toml")
    }
  }
}
