import EdgeJob
import EdgeSandbox
import EdgeSystem
import Testing

/// Each forbidden call once behind the filter, and once without it, where it works.
@Suite(.enabled(if: isRoot && Probe.isAvailable, "needs root and a C compiler"))
struct SystemCallTests {
  @Test(arguments: [
    ("ptrace", "ptrace"), ("keyctl", "keyctl"), ("io_uring", "io_uring_setup"),
    ("unshare", "unshare"), ("mount", "mount"), ("bpf", "bpf"),
  ])
  func hostileCallsEndTheRunAndAreNamed(_ what: String, _ call: String) throws {
    let report = try Box().run(["./probe", what])
    #expect(report.verdict() == .violation(syscall: call))
    #expect(report.termination == .signalled(9))
    #expect(report.stdout.isEmpty)
  }

  @Test(arguments: [
    ("ptrace", "OK"), ("keyctl", "OK"), ("io_uring", "OK"), ("unshare", "OK"), ("mount", "EPERM"),
    ("bpf", "EINVAL"),
  ])
  func withoutTheFilterTheyReachTheKernel(_ what: String, _ answer: String) throws {
    let report = try Box(without: [.seccomp]).run(["./probe", what])
    // An ordinary user may not call bpf(2) on many machines; then that is the kernel's own answer.
    #expect(report.out == answer || (what == "bpf" && report.out == "EPERM"))
    #expect(report.verdict() == .passed)
    #expect(report.enforced["syscalls"] == "none")
    #expect(report.enforced["without"] == "seccomp")
  }

  @Test func aViolationDeepInTheTreeEndsTheRun() throws {
    let box = try Box()
    let report = try box.sh("(sleep 60 & ./probe ptrace; sleep 60) & sleep 60")
    #expect(report.verdict() == .violation(syscall: "ptrace"))
    #expect(Processes.of(box.user).isEmpty)
  }

  @Test(arguments: [
    ("clone", "EPERM", "OK"), ("clone3", "ENOSYS", "OK"), ("mseal", "ENOSYS", "EINVAL"),
    ("personality", "EPERM", "OK"),
  ])
  func otherCallsFail(_ what: String, _ inside: String, _ without: String) throws {
    #expect(try Box().probe(what) == inside)
    #expect(try Box(without: [.seccomp]).probe(what) == without)
  }

  @Test(arguments: [2, 10, 16, 17, 40, 38, 44])
  func onlySocketsOfTheUnixDomain(_ family: Int) throws {
    #expect(try Box().probe("family", "\(family)") == "EPERM")
  }

  /// Those of 17 and 44 the kernel itself keeps from who has no capability.
  @Test(arguments: [2, 10, 16, 38, 40])
  func withoutTheFilterOtherDomainsReachTheKernel(_ family: Int) throws {
    let answer = try Box(without: [.seccomp]).probe("family", "\(family)")
    #expect(answer == "OK" || answer.hasSuffix("NOSUPPORT"), "\(answer)")
  }

  @Test func socketsOfTheUnixDomainAreMade() throws {
    // SOCK_RAW is taken as SOCK_DGRAM there.
    #expect(try Box().probe("family", "1") == "OK")
    #expect(try Box(without: [.seccomp]).probe("family", "16") == "OK")
  }

  #if arch(x86_64)
    @Test(arguments: ["int80", "x32"])
    func foreignConventionsKill(_ what: String) throws {
      let report = try Box().run(["./probe", what])
      #expect(report.termination == .signalled(9))
      #expect(report.verdict() == .violation(syscall: "foreign architecture"))
    }

    @Test func withoutTheFilterTheOldGateIsOpen() throws {
      #expect(try Box(without: [.seccomp]).probe("int80") == "OK")
    }
  #endif

  @Test func noDeviceNodes() throws {
    #expect(try Box().probe("mknod") == "EPERM")
    #expect(try Box().probe("fifo") == "OK")
    #expect(try Box(without: [.seccomp, .user, .landlock]).probe("mknod") == "OK")
  }

  @Test func noInputIsPushedIntoTerminals() throws {
    // The high half of the number must not hide it (CVE-2019-10063).
    #expect(try Box().probe("tiocsti") == "EPERM")
    #expect(try Box(without: [.seccomp]).probe("tiocsti") == "ENOTTY")
  }

  @Test func noOtherUser() throws {
    #expect(try Box().probe("setuid") == "EPERM")
    #expect(try Box().probe("chown") == "EPERM")
    #expect(try Box(without: [.seccomp, .user]).probe("setuid") == "OK")
    #expect(try Box(without: [.seccomp, .user]).probe("chown") == "OK")
  }

  @Test func aSupervisorCanHideAndAdopt() throws {
    #expect(try Box().probe("undumpable", "0") == "OK")
    #expect(try Box().probe("undumpable", "1") == "EPERM")
    #expect(try Box().probe("subreaper") == "OK")
    #expect(try Box(without: [.seccomp]).probe("undumpable", "1") == "OK")
  }

  @Test func adoptedOrphansDieAndAreCounted() throws {
    let box = try Box()
    let script = """
      import ctypes, os, time
      ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
      if os.fork() == 0:
        os.setsid()
        if os.fork() == 0: time.sleep(60)
        os._exit(0)
      os.wait()
      os._exit(3)
      """
    let report = try box.run(["python3", "-S", "-c", script], profile: "python")
    #expect(report.verdict() == .failed(exit: 3), "\(report.err)")
    #expect(report.usage.orphans == 1)
    #expect(Processes.of(box.user).isEmpty)
  }

  @Test func limitsOfInitStay() throws {
    #expect(try Box().probe("prlimit", "1") == "EPERM")
    #expect(try Box().probe("prlimit", "0") == "OK")
    #expect(try Box(without: [.seccomp]).probe("prlimit", "1") == "OK")
  }

  @Test func initCannotBeKilledFromInside() throws {
    let report = try Box().sh("kill -9 1; kill -15 1; kill -STOP 1; sleep 0.1; echo alive")
    #expect(report.out == "alive")
    #expect(report.verdict() == .passed)
  }
}
