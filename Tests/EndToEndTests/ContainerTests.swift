import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

extension EndToEnd {
  /// The whole program in a container as Docker starts one, by an ordinary user: there is nothing
  /// but Landlock and seccomp.
  @Suite(
    .enabled(if: Container.isAvailable, "needs root, crun and ../shared/data"), .program("python3"))
  struct ContainerTests {
    /// Runs examples and prints what became of them; then solutions against their hidden tests.
    private static let script = """
      set -e
      cd "$(mktemp -d)"
      export HOME=$PWD EDGECODER_SPOOL=$PWD/spool EDGECODER_KEYS=$PWD/keys
      $0 init --quiet >/dev/null
      set +e
      $0 run --json --slots 1 "$1"/{hello.shell,primes.python,words.javascript} \
        "$1"/{humaneval-0,quixbugs-wrap,exercism-javascript-two-fer} >out.json 2>err || true
      for task in humaneval-0 exercism-javascript-two-fer exercism-python-leap; do
        $0 validate "$1/$task" >validated 2>&1 && echo "$task valid" || cat validated
      done
      python3 - <<'END'
      import base64, json, subprocess, os
      jobs = json.load(open("out.json"))["jobs"]
      for job in jobs:
          print(job["task"], json.dumps(job["ending"], sort_keys=True))
      program = os.environ["PROGRAM"]
      text = subprocess.run([program, "result", jobs[0]["job"], "--receipt", "-o", "-"],
                            capture_output=True, check=True).stdout
      statement = json.loads(base64.b64decode(json.loads(text)["payload"]))
      print("network:", statement["predicate"]["enforced"]["network"])
      END
      ls -d /tmp/edgecoder-box-* 2>/dev/null
      exit 0
      """

    @Test func examplesEndAsElsewhere() throws {
      let words = ["-c", Self.script, Workplace.program, Workplace.examples]
      let environment = [
        "PATH=/usr/local/bin:/usr/bin:/bin", "PROGRAM=\(Workplace.program)",
      ]
      let inside = try Container.run(
        "/bin/bash", words, as: .nobody, environment: environment, seconds: 120)
      let outside = try runProgram("/bin/bash", words, environment: environment, seconds: 120)
      let (there, here) = (inside.lines, outside.lines)
      #expect(there.count == 10 && here.count >= 10, "\(inside) \(outside)")
      #expect(there.dropLast() == here.prefix(9), "\(inside)")
      #expect(there.last == "network: none: no network namespace, socket(2) denied")
      #expect(here.contains("network: empty network namespace"))
      #expect(there.count { $0.hasSuffix(" valid") } == 3)
    }

    /// Files at a place of their own: nobody here can give that, so the job waits for a worker that
    /// can, and has neither a verdict nor a fault.
    @Test func aTaskThatNeedsMountsWaits() throws {
      let script = """
        set -e
        cd "$(mktemp -d)"
        export HOME=$PWD EDGECODER_SPOOL=$PWD/spool EDGECODER_KEYS=$PWD/keys
        $0 init --quiet >/dev/null
        cp -r "$1/hello.shell" app
        sed -i 's/^kind = .*/&\\nmount_point = "\\/app"/' app/task.toml
        timeout 30 $0 run -q app 2>&1 || echo "exit $?"
        $0 status --json
        """
      let words = ["-c", script, Workplace.program, Workplace.examples]
      let environment = ["PATH=/usr/local/bin:/usr/bin:/bin"]
      let inside = try Container.run(
        "/bin/bash", words, as: .nobody, environment: environment, seconds: 60)
      #expect(inside.output.contains("exit 69"), "\(inside)")
      #expect(inside.output.contains("sandbox:mounts"), "\(inside)")
      #expect(inside.output.contains("\"state\":\"ready\""), "\(inside)")
      // Its twin: where there are mounts it ends as ever.
      let outside = try runProgram("/bin/bash", words, environment: environment, seconds: 60)
      #expect(!outside.output.contains("exit") && !outside.output.contains("ready"), "\(outside)")
    }

    /// The ways to cheat that need no mount, with their honest twins.
    @Test func noCheatPasses() throws {
      let library = environmentVariable("LD_LIBRARY_PATH").map { ["LD_LIBRARY_PATH=\($0)"] } ?? []
      let result = try Container.run(
        try Executable.path(),
        [
          "--testing-library", "swift-testing", "--filter",
          "noneOfEightPassesAndTheHonestSolutionAlwaysDoes",
        ], as: .nobody,
        environment: [
          "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp", "EDGECODER_BIN=\(Workplace.binaries)",
          "EDGECODER_WITHOUT_NAMESPACES=1",
        ] + library, seconds: 240)
      #expect(result.status == 0, "\(result.output.suffix(4000))")
      #expect((result.output + result.errors).contains("with 1 test"), "nothing was run")
    }
  }
}
