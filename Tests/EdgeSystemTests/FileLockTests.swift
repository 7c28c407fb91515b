import EdgeSystem
import EdgeTestSupport
import Glibc
import Testing

/// Locks, with processes that die while they hold them.
struct FileLockTests {
  let temporary = TemporaryDirectory()

  /// Holds the same kind of lock, says so, and waits for its input to end.
  private static let holder = """
    import fcntl, os, struct, sys
    file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 0, 0, 0))
    if len(sys.argv) > 2 and os.fork() == 0: os.setsid()
    else: sys.stdout.write('held'); sys.stdout.flush()
    sys.stdin.read()
    """

  private func isHeld() throws -> Bool { try FileLock.isHeld(temporary.open(), "lock") }

  private func canAcquire() throws -> Bool {
    let lock = try FileLock.acquire(temporary.open(), "lock")
    return lock != nil
  }

  @Test
  func isHeldByOneAtATime() throws {
    #expect(try !isHeld())
    let first = try FileLock.acquire(temporary.open(), "lock")
    #expect(try isHeld())
    // Not even the same process gets it twice.
    #expect(try !canAcquire())
    drop(first)
    #expect(try !isHeld())
    #expect(try canAcquire())
    #expect(try temporary.open().status("lock").mode == 0o600)
  }

  @Test(.program("python3"))
  func isDroppedWhenItsHolderIsKilled() throws {
    let holder = try RunningProgram("python3", ["-c", Self.holder, temporary.path("lock")])
    try holder.waitFor("held")
    #expect(try isHeld())
    #expect(try !canAcquire())
    holder.signal(SIGKILL)
    #expect(holder.wait() == .signalled(SIGKILL))
    #expect(try !isHeld())
    #expect(try canAcquire())
  }

  /// The twin: a lock whose descriptor a child inherits outlives its holder.
  @Test(.program("python3"))
  func wouldOutliveItsHolderIfAChildInheritedIt() throws {
    let holder = try RunningProgram("python3", ["-c", Self.holder, temporary.path("lock"), "fork"])
    try holder.waitFor("held")
    holder.signal(SIGKILL)
    _ = holder.wait()
    #expect(try isHeld())
    // The grandchild ends with its input.
    holder.closeInput()
    for _ in 0..<500 where try isHeld() { usleep(10_000) }
    #expect(try !isHeld())
  }

  @Test
  func isInheritedByNobody() throws {
    let lock = try FileLock.acquire(temporary.open(), "lock")
    #expect(try isHeld())
    let child = try RunningProgram("/bin/cat")
    drop(lock)
    #expect(child.isRunning)
    #expect(try !isHeld())
    child.closeInput()
    #expect(child.wait() == .exited(0))
  }

  /// Who waits is woken by the end of the holder, and not by one who only asked.
  @Test
  func aWatchSeesTheEndOfItsHolder() throws {
    let first = try FileLock.acquire(temporary.open(), "lock")
    let watch = try Watch()
    try watch.add(lock: "lock", in: temporary.open())
    #expect(try isHeld())
    #expect(Poll.readable([watch.descriptor], milliseconds: 0).isEmpty)
    drop(first)
    #expect(watch.waitForNames(milliseconds: 20_000) == [""])
  }

  @Test
  func waitsForItsTurn() throws {
    let path = temporary.path
    let first = try FileLock.acquire(temporary.open(), "lock")
    let waiter = WorkThread.start {
      guard let directory = try? Directory(path: path),
        let lock = try? FileLock.wait(directory, "lock")
      else { return }
      try? directory.publish("done", [], durable: false)
      drop(lock)
    }
    usleep(100_000)
    #expect(try !temporary.open().contains("done"))
    drop(first)
    waiter.join()
    #expect(try temporary.open().contains("done"))
  }

  @Test
  func refusesALinkInItsPlace() throws {
    try temporary.write("target", text: "")
    symlink("target", temporary.path("lock"))
    let error = #expect(throws: SystemError.self) { try canAcquire() }
    #expect(error?.errno == ELOOP)
  }
}

/// Ends a value here and not earlier.
private func drop<Value: ~Copyable>(_ value: consuming Value) {}
