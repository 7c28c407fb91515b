import EdgeJob
import EdgeTestSupport
import Testing

extension EndToEnd {
  /// What the second, clean sandbox is good for: a program leaves what it can behind, and another
  /// one looks for it. The twin runs both in one sandbox.
  @Suite(.program("python3"))
  struct CheatPhaseTests {
    /// Leaves a process, files, shared memory, changed programs, and a look at the hidden tests.
    private static let leave = """
      import os, time
      seen = sorted(os.listdir("/tests")) if os.path.isdir("/tests") else []
      print("tests:", " ".join(seen), flush=True)
      here = os.getcwd() + "/left"
      for path in ("/tmp/left", "/dev/shm/left", here, "/tests/look.py", "/runner/left"):
          try:
              with open(path, "w") as file:
                  file.write("print('nothing'); raise SystemExit(0)")
          except OSError:
              pass
      if os.fork() == 0:
          os.setsid()
          for number in range(3):
              os.close(number)
          time.sleep(20)
          os._exit(0)
      """

    /// Prints what is visible of the other; status 0 where that is only the workspace.
    private static let look = """
      import glob, os, sys
      places = ("/tmp/left", "/dev/shm/left", "/runner/left")
      seen = [path for path in places if os.path.exists(path)]
      own = {os.getpid(), os.getppid(), 1}
      for path in glob.glob("/proc/[0-9]*"):
          if int(path[6:]) not in own:
              try:
                  with open(path + "/cmdline") as file:
                      seen.append("process" if "leave" in file.read() else "other")
              except OSError:
                  seen.append("hidden")
      for path in glob.glob("/tests/*"):
          try:
              open(path, "a").close()
              seen.append(path)
          except OSError:
              pass
      print("workspace", os.path.exists(os.getcwd() + "/left"))
      print("seen", *sorted(seen))
      sys.exit(1 if seen else 0)
      """

    @Test func nothingButTheWorkspaceReachesTheTests() throws {
      let site = try CheatSite()
      var task = CheatSite.Task(name: "two-phases", command: ["python3", "-B", "leave.py"])
      task.source = ["leave.py": Array(Self.leave.utf8)]
      task.tests = ["look.py": Array(Self.look.utf8)]
      task.verifier = ["runner = \"exit\"", "command = [\"python3\", \"-B\", \"/tests/look.py\"]"]
      try site.add(task)
      let ended = try #require(try site.run()["two-phases"])
      let output = try site.output("stdout", of: ended.job)
      #expect(ended.ending["verdict"]?.text == "passed", "\(output)")
      #expect(output == "workspace True\nseen\n")
      #expect(try site.output("run-stdout", of: ended.job) == "tests: \n")
    }

    @Test func inOneSandboxEverythingReachesThem() throws {
      let site = try CheatSite()
      let both = "python3 -B leave.py; exec python3 -B look.py"
      var task = CheatSite.Task(name: "one-phase", command: ["bash", "-c", both])
      task.source = ["leave.py": Array(Self.leave.utf8), "look.py": Array(Self.look.utf8)]
      try site.add(task)
      let ended = try #require(try site.run()["one-phase"])
      #expect(ended.ending["verdict"]?.text == "failed")
      let output = try site.output("stdout", of: ended.job)
      let seen = "workspace True\nseen /dev/shm/left /tmp/left process\n"
      #expect(output.contains(seen), "\(output)")
    }

    /// Tests that lie in the source are worth something only where they are protected.
    @Test(arguments: [true, false]) func testsInTheSourceNeedProtection(isProtected: Bool) throws {
      let site = try CheatSite()
      let edit = """
        def middle(a, b, c):
            return None

        for name in ("check.py",):
            with open(name, "w") as file:
                file.write("raise SystemExit(0)\\n")
        """
      let check = "from solution import middle\nassert middle(1, 2, 3) == 2\n"
      var task = CheatSite.Task(name: "own-tests", command: ["python3", "-B", "solution.py"])
      task.source = ["solution.py": [], "check.py": Array(check.utf8)]
      task.verifier = ["runner = \"exit\"", "command = [\"python3\", \"-B\", \"check.py\"]"]
      if isProtected { task.protected = ["check.py"] }
      try site.add(task, candidate: ["solution.py": Array(edit.utf8)])
      let ended = try #require(try site.run()["own-tests"])
      #expect((ended.ending["verdict"]?.text == "passed") == !isProtected, "\(ended.ending)")
    }
  }
}
