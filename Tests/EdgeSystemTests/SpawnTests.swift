import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

struct SpawnTests {
  let temporary = TemporaryDirectory()

  @Test
  func givesAnEmptyEnvironment() throws {
    setenv("EDGECODER_TEST_LEAK", "1", 1)
    let result = try runProgram("/usr/bin/env")
    #expect(result.output.isEmpty)
    let named = try runProgram("/usr/bin/env", environment: ["A=1", "B="])
    #expect(named.output == "A=1\nB=\n")
  }

  @Test
  func passesArgumentsAsTheyAre() throws {
    let arguments = ["", " ", "$HOME", "a\nb", "*", "'\"", "é😀", "-n"]
    let script = "import sys; sys.stdout.write('|'.join(sys.argv[1:]))"
    let result = try Python.run(script, arguments)
    #expect(result.output == arguments.joined(separator: "|"))
  }

  @Test
  func refusesZeroBytes() {
    for spawn in [
      Spawn(path: "/bin/echo", arguments: ["a\0b"]), Spawn(path: "/bin/true\0x", arguments: []),
      Spawn(path: "/bin/true", arguments: [], environment: ["A=1\0"]),
    ] {
      var code: Int32 = 0
      do { _ = try spawn.start() } catch { code = error.errno }
      #expect(code == EINVAL)
    }
  }

  @Test
  func tellsWhyAProgramDoesNotStart() throws {
    var code: Int32 = 0
    do { _ = try Spawn(path: "/absent", arguments: []).start() } catch { code = error.errno }
    #expect(code == ENOENT)
    try temporary.write("data", text: "no program")
    do { _ = try Spawn(path: temporary.path("data"), arguments: []).start() } catch {
      code = error.errno
    }
    #expect(code == EACCES)
  }

  /// Lists `number:target` of every descriptor that a child has, `read` being one of `ls`'s own.
  private func descriptors(of spawn: Spawn) throws -> [String] {
    let pipe = try Descriptor.pipe()
    var spawn = spawn
    spawn.descriptors[1] = pipe.writing.raw
    var child = try spawn.start()
    let reading = pipe.closeWriting()
    let bytes = try reading.read(atMost: 1 << 20)
    #expect(child.wait() == .exited(0))
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init).sorted()
  }

  private static let lister = """
    import os
    for name in sorted(os.listdir('/proc/self/fd'), key=int):
        try: print(name + ':' + os.path.basename(os.readlink('/proc/self/fd/' + name)))
        except OSError: pass
    """

  private func lister(_ descriptors: [Int32: Int32]) throws -> Spawn {
    let python = try #require(programPath("python3"))
    return Spawn(
      path: python, arguments: ["-S", "-c", Self.lister],
      environment: ["PATH=/usr/bin:/bin"], descriptors: descriptors)
  }

  @Test(.program("python3"))
  func leaksNoDescriptor() throws {
    // One that is not close-on-exec, low and high: a careless library may open such.
    let careless = open("/etc/hostname", O_RDONLY)
    let high = dup2(careless, 300)
    defer {
      close(careless)
      close(high)
    }
    let seen = try descriptors(of: lister([:]))
    #expect(seen.count == 3, "\(seen)")
    #expect(seen.contains("0:null") && seen.contains("2:null"))
    #expect(!seen.contains("\(careless):hostname") && !seen.contains("300:hostname"))
    // The twin: a program that is started in the ordinary way has both.
    let stream = try #require(popen("/bin/ls /proc/self/fd", "r"))
    let plain = try EdgeSystem.read(fileno(stream), atMost: 1 << 16)
    pclose(stream)
    let numbers = String(decoding: plain, as: UTF8.self).split(separator: "\n")
    #expect(numbers.contains("\(careless)") && numbers.contains("300"))
  }

  @Test(.program("python3"))
  func closesTheGapsBetweenDescriptors() throws {
    let file = open(try temporary.write("file", text: ""), O_RDONLY)
    defer { close(file) }
    let seen = try descriptors(of: lister([200: file]))
    #expect(seen.filter { $0.hasSuffix(":file") } == ["200:file"])
    #expect(seen.count == 4, "\(seen)")
  }

  /// Every permutation of three descriptors over the numbers that they have themselves.
  @Test(.program("python3"))
  func mapsDescriptorsThatTradePlaces() throws {
    let names = ["a", "b", "c"]
    let files = try names.map { open(try temporary.write($0, text: ""), O_RDONLY | O_CLOEXEC) }
    defer { for file in files { close(file) } }
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
      var map: [Int32: Int32] = [:]
      for (target, source) in zip(files, order) { map[target] = files[source] }
      let seen = try descriptors(of: lister(map))
      for (target, source) in zip(files, order) {
        #expect(seen.contains("\(target):\(names[source])"), "\(order): \(seen)")
      }
      #expect(seen.count == 6, "\(seen)")
    }
  }

  @Test(.program("python3"))
  func givesOneDescriptorTwice() throws {
    let file = open(try temporary.write("file", text: ""), O_RDONLY | O_CLOEXEC)
    defer { close(file) }
    let seen = try descriptors(of: lister([0: file, 7: file, 2: file]))
    #expect(seen.filter { $0.hasSuffix(":file") } == ["0:file", "2:file", "7:file"])
  }

  @Test(.program("python3"))
  func resetsSignals() throws {
    let before = Glibc.signal(SIGUSR1, SIG_IGN)
    defer { _ = Glibc.signal(SIGUSR1, before) }
    let script = """
      import signal
      print(signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL, signal.pthread_sigmask(0, []))
      """
    #expect(try Python.run(script).output == "True set()\n")
  }

  @Test
  func tellsHowAProgramEnded() throws {
    #expect(try runProgram("/bin/sh", ["-c", "exit 37"]).termination == .exited(37))
    #expect(try runProgram("/bin/sh", ["-c", "kill -9 $$"]).termination == .signalled(9))
    #expect(try runProgram("/bin/sh", ["-c", "kill -9 $$"]).status == 137)
  }

  @Test
  func killsWhatNobodyWaitsFor() throws {
    var process: Int32 = 0
    do {
      let child = try Spawn(path: "/bin/sleep", arguments: ["600"]).start()
      process = child.process
      #expect(kill(process, 0) == 0)
    }
    // It is dead and reaped: the number is nobody's.
    #expect(kill(process, 0) == -1 && errno == ESRCH)
  }

  @Test
  func pollsForTheEnd() throws {
    var child = try Spawn(path: "/bin/sleep", arguments: ["600"]).start()
    let early = child.poll()
    #expect(early == nil)
    child.signal(SIGTERM)
    _ = Poll.readable([child.descriptor], milliseconds: 10_000)
    let end = child.poll()
    #expect(end == .signalled(SIGTERM))
  }
}

/// The fixture that other tests rely on.
struct RunProgramTests {
  @Test
  func carriesMuchBothWaysWithoutBlocking() throws {
    var random = SplitMix64(seed: 3)
    let bytes = random.bytes(3_000_000)
    let result = try runProgram("/bin/sh", ["-c", "cat | tee /dev/stderr"], input: bytes)
    #expect(result.stdout == bytes)
    #expect(result.stderr == bytes)
  }

  @Test
  func killsWhatTakesTooLong() {
    #expect(throws: ProgramError.self) { try runProgram("/bin/sleep", ["600"], seconds: 1) }
  }

  @Test
  func doesNotWaitForWhatIsLeftBehind() throws {
    let script = "(sleep 20 >&1 2>&1 & echo $!) ; echo done"
    let result = try runProgram("/bin/sh", ["-c", script], seconds: 10)
    #expect(result.output.hasSuffix("done\n"))
    if let left = Int32(result.output.split(separator: "\n")[0]) { kill(left, SIGKILL) }
  }

  @Test
  func removesItsDirectory() throws {
    var path = ""
    do {
      let temporary = TemporaryDirectory()
      path = temporary.path
      try temporary.write("file", text: "x")
      #expect(access(path, F_OK) == 0)
    }
    #expect(access(path, F_OK) != 0)
  }
}
