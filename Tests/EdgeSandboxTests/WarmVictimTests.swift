import EdgeJob
import EdgeSandbox
import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// A hostile program that is a copy of a warm interpreter, and then a victim from the same one.
@Suite(.enabled(if: WarmBox.isAvailable, "needs root and /usr/bin/python3"))
struct WarmVictimTests {
  /// What a program sees that an earlier one could have changed.
  private static let victim = """
    import os, random, sys, json
    print(sorted(sys.modules), sys.path, sorted(os.environ), os.listdir("."), os.listdir("/tmp"))
    print(json.dumps({"a": [1, 2]}), len([1]), sorted(dir(__builtins__))[:9], hash("abc"))
    print(sys.getrecursionlimit(), sys.gettrace(), sys.flags, os.umask(0o22), os.getcwd())
    print(open(os.__file__).read(40), os.listdir("/dev/shm"), random.Random(3).random())
    """

  private static let attacks = [
    // Poison for whatever is shared.
    """
    import sys, os, builtins, json, random
    sys.modules["poison"] = json; sys.path.insert(0, "/tmp"); os.environ["POISON"] = "1"
    builtins.len = lambda x: 42; json.dumps = lambda x: "poisoned"; random.seed(1)
    sys.setrecursionlimit(77); os.umask(0); os.chdir("/tmp"); sys.settrace(lambda *a: None)
    for path in ("/tmp/json.py", "json.py", "os.py", "/dev/shm/x", "/tmp/poison.pth"):
        open(path, "w").write("raise SystemExit('poisoned')")
    os._exit(0)
    """,
    // Compiled files, the interpreter's own, and the server's.
    """
    import os, sys
    for path in (os.__file__, os.__cached__, "/.warm/warm.py", "/.warm/x", sys.executable,
                 "/usr/lib/python3/dist-packages/x.pth"):
        try: open(path, "r+b" if os.path.exists(path) else "wb"); print("OPEN", path)
        except OSError: pass
        try: os.chmod(path, 0o777); print("CHANGED", path)
        except OSError: pass
    """,
    // Every process that can be named.
    """
    import os, signal
    me = os.getpid()
    for pid in list(range(-200, 5000)) + [os.getppid()]:
        if pid in (me, -me, 0, -1): continue
        try: os.kill(pid, 9); print("KILLED", pid)
        except OSError: pass
    for pid in ["1"] + [p for p in os.listdir("/proc") if p.isdigit() and int(p) != me]:
        for name in ("mem", "environ", "maps", "fd", "cwd", "root", "ns/pid"):
            try:
                path = "/proc/%s/%s" % (pid, name)
                os.readlink(path) if name in ("cwd", "root", "ns/pid") else os.listdir(
                    path) if name == "fd" else open(path, "rb").read(1)
                print("READ", pid, name)
            except OSError: pass
    try: os.kill(-1, 15)
    except OSError: pass
    """,
    // Descriptors.
    """
    import os, stat
    for fd in range(3, 4096):
        try: print("FD", fd, os.readlink("/proc/self/fd/%d" % fd))
        except OSError: pass
    """,
    // Memory: what the jail and the worker read and write, and the jail's code.
    """
    maps = open("/proc/self/maps").read()
    print("\\n".join(line for line in maps.split("\\n") if "memfd" in line or " rw-s" in line))
    """,
  ]

  @Test(arguments: attacks)
  func aVictimSeesNothingOfIt(attack: String) throws {
    let box = try WarmBox()
    let clean = try box.second(["-c", WarmVictimTests.victim])
    #expect(clean.verdict() == .passed)
    let hostile = try box.run(["-c", attack])
    #expect(hostile.enforced["start"] == "copy of a warm interpreter")
    #expect(hostile.out == "", "\(hostile.out.prefix(300))")
    let victim = try box.run(["-c", WarmVictimTests.victim])
    #expect(victim.enforced["start"] == "copy of a warm interpreter")
    #expect(victim.out == clean.out)
    #expect(victim.verdict() == .passed)
    #expect(Processes.of(box.box.user).isEmpty)
  }

  /// The calls that a launch makes from the jail's code, made from that very code by a program.
  private static func jump(_ number: Int, _ arguments: String) -> String {
    """
    import ctypes, mmap
    code = bytes.fromhex("4889f84889f74889d64889ca4d89c24d89c80f05c3")
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
    place = libc.mmap(0x10000040000, 4096, 7, 0x32, -1, 0)
    ctypes.memmove(place, code, len(code))
    call = ctypes.CFUNCTYPE(ctypes.c_long, *[ctypes.c_long] * 6)(place)
    print(call(\(number), \(arguments)))
    """
  }

  /// ptrace and setns end a run by themselves; from the jail's code they just fail.
  @Test(arguments: [
    ("ptrace", "import ctypes; print(ctypes.CDLL(None).ptrace(16, 1, 0, 0))"),
    ("setns", "import ctypes; print(ctypes.CDLL(None).setns(0, 0))"),
  ])
  func itIsEndedForACall(name: String, script: String) throws {
    let box = try WarmBox()
    _ = try box.second(["-c", "pass"])
    #expect(try box.run(["-c", script]).verdict() == .violation(syscall: name))
    let victim = try box.run(["-c", "print('well')"])
    #expect(victim.out == "well")
    #expect(victim.enforced["start"] == "copy of a warm interpreter")
  }

  #if arch(x86_64)
    @Test func theJailsCodeIsOfNoUseToAProgram() throws {
      // What the kernel itself would let this user do: setresuid(2) to himself, and the question
      // for Landlock's version, landlock_create_ruleset(2).
      for bare in [false, true] {
        let box = try WarmBox(without: bare ? [.seccomp] : [])
        let own = "\(box.box.user)"
        let change = WarmVictimTests.jump(117, "\(own), \(own), \(own), 0, 0")
        let changed = try box.second(["-c", change])
        #expect(changed.out == (bare ? "0" : "-1"), "\(changed.err.suffix(300))")
        let asked = try box.run(["-c", WarmVictimTests.jump(444, "0, 0, 1, 0, 0")])
        #expect((Int(asked.out) ?? 0 > 0) == bare, "\(asked.out) \(asked.err.suffix(300))")
      }
    }
  #endif

  @Test func whatTheServerHoldsIsSeenWithoutTheLayer() throws {
    let script = """
      import os
      print(len([fd for fd in range(4, 64) if os.path.lexists("/proc/self/fd/%d" % fd)]) > 1)
      """
    #expect(try WarmBox().second(["-c", script]).out == "False")
    #expect(try WarmBox(without: [.descriptors]).second(["-c", script]).out == "True")
  }

  @Test func withoutAnOwnUserInitWouldBeRead() throws {
    let script = """
      import os
      try: print(len(os.listdir("/proc/1/fd")) >= 0)
      except OSError as error: print(error.strerror)
      """
    #expect(try WarmBox().second(["-c", script]).out == "No such file or directory")
    #expect(try WarmBox(without: [.user]).second(["-c", script]).out == "True")
  }

  /// The interpreters that wait in a slot's jails, by their control groups.
  private func servers(_ box: WarmBox) throws -> Set<Int32> {
    let own = "edgecoder-\(getpid())-\(box.box.sandbox.slot)-"
    var members: Set<Int32> = []
    for place in box.box.sandbox.host.findings.map(\.note) where place.hasPrefix("/") {
      for name in try Directory(path: place).entries() where name.hasPrefix(own) {
        let bytes = try Directory(path: place + "/" + name).read("cgroup.procs", atMost: 4096)
        members.formUnion(
          String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { Int32($0) })
      }
    }
    return members.filter { member in
      Processes.all().contains { $0.process == member && $0.name.hasPrefix("python") }
    }
  }

  @Test func aServerThatDiesIsAFaultAndIsReplaced() throws {
    let box = try WarmBox()
    _ = try box.second(["-c", "pass"])
    guard box.box.sandbox.host.findings.contains(where: { $0.note.hasPrefix("/") }) else { return }
    let server = try servers(box)
    #expect(server.count == 1)
    for process in server { kill(process, SIGKILL) }
    #expect(throws: LaunchFailure.self) { try box.run(["-c", "pass"]) }
    let next = try box.run(["-c", "print(1)"])
    #expect(next.out == "1")
    #expect(next.enforced["start"] == "copy of a warm interpreter")
    #expect(try servers(box).isDisjoint(with: server))
  }

  @Test func aFailedStepLeavesNothing() throws {
    let box = try WarmBox()
    var launch = try box.launch(["-c", "print(1)"])
    launch.failingStage = 33
    for count in 0..<3 {
      let workspace = try box.box.sandbox.makeWorkspace(
        limits: launch.limits, profile: launch.profile)
      do {
        let report = try box.box.sandbox.run(launch, in: workspace)
        // The first one is executed.
        #expect(count == 0)
        #expect(report.out == "1")
      } catch {
        #expect(count > 0)
        #expect(error.stage == "warm")
      }
      #expect(Processes.of(box.box.user).isEmpty)
    }
  }
}
