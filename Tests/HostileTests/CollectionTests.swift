import EdgeJob
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// A job that wants its result to hold what is not its own, through the program as people use it.
@Suite(.enabled(if: HostileProgram.isAvailable, "needs a C compiler"))
struct CollectionTests {
  private static let manifest = """
    schema_version = "1.4"

    [task]
    name = "taker"
    description = "Leaves traps in its directory."

    [edgecoder]
    format = 1
    kind = "run"
    language = "shell"
    profile = "shell"
    command = ["sh", "main.sh"]

    [edgecoder.limits]
    cpu = "5"
    wall = "60"

    """

  /// Names that hold control characters cannot stand in a result.
  @Test func theVerdictIsThatOfTheProgram() throws {
    try collect(["*"])
  }

  @Test func nothingOfOthersComesBack() throws {
    try collect([
      "honest", "fifo", "link", "socket", "holes", "loop", "loop/honest", "closed/file",
      "unreadable", "result.json", "junit.xml", "nnn*",
    ])
  }

  /// As many files as a workspace can have; a few with the campaign alone.
  @Test(.timeLimit(.minutes(5))) func aDirectoryFullOfFilesIsNoTrouble() throws {
    let count = Campaign.runs == nil ? 30_000 : 990_000
    let place = TemporaryDirectory()
    let root = try place.open()
    for name in ["many", "many/source"] { try root.makeDirectory(name) }
    let limits = "[environment]\nfiles = 1000000\nmemory_mb = 8192\nstorage_mb = 8192\n"
    let manifest = CollectionTests.manifest.replacing("cpu = \"5\"", with: "cpu = \"120\"")
      .replacing("wall = \"60\"", with: "wall = \"240\"")
    try place.write(
      "many/task.toml", text: manifest + limits + "\n[[artifacts]]\npath = \"last\"\n")
    try place.write("many/instruction.md", text: "A task of a test.\n")
    try place.write(
      "many/source/main.sh",
      text: "seq \(count) | xargs -n 5000 touch; echo kept > last; ls | wc -l\n")
    func edgecoder(_ arguments: String...) throws -> ProgramResult {
      try runProgram(
        binary("edgecoder"), arguments,
        environment: [
          "PATH=/usr/bin:/bin", "EDGECODER_SPOOL=\(place.path)/spool",
          "EDGECODER_KEYS=\(place.path)/keys",
        ], seconds: 280)
    }
    #expect(try edgecoder("init", "--quiet").status == 0)
    let run = try edgecoder("run", "-q", place.path + "/many")
    #expect(run.status == 0, "\(run)")
    let job = try #require(run.output.split(separator: "\n").first)
    #expect(try edgecoder("result", String(job), "-o", place.path + "/out").status == 0)
    #expect(String(decoding: try place.read("out/stdout"), as: UTF8.self) == "\(count + 2)\n")
    let result = String(decoding: try place.read("out/result.json"), as: UTF8.self)
    #expect(result.contains("too large for patch.diff"))
    #expect(String(decoding: try place.read("out/artifacts/last"), as: UTF8.self) == "kept\n")
  }

  private func collect(_ patterns: [String]) throws {
    let place = TemporaryDirectory()
    let around = try Surroundings(for: ["{secret}"], user: 0, showsFolder: false)
    let canary = "canary-\(Hex16.random())"
    let root = try place.open()
    for name in ["home", "taker", "taker/source"] { try root.makeDirectory(name) }
    try place.write(
      "taker/task.toml",
      text: patterns.reduce(CollectionTests.manifest) {
        $0 + "\n[[artifacts]]\npath = \"\($1)\"\nmax_mb = 1\n"
      })
    try place.write("taker/instruction.md", text: "A task of a test.\n")
    try place.write("taker/source/hostile", HostileProgram.bytes ?? [], mode: 0o755)
    try place.write(
      "taker/source/main.sh",
      text: """
        chmod +x hostile
        ./hostile leftovers \(around.fill("{secret}"))
        echo '{"schema":"edgecoder.result/1","verdict":{"name":"passed"}}' > result.json
        echo '<testsuites/>' > junit.xml
        echo honest > honest
        env; cat /proc/*/environ
        exit 3

        """)
    func edgecoder(_ arguments: String...) throws -> ProgramResult {
      try runProgram(
        "sh", ["-c", "cd \"$0\" && exec \"$@\"", place.path, binary("edgecoder")] + arguments,
        environment: [
          "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=\(place.path)/home", "CANARY=\(canary)",
          "TMPDIR=\(place.path)/home", "EDGECODER_SPOOL=\(place.path)/spool",
          "EDGECODER_KEYS=\(place.path)/keys",
        ])
    }
    #expect(try edgecoder("init", "--quiet").status == 0)
    let run = try edgecoder("run", "-q", "taker")
    // Its own verdict, whatever the files say that it left.
    #expect(run.status == 1, "\(run)")
    let job = try #require(run.output.split(separator: "\n").first)
    #expect(try edgecoder("result", String(job), "-o", "out").status == 0)
    let verdict = String(decoding: try place.read("out/result.json"), as: UTF8.self)
    #expect(verdict.contains("\"failed\"") && verdict.contains(job), "\(verdict)")
    let (entries, _) = try root.directory("out").walk(atMost: 1000)
    let names = Set(entries.compactMap(\.name))
    #expect(names.contains("artifacts/honest"))
    for name in ["fifo", "link", "socket", "holes", "loop"] {
      #expect(!names.contains("artifacts/\(name)"), "\(name)")
    }
    let ownScript = ["patch.diff", "artifacts/main.sh"]
    for entry in entries where entry.status.kind == .file {
      guard let name = entry.name else { continue }
      let bytes = try root.directory("out").read(name, atMost: 16 << 20)
      let text = String(decoding: bytes, as: UTF8.self)
      // The path of the secret is in its own script, the secret is not.
      #expect(!text.contains("secret\n") || ownScript.contains(name), "\(name)")
      #expect(!text.contains(canary), "\(name)")
    }
  }
}
