import EdgeSystem
import Glibc
import Testing

/// A timer that kills its process.
struct KillTimerTests {
  @Test func `it kills a process that is stopped`() async {
    await #expect(processExitsWith: .signal(SIGKILL)) {
      let timer = try KillTimer()
      try timer.set(Clocks.bootNanoseconds() + 300_000_000)
      kill(getpid(), SIGSTOP)
      _ = Poll.readable([], milliseconds: 10_000)
    }
  }

  @Test func `a time that has passed is now`() async {
    await #expect(processExitsWith: .signal(SIGKILL)) {
      try KillTimer().set(1)
      _ = Poll.readable([], milliseconds: 10_000)
    }
  }

  @Test func `it can be put off, and called off`() async {
    await #expect(processExitsWith: .success) {
      let timer = try KillTimer()
      for _ in 0..<4 {
        try timer.set(Clocks.bootNanoseconds() + 300_000_000)
        _ = Poll.readable([], milliseconds: 100)
      }
      try timer.set(nil)
      _ = Poll.readable([], milliseconds: 500)
    }
  }
}
